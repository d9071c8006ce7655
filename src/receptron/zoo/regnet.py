"""RegNetY. Radosavovic et al. 2020, "Designing Network Design Spaces", arXiv:2003.13678, Eqs 2 to 4, Sections 3.3 and 5.

64, 128 and 256 GF: Goyal et al. 2021 and 2022, "SEER", arXiv:2103.01988 and arXiv:2202.08360. Widths must hold whole groups: the authors
round them to the nearest, torchvision so that no more than a tenth is lost, which differs in two of the sizes that it publishes.
"""

from itertools import groupby
from math import log
from typing import NamedTuple

from torch import nn

from receptron.blocks.attention import SqueezeExcite
from receptron.blocks.chain import chain, staged
from receptron.blocks.classifier import Classifier, linear_head
from receptron.blocks.conv import conv
from receptron.blocks.mobile import round_to
from receptron.blocks.residual import Residual, project


class RegNetRow(NamedTuple):
    """Blocks, width of the first, by how much widths grow with each block and by what factor at each step, channels of a group."""

    depth: int
    first: int
    slope: float
    factor: float
    group: int


TABLE = {
    "regnet_y_200mf": RegNetRow(13, 24, 36.44, 2.49, 8),
    "regnet_y_400mf": RegNetRow(16, 48, 27.89, 2.09, 8),
    "regnet_y_600mf": RegNetRow(15, 48, 32.54, 2.32, 16),
    "regnet_y_800mf": RegNetRow(14, 56, 38.84, 2.4, 16),
    "regnet_y_1_6gf": RegNetRow(27, 48, 20.71, 2.65, 24),
    "regnet_y_3_2gf": RegNetRow(21, 80, 42.63, 2.66, 24),
    "regnet_y_4gf": RegNetRow(22, 96, 31.41, 2.24, 64),
    "regnet_y_6_4gf": RegNetRow(25, 112, 33.22, 2.27, 72),
    "regnet_y_8gf": RegNetRow(17, 192, 76.82, 2.19, 56),
    "regnet_y_12gf": RegNetRow(19, 168, 73.36, 2.37, 112),
    "regnet_y_16gf": RegNetRow(18, 200, 106.23, 2.48, 112),
    "regnet_y_32gf": RegNetRow(20, 232, 115.89, 2.53, 232),
    "regnet_y_64gf": RegNetRow(20, 352, 147.48, 2.4, 328),
    "regnet_y_128gf": RegNetRow(27, 456, 160.83, 2.52, 264),
    "regnet_y_256gf": RegNetRow(27, 640, 230.83, 2.53, 373),
}
ROUNDED_UP = ("regnet_y_800mf", "regnet_y_8gf")  # torchvision's
NAMES = (*TABLE, *(f"{name}_pycls" for name in ROUNDED_UP))


def widths_of(row: RegNetRow) -> list[int]:
    """Channels of each block, by Eqs 2 to 4: a line, rounded to powers of the factor, then to multiples of 8."""
    steps = [round(log(1 + row.slope * block / row.first) / log(row.factor)) for block in range(row.depth)]
    return [round(row.first * row.factor**step / 8) * 8 for step in steps]


def whole_groups(width: int, group: int, *, up: bool) -> int:
    """`width` as a multiple of `group`: the nearest, or, if `up`, one that loses no more than a tenth."""
    return round_to(width, group) if up else round(width / group) * group


def block(c_in: int, c_out: int, stride: int, *, group: int) -> Residual:
    """ResNeXt's block without a bottleneck, gated by squeeze-and-excitation: (N, c_in, H, W) -> (N, c_out, H/stride, W/stride)."""
    body = chain(
        conv1=conv(c_in, c_out, 1),
        conv2=conv(c_out, c_out, 3, stride, groups=c_out // group),
        gate=SqueezeExcite(c_out, round(c_in / 4)),
        conv3=conv(c_out, c_out, 1, act=None),
    )
    return Residual(body, project(c_in, c_out, stride), nn.ReLU(inplace=True))


def regnet(name: str, classes: int = 1000) -> Classifier:
    """(N, 3, H, W) -> (N, classes)."""
    row = TABLE[name.removesuffix("_pycls")]
    runs = [(width, len(list(blocks))) for width, blocks in groupby(widths_of(row))]
    widths = [whole_groups(width, min(row.group, width), up=name in ROUNDED_UP) for width, _ in runs]

    def grouped(c_in: int, c_out: int, stride: int) -> Residual:
        return block(c_in, c_out, stride, group=min(row.group, c_out))

    stages = staged(grouped, (32, *widths), [depth for _, depth in runs], (2, 2, 2, 2))
    return Classifier(conv(3, 32, 3, 2), stages, linear_head(widths[-1], classes))
