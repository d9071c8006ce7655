"""MobileNetV3. Howard et al. 2019, "Searching for MobileNetV3", arXiv:1905.02244, Tables 1 (large) and 2 (small)."""

from functools import partial
from itertools import groupby
from typing import NamedTuple

from torch import nn

from receptron.blocks import conv as convolution
from receptron.blocks.attention import SqueezeExcite
from receptron.blocks.chain import chain
from receptron.blocks.classifier import Classifier
from receptron.blocks.conv import hardswish, relu
from receptron.blocks.mobile import round_to
from receptron.blocks.residual import skip_if_same

conv = partial(convolution.conv, norm=partial(nn.BatchNorm2d, eps=1e-3, momentum=0.01))


class BneckRow(NamedTuple):
    """One line of the tables; `stage` counts the groups that are cut at each change of width, `se` and `hs` as printed there."""

    stage: int
    kernel: int
    expanded: int
    channels: int
    se: bool
    hs: bool
    stride: int


TABLE = {
    "mobilenet_v3_large": (
        BneckRow(0, 3, 16, 16, False, False, 1),
        BneckRow(1, 3, 64, 24, False, False, 2), BneckRow(1, 3, 72, 24, False, False, 1),
        BneckRow(2, 5, 72, 40, True, False, 2), BneckRow(2, 5, 120, 40, True, False, 1), BneckRow(2, 5, 120, 40, True, False, 1),
        BneckRow(3, 3, 240, 80, False, True, 2), BneckRow(3, 3, 200, 80, False, True, 1),
        BneckRow(3, 3, 184, 80, False, True, 1), BneckRow(3, 3, 184, 80, False, True, 1),
        BneckRow(4, 3, 480, 112, True, True, 1), BneckRow(4, 3, 672, 112, True, True, 1),
        BneckRow(5, 5, 672, 160, True, True, 2), BneckRow(5, 5, 960, 160, True, True, 1), BneckRow(5, 5, 960, 160, True, True, 1),
    ),
    "mobilenet_v3_small": (
        BneckRow(0, 3, 16, 16, True, False, 2),
        BneckRow(1, 3, 72, 24, False, False, 2), BneckRow(1, 3, 88, 24, False, False, 1),
        BneckRow(2, 5, 96, 40, True, True, 2), BneckRow(2, 5, 240, 40, True, True, 1), BneckRow(2, 5, 240, 40, True, True, 1),
        BneckRow(3, 5, 120, 48, True, True, 1), BneckRow(3, 5, 144, 48, True, True, 1),
        BneckRow(4, 5, 288, 96, True, True, 2), BneckRow(4, 5, 576, 96, True, True, 1), BneckRow(4, 5, 576, 96, True, True, 1),
    ),
}  # fmt: skip
LAST = {"mobilenet_v3_large": 1280, "mobilenet_v3_small": 1024}


def block(c_in: int, row: BneckRow) -> nn.Module:
    """Inverted residual whose gate is a hard sigmoid: (N, c_in, H, W) -> (N, row.channels, H/stride, W/stride)."""
    act, mid = hardswish if row.hs else relu, row.expanded
    body = chain(
        expand=conv(c_in, mid, 1, act=act) if mid != c_in else None,
        depthwise=conv(mid, mid, row.kernel, row.stride, groups=mid, act=act),
        gate=SqueezeExcite(mid, round_to(mid // 4), gate=nn.Hardsigmoid) if row.se else None,
        narrow=conv(mid, row.channels, 1, act=None),
    )
    return skip_if_same(body, c_in, row.channels, row.stride)


def mobilenet_v3(name: str, classes: int = 1000) -> Classifier:
    """(N, 3, H, W) -> (N, classes)."""
    c, stages = 16, list[nn.Module]()
    for _, rows in groupby(TABLE[name], key=lambda row: row.stage):
        parts = list[nn.Module]()
        for row in rows:
            parts.append(block(c, row))
            c = row.channels
        stages.append(nn.Sequential(*parts))
    head = chain(
        last=conv(c, 6 * c, 1, act=hardswish), pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(1),
        wide=nn.Linear(6 * c, LAST[name]), act=hardswish(), dropout=nn.Dropout(0.2), fc=nn.Linear(LAST[name], classes),
    )  # fmt: skip
    return Classifier(conv(3, 16, 3, 2, act=hardswish), stages, head)
