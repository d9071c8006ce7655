"""ResNet and what grew on it. He et al. 2016, "Deep Residual Learning for Image Recognition", arXiv:1512.03385, Table 1.

v1 is the paper's (stride in the first 1x1 of a bottleneck); the plain name is the released PyTorch variant (stride in the 3x3, "v1.5").
ResNet-D: He et al. 2019, arXiv:1812.01187, Fig. 2. ResNeXt: Xie et al. 2017, arXiv:1611.05431, Table 1.
Wide ResNet: Zagoruyko & Komodakis 2016, arXiv:1605.07146. SE: Hu et al. 2018, arXiv:1709.01507. CBAM: Woo et al. 2018, arXiv:1807.06521.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

from torch import nn

from receptron.blocks.attention import CBAM, SqueezeExcite
from receptron.blocks.chain import chain, joined, staged
from receptron.blocks.classifier import Classifier, linear_head
from receptron.blocks.conv import conv
from receptron.blocks.residual import Residual, basic, bottleneck, project


def padded_pool() -> nn.MaxPool2d:
    """3x3, padded."""
    return nn.MaxPool2d(3, 2, padding=1)


def ceil_pool() -> nn.MaxPool2d:
    """Caffe's pool: no padding, and the window that the edge cuts off is kept."""
    return nn.MaxPool2d(3, 2, ceil_mode=True)


def stem(*widths: int, pool: Callable[[], nn.Module] = padded_pool) -> nn.Module:
    """7x7 with one width, or ResNet-D's three 3x3; then a pool: (N, 3, H, W) -> (N, widths[-1], H/4, W/4)."""
    first = conv(3, widths[0], 7 if len(widths) == 1 else 3, 2)
    more = {f"conv{i}": conv(c_in, c_out) for i, (c_in, c_out) in enumerate(pairwise(widths), 2)}
    return chain(conv1=first, **more, pool=pool())


def pooled_project(c_in: int, c_out: int, stride: int) -> nn.Module | None:
    """ResNet-D's shortcut: average before the 1x1 convolution, so that no pixel is skipped."""
    if stride == 1 and c_in == c_out:
        return None
    pool = nn.AvgPool2d(2, stride, ceil_mode=True, count_include_pad=False) if stride > 1 else None
    return joined(chain(pool=pool), conv(c_in, c_out, 1, act=None))


NARROW, WIDE = (64, 128, 256, 512), (256, 512, 1024, 2048)
DEPTHS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


@dataclass(frozen=True)
class ResNetRow:
    """One column of the paper's table; `body` takes (c_in, c_out, stride, attention=)."""

    body: Callable[..., nn.Module]
    depths: tuple[int, int, int, int]
    widths: tuple[int, int, int, int] = WIDE
    stem: tuple[int, ...] = (64,)
    shortcut: Callable[[int, int, int], nn.Module | None] = project
    attention: Callable[[int], nn.Module] | None = None
    skip: bool = True
    pool: Callable[[], nn.Module] = padded_pool


def se(channels: int) -> nn.Module:
    """Squeeze-and-excitation to a sixteenth of the channels (Hu et al., Section 4.4)."""
    return SqueezeExcite(channels, channels // 16)


def cbam(channels: int) -> nn.Module:
    """CBAM, squeezed to a sixteenth of the channels."""
    return CBAM(channels, channels // 16)


SKIPPING = {
    **{f"resnet{n}": ResNetRow(basic, DEPTHS[n], NARROW) for n in (18, 34)},
    **{f"resnet{n}": ResNetRow(bottleneck, DEPTHS[n]) for n in (50, 101, 152)},
    **{f"resnet{n}_v1": ResNetRow(partial(bottleneck, stride_first=True), DEPTHS[n]) for n in (50, 101, 152)},
    **{f"resnet{n}d": ResNetRow(basic, DEPTHS[n], NARROW, (32, 32, 64), pooled_project) for n in (18, 34)},
    **{f"resnet{n}d": ResNetRow(bottleneck, DEPTHS[n], stem=(32, 32, 64), shortcut=pooled_project) for n in (50, 101, 152)},
    "resnext50_32x4d": ResNetRow(partial(bottleneck, ratio=2, groups=32), DEPTHS[50]),
    "resnext101_32x8d": ResNetRow(partial(bottleneck, ratio=1, groups=32), DEPTHS[101]),
    "resnext101_64x4d": ResNetRow(partial(bottleneck, ratio=1, groups=64), DEPTHS[101]),
    "wide_resnet50_2": ResNetRow(partial(bottleneck, ratio=2), DEPTHS[50]),
    "wide_resnet101_2": ResNetRow(partial(bottleneck, ratio=2), DEPTHS[101]),
    **{f"se_resnet{n}": ResNetRow(bottleneck, DEPTHS[n], attention=se) for n in (50, 101, 152)},
    **{  # as their authors published them for Caffe
        f"se_resnet{n}_v1": ResNetRow(partial(bottleneck, stride_first=True), DEPTHS[n], attention=se, pool=ceil_pool)
        for n in (50, 101, 152)
    },
    "cbam_resnet50": ResNetRow(bottleneck, DEPTHS[50], attention=cbam),
}
TABLE = SKIPPING | {f"{name}_plain": replace(row, skip=False) for name, row in SKIPPING.items() if row.attention is None}


def resnet(name: str, classes: int = 1000) -> Classifier:
    """(N, 3, H, W) -> (N, classes)."""
    row = TABLE[name]

    def block(c_in: int, c_out: int, stride: int) -> nn.Module:
        body = row.body(c_in, c_out, stride, attention=row.attention(c_out) if row.attention else None)
        act = nn.ReLU(inplace=True)
        return Residual(body, row.shortcut(c_in, c_out, stride), act) if row.skip else chain(body=body, act=act)

    stages = staged(block, (row.stem[-1], *row.widths), row.depths)
    return Classifier(stem(*row.stem, pool=row.pool), stages, linear_head(row.widths[-1], classes))
