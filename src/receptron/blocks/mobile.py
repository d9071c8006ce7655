"""Blocks for small devices: a depthwise filter between pointwise maps."""

from functools import partial

from torch import nn

from receptron.blocks.attention import SqueezeExcite
from receptron.blocks.chain import chain
from receptron.blocks.conv import Act, Norm, conv, depthwise, pointwise, relu, relu6, silu
from receptron.blocks.residual import skip_if_same


def separable(c_in: int, c_out: int, stride: int = 1, *, act: Act = relu) -> nn.Sequential:
    """Depthwise 3x3, then 1x1, each normalised: (N, c_in, H, W) -> (N, c_out, H/stride, W/stride).

    Weights: 9 c_in + c_in c_out, against 9 c_in c_out of a plain 3x3. Source: Howard et al. 2017, MobileNets, arXiv:1704.04861, Fig. 3.
    """
    return chain(depthwise=depthwise(c_in, 3, stride, act=act), pointwise=pointwise(c_in, c_out, act=act))


def inverted(c_in: int, c_out: int, stride: int, *, expand: int, kernel: int = 3, norm: Norm = nn.BatchNorm2d) -> nn.Module:
    """Widen to m = expand * c_in, filter each channel, narrow without activation; a skip where the shape stays.

    Weights: m c_in + kernel^2 m + m c_out. Source: Sandler et al. 2018, MobileNetV2, arXiv:1801.04381, Table 1.
    """
    mid, inner = c_in * expand, partial(conv, norm=norm, act=relu6)
    body = chain(
        expand=inner(c_in, mid, 1) if expand > 1 else None,
        depthwise=inner(mid, mid, kernel, stride, groups=mid),
        narrow=pointwise(mid, c_out, norm=norm, act=None),
    )
    return skip_if_same(body, c_in, c_out, stride)


def mbconv(c_in: int, c_out: int, stride: int, *, expand: int, kernel: int = 3, norm: Norm = nn.BatchNorm2d) -> nn.Module:
    """Inverted residual with SiLU and squeeze-and-excitation to a quarter of the block's input. Tan & Le 2019, arXiv:1905.11946, Section 4.

    Weights, with m = expand * c_in: m c_in + kernel^2 m + m c_out, and the gate's m c_in / 2 + m + c_in / 4.
    """
    mid, inner = c_in * expand, partial(conv, norm=norm, act=silu)
    body = chain(
        expand=inner(c_in, mid, 1) if expand > 1 else None,
        depthwise=inner(mid, mid, kernel, stride, groups=mid),
        gate=SqueezeExcite(mid, max(1, c_in // 4), act=silu),
        narrow=pointwise(mid, c_out, norm=norm, act=None),
    )
    return skip_if_same(body, c_in, c_out, stride)


def fused_mbconv(c_in: int, c_out: int, stride: int, *, expand: int, norm: Norm = nn.BatchNorm2d) -> nn.Module:
    """MBConv whose 1x1 and depthwise 3x3 are one plain 3x3, faster where maps are large. Tan & Le 2021, arXiv:2104.00298, Fig. 2."""
    mid = c_in * expand
    if expand == 1:
        body = chain(expand=conv(c_in, c_out, 3, stride, norm=norm, act=silu))
    else:
        body = chain(expand=conv(c_in, mid, 3, stride, norm=norm, act=silu), narrow=pointwise(mid, c_out, norm=norm, act=None))
    return skip_if_same(body, c_in, c_out, stride)


def round_to(channels: float, divisor: int = 8) -> int:
    """Nearest multiple of `divisor` that loses at most a tenth, as the released MobileNet code rounds widths."""
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded
