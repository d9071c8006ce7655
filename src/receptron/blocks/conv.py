"""Convolutions: plain, dilated, grouped, depthwise, pointwise, transposed, causal.

Parameters of a convolution: c_out * (c_in / groups) * kernel_h * kernel_w, plus c_out where it has a bias.
"""

from collections.abc import Callable
from functools import partial

from torch import Tensor, nn
from torch.nn.functional import pad

from receptron.blocks.chain import chain

Norm = Callable[[int], nn.Module]
Act = Callable[[], nn.Module]
Size = int | tuple[int, int]

relu = partial(nn.ReLU, inplace=True)
relu6 = partial(nn.ReLU6, inplace=True)
silu = partial(nn.SiLU, inplace=True)
hardswish = partial(nn.Hardswish, inplace=True)


def conv(
    c_in: int,
    c_out: int,
    kernel: Size = 3,
    stride: int = 1,
    *,
    groups: int = 1,
    dilation: int = 1,
    norm: Norm | None = nn.BatchNorm2d,
    act: Act | None = relu,
) -> nn.Sequential:
    """Convolution, normalisation, activation: (N, c_in, H, W) -> (N, c_out, ceil(H/stride), ceil(W/stride)).

    Odd kernels are padded so that stride 1 keeps the size. There is a bias only where no norm follows, which would cancel it.
    """
    return chain(
        conv=nn.Conv2d(c_in, c_out, kernel, stride, same(kernel, dilation), dilation, groups, bias=norm is None),
        norm=norm(c_out) if norm else None,
        act=act() if act else None,
    )


def valid(
    c_in: int, c_out: int, kernel: Size = 3, stride: int = 1, *, norm: Norm | None = nn.BatchNorm2d, act: Act | None = relu
) -> nn.Sequential:
    """`conv` without padding: (N, c_in, H, W) -> (N, c_out, (H - kernel) // stride + 1, ...)."""
    return chain(
        conv=nn.Conv2d(c_in, c_out, kernel, stride, bias=norm is None),
        norm=norm(c_out) if norm else None,
        act=act() if act else None,
    )


def same(kernel: Size, dilation: int = 1) -> tuple[int, int]:
    """Padding of each side, (height, width), that keeps the size at stride 1."""
    high, wide = kernel if isinstance(kernel, tuple) else (kernel, kernel)
    return dilation * (high - 1) // 2, dilation * (wide - 1) // 2


def depthwise(
    channels: int, kernel: int = 3, stride: int = 1, *, norm: Norm | None = nn.BatchNorm2d, act: Act | None = relu
) -> nn.Sequential:
    """One filter for each channel, none mixed: (N, C, H, W) -> (N, C, ceil(H/stride), ...); channels * kernel^2 weights."""
    return conv(channels, channels, kernel, stride, groups=channels, norm=norm, act=act)


def pointwise(c_in: int, c_out: int, stride: int = 1, *, norm: Norm | None = nn.BatchNorm2d, act: Act | None = relu) -> nn.Sequential:
    """1x1 convolution: the same linear map of the channels at every pixel; c_in * c_out weights."""
    return conv(c_in, c_out, 1, stride, norm=norm, act=act)


def upconv(c_in: int, c_out: int, factor: int = 2) -> nn.ConvTranspose2d:
    """Transposed convolution, windows side by side: (N, c_in, H, W) -> (N, c_out, factor*H, factor*W); c_in c_out factor^2 + c_out."""
    return nn.ConvTranspose2d(c_in, c_out, factor, stride=factor)


class CausalConv1d(nn.Conv1d):
    """Convolution over time that never looks ahead: (N, c_in, T) -> (N, c_out, T), padded on the left only.

    Source: van den Oord et al. 2016, WaveNet, arXiv:1609.03499, Figs 2 and 3 (dilated).
    """

    def __init__(self, c_in: int, c_out: int, kernel: int, *, dilation: int = 1, groups: int = 1, bias: bool = True) -> None:
        super().__init__(c_in, c_out, kernel, dilation=dilation, groups=groups, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        past = self.dilation[0] * (self.kernel_size[0] - 1)
        return super().forward(pad(input, (past, 0)))
