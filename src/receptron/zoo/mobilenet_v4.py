"""MobileNetV4. Qin et al. 2024, "MobileNetV4: Universal Models for the Mobile Ecosystem", arXiv:2404.10518, Tables 11 to 15 (appendix)."""

from functools import partial
from typing import NamedTuple

from torch import nn

from receptron.blocks.chain import chain
from receptron.blocks.classifier import Classifier
from receptron.blocks.conv import Act, conv, depthwise, pointwise, relu
from receptron.blocks.convnext import Gain
from receptron.blocks.mobile import round_to
from receptron.blocks.multi_query import MultiQueryAttention
from receptron.blocks.residual import skip_if_same


class Plain(NamedTuple):
    """A convolution, its norm and activation."""

    kernel: int
    channels: int
    stride: int = 1


class Fused(NamedTuple):
    """A plain 3x3 that widens by four with stride 2, then a 1x1."""

    channels: int


class Universal(NamedTuple):
    """The universal inverted bottleneck (Fig. 4): kernels of the depthwise filters before and behind the expansion, 0 where there is none.

    (0, k) is an inverted bottleneck, (k, 0) a ConvNeXt block, both an ExtraDW block, none of them a feed-forward network.
    """

    before: int
    behind: int
    expand: int
    channels: int
    stride: int = 1


class Attended(NamedTuple):
    """Multi-query attention; keys and values are taken from every `reduce`-th pixel."""

    heads: int
    width: int
    channels: int
    reduce: int = 1


Row = Plain | Fused | Universal | Attended
U = Universal
SMALL: tuple[tuple[Row, ...], ...] = (
    (Plain(3, 32, 2), Plain(1, 32)),
    (Plain(3, 96, 2), Plain(1, 64)),
    (U(5, 5, 3, 96, 2), *(U(0, 3, 2, 96),) * 4, U(3, 0, 4, 96)),
    (U(3, 3, 6, 128, 2), U(5, 5, 4, 128), U(0, 5, 4, 128), U(0, 5, 3, 128), *(U(0, 3, 4, 128),) * 2),
)
MEDIUM: tuple[tuple[Row, ...], ...] = (
    (Fused(48),),
    (U(3, 5, 4, 80, 2), U(3, 3, 2, 80)),
    (
        U(3, 5, 6, 160, 2), *(U(3, 3, 4, 160),) * 2, U(3, 5, 4, 160), U(3, 3, 4, 160), U(3, 0, 4, 160), U(0, 0, 2, 160), U(3, 0, 4, 160),
    ),
    (
        U(5, 5, 6, 256, 2), U(5, 5, 4, 256), *(U(3, 5, 4, 256),) * 2, U(0, 0, 4, 256), U(3, 0, 4, 256), U(3, 5, 2, 256), U(5, 5, 4, 256),
        *(U(0, 0, 4, 256),) * 2, U(5, 0, 2, 256),
    ),
)  # fmt: skip
LARGE: tuple[tuple[Row, ...], ...] = (
    (Fused(48),),
    (U(3, 5, 4, 96, 2), U(3, 3, 4, 96)),
    (U(3, 5, 4, 192, 2), *(U(3, 3, 4, 192),) * 3, U(3, 5, 4, 192), *(U(5, 3, 4, 192),) * 5, U(3, 0, 4, 192)),
    (
        U(5, 5, 4, 512, 2), *(U(5, 5, 4, 512),) * 3, U(5, 0, 4, 512), U(5, 3, 4, 512), *(U(5, 0, 4, 512),) * 2, U(5, 3, 4, 512),
        U(5, 5, 4, 512), *(U(5, 0, 4, 512),) * 3,
    ),
)  # fmt: skip
M2, M1 = Attended(4, 64, 160, 2), Attended(4, 64, 256)
HYBRID_MEDIUM: tuple[tuple[Row, ...], ...] = (
    *MEDIUM[:2],
    (
        U(3, 5, 6, 160, 2), U(0, 0, 2, 160), U(3, 3, 4, 160), U(3, 5, 4, 160), M2, U(3, 3, 4, 160), M2, U(3, 0, 4, 160), M2,
        U(3, 3, 4, 160), M2, U(3, 0, 4, 160),
    ),
    (
        U(5, 5, 6, 256, 2), U(5, 5, 4, 256), *(U(3, 5, 4, 256),) * 2, U(0, 0, 2, 256), U(3, 5, 2, 256), U(0, 0, 2, 256), U(0, 0, 4, 256),
        M1, U(3, 0, 4, 256), M1, U(5, 5, 4, 256), M1, U(5, 0, 4, 256), M1, U(5, 0, 4, 256),
    ),
)  # fmt: skip
L2, L1 = Attended(8, 48, 192, 2), Attended(8, 64, 512)
HYBRID_LARGE: tuple[tuple[Row, ...], ...] = (
    *LARGE[:2],
    (
        *LARGE[2][:5], *(U(5, 3, 4, 192),) * 2, L2, U(5, 3, 4, 192), L2, U(5, 3, 4, 192), L2, U(5, 3, 4, 192), L2, U(3, 0, 4, 192),
    ),
    (*LARGE[3][:10], *(L1, U(5, 0, 4, 512)) * 4),
)  # fmt: skip


class MobileNetLayout(NamedTuple):
    """Stages before the last 1x1, channels of the stem, activation, whether blocks have a gain, pixels of the image."""

    stages: tuple[tuple[Row, ...], ...]
    stem: int
    pixels: int
    act: Act = relu
    gain: bool = False


TABLE = {
    "mobilenet_v4_conv_small": MobileNetLayout(SMALL, 32, 224),
    "mobilenet_v4_conv_medium": MobileNetLayout(MEDIUM, 32, 256),
    "mobilenet_v4_conv_large": MobileNetLayout(LARGE, 24, 384),
    "mobilenet_v4_hybrid_medium": MobileNetLayout(HYBRID_MEDIUM, 32, 256, gain=True),
    "mobilenet_v4_hybrid_large": MobileNetLayout(HYBRID_LARGE, 24, 384, nn.GELU, gain=True),
}


def block(c_in: int, row: Row, act: Act, *, gain: bool) -> nn.Module:
    """One line of a table: (N, c_in, H, W) -> (N, row.channels, H/stride, W/stride)."""
    scaled = Gain(row.channels, start=1e-5) if gain else None
    if isinstance(row, Plain):
        return conv(c_in, row.channels, row.kernel, row.stride, act=act)
    if isinstance(row, Fused):
        return chain(body=chain(expand=conv(c_in, 4 * c_in, 3, 2, act=act), narrow=pointwise(4 * c_in, row.channels, act=None)))
    if isinstance(row, Attended):
        attention = MultiQueryAttention(c_in, row.heads, row.width, row.reduce)
        return skip_if_same(chain(norm=nn.BatchNorm2d(c_in), attention=attention, gain=scaled), c_in, row.channels, 1)
    mid, early = round_to(c_in * row.expand), 1 if row.behind else row.stride
    body = chain(
        before=depthwise(c_in, row.before, early, act=None) if row.before else None,
        expand=pointwise(c_in, mid, act=act),
        depthwise=depthwise(mid, row.behind, row.stride, act=act) if row.behind else None,
        narrow=pointwise(mid, row.channels, act=None),
        gain=scaled,
    )
    return skip_if_same(body, c_in, row.channels, row.stride)


def mobilenet_v4(name: str, classes: int = 1000) -> Classifier:
    """(N, 3, H, W) -> (N, classes)."""
    layout = TABLE[name]
    make = partial(block, act=layout.act, gain=layout.gain)
    c, stages = layout.stem, list[nn.Module]()
    for rows in layout.stages:
        parts = list[nn.Module]()
        for row in rows:
            parts.append(make(c, row))
            c = row.channels
        stages.append(nn.Sequential(*parts))
    head = chain(
        last=pointwise(c, 960, act=layout.act), pool=nn.AdaptiveAvgPool2d(1), wide=pointwise(960, 1280, act=layout.act),
        flatten=nn.Flatten(1), fc=nn.Linear(1280, classes),
    )  # fmt: skip
    return Classifier(conv(3, layout.stem, 3, 2, act=layout.act), stages, head)
