"""RepVGG. Ding et al. 2021, "RepVGG: Making VGG-style ConvNets Great Again", arXiv:2101.03697, Tables 2 and 3.

D2se, with squeeze-and-excitation, is in the authors' code only.
"""

from typing import NamedTuple

from torch import nn

from receptron.blocks.classifier import Classifier, linear_head
from receptron.blocks.repvgg import fold, rep_block
from receptron.zoo.resnet import NARROW, se


class RepVGGRow(NamedTuple):
    """Layers of each stage, by what 64, 128, 256 and 512 channels are multiplied, groups of every second layer."""

    depths: tuple[int, int, int, int]
    widths: tuple[float, float, float, float]
    groups: int = 1
    gates: bool = False


A, B = (2, 4, 14, 1), (4, 6, 16, 1)
TABLE = {
    "repvgg_a0": RepVGGRow(A, (0.75, 0.75, 0.75, 2.5)),
    "repvgg_a1": RepVGGRow(A, (1, 1, 1, 2.5)),
    "repvgg_a2": RepVGGRow(A, (1.5, 1.5, 1.5, 2.75)),
    "repvgg_b0": RepVGGRow(B, (1, 1, 1, 2.5)),
    "repvgg_b1": RepVGGRow(B, (2, 2, 2, 4)),
    "repvgg_b1g4": RepVGGRow(B, (2, 2, 2, 4), 4),
    "repvgg_b2": RepVGGRow(B, (2.5, 2.5, 2.5, 5)),
    "repvgg_b2g4": RepVGGRow(B, (2.5, 2.5, 2.5, 5), 4),
    "repvgg_b3": RepVGGRow(B, (3, 3, 3, 5)),
    "repvgg_b3g4": RepVGGRow(B, (3, 3, 3, 5), 4),
    "repvgg_d2se": RepVGGRow((8, 14, 24, 1), (2.5, 2.5, 2.5, 5), gates=True),
}


class RepVGG(Classifier):
    """A classifier whose branches can be folded into plain convolutions."""

    def reparameterise(self) -> None:
        """Fold the branches of each block into one 3x3 convolution, in place, once training is over.

        Answers stay as they are in eval mode, up to rounding; parameters get other names, so that weights are loaded before.
        Raises: BadValue in train mode, with nothing changed.
        """
        fold(self)


def repvgg(name: str, classes: int = 1000) -> RepVGG:
    """(N, 3, H, W) -> (N, classes)."""
    row = TABLE[name]

    def block(c_in: int, c_out: int, stride: int, groups: int = 1) -> nn.Module:
        return rep_block(c_in, c_out, stride, groups=groups, attention=se(c_out) if row.gates else None)

    c_in = int(min(64, 64 * row.widths[0]))
    stem, stages = block(3, c_in, 2), list[nn.Module]()
    for depth, width, factor in zip(row.depths, NARROW, row.widths, strict=True):
        c_out = int(width * factor)
        rest = (block(c_out, c_out, 1, row.groups if i % 2 else 1) for i in range(1, depth))
        stages.append(nn.Sequential(block(c_in, c_out, 2), *rest))
        c_in = c_out
    return RepVGG(stem, stages, linear_head(c_in, classes))
