"""EfficientNet. Tan & Le 2019, "EfficientNet: Rethinking Model Scaling", arXiv:1905.11946, Table 1, Eq. 3."""

from functools import partial
from math import ceil
from typing import NamedTuple

from torch import nn

from receptron.blocks.chain import chain, joined, repeat
from receptron.blocks.classifier import Classifier, linear_head
from receptron.blocks.conv import conv, pointwise, silu
from receptron.blocks.mobile import mbconv, round_to

B0 = (  # expand kernel stride channels layers
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)


class MBConvRow(NamedTuple):
    """What the authors released: `phi`; width, depth and pixels rounded from it by hand; dropout; and torchvision's BatchNorm."""

    phi: float
    width: float
    depth: float
    pixels: int
    dropout: float
    epsilon: float = 1e-5
    momentum: float = 0.1


TABLE = {
    "efficientnet_b0": MBConvRow(0, 1.0, 1.0, 224, 0.2),
    "efficientnet_b1": MBConvRow(0.5, 1.0, 1.1, 240, 0.2),
    "efficientnet_b2": MBConvRow(1, 1.1, 1.2, 260, 0.3),
    "efficientnet_b3": MBConvRow(2, 1.2, 1.4, 300, 0.3),
    "efficientnet_b4": MBConvRow(3, 1.4, 1.8, 380, 0.4),
    "efficientnet_b5": MBConvRow(4, 1.6, 2.2, 456, 0.4, 1e-3, 0.01),
    "efficientnet_b6": MBConvRow(5, 1.8, 2.6, 528, 0.5, 1e-3, 0.01),
    "efficientnet_b7": MBConvRow(6, 2.0, 3.1, 600, 0.5, 1e-3, 0.01),
}


def efficientnet(name: str, classes: int = 1000) -> Classifier:
    """(N, 3, H, W) -> (N, classes)."""
    row = TABLE[name]
    norm = partial(nn.BatchNorm2d, eps=row.epsilon, momentum=row.momentum)
    widths = [round_to(channels * row.width) for channels in (32, *(line[3] for line in B0))]
    stages = [
        repeat(partial(mbconv, expand=expand, kernel=kernel, norm=norm), widths[i], widths[i + 1], ceil(layers * row.depth), stride)
        for i, (expand, kernel, stride, _, layers) in enumerate(B0)
    ]
    last = 4 * widths[-1]
    head = joined(chain(last=pointwise(widths[-1], last, norm=norm, act=silu)), linear_head(last, classes, dropout=row.dropout))
    return Classifier(conv(3, widths[0], 3, 2, norm=norm, act=silu), stages, head)
