"""Swin. Liu et al. 2021, "Swin Transformer: Hierarchical Vision Transformer using Shifted Windows", arXiv:2103.14030, Section 3.3."""

from functools import partial
from typing import NamedTuple

from torch import nn

from receptron.blocks.chain import chain
from receptron.blocks.classifier import Classifier
from receptron.blocks.convnext import Permute
from receptron.blocks.norm import ChannelNorm
from receptron.blocks.transformer import layer
from receptron.blocks.windows import MergePatches, WindowAttention

norm = partial(ChannelNorm, eps=1e-5)
HEAD = 32  # channels of a head


class SwinRow(NamedTuple):
    """Width of the first stage, layers of each, pixels of a window's side in a map, and of the image."""

    width: int
    depths: tuple[int, int, int, int]
    window: int = 7
    pixels: int = 224


DEEP = (2, 2, 18, 2)
TABLE = {
    "swin_t": SwinRow(96, (2, 2, 6, 2)),
    "swin_s": SwinRow(96, DEEP),
    "swin_b": SwinRow(128, DEEP),
    "swin_l": SwinRow(192, DEEP),
    "swin_b_384": SwinRow(128, DEEP, 12, 384),
    "swin_l_384": SwinRow(192, DEEP, 12, 384),
}


def stage(width: int, depth: int, window: int, *, merge: bool) -> nn.Sequential:
    """Layers whose windows move in every second: (N, C, H, W) -> (N, width, H, W), half that size and C = width / 2 if `merge`."""
    shifts = (window // 2 * (i % 2) for i in range(depth))
    layers = (layer(WindowAttention(width, width // HEAD, window, s), width, 4 * width, norm=nn.LayerNorm) for s in shifts)
    return chain(
        channels_last=Permute(0, 2, 3, 1),
        down=MergePatches(width // 2) if merge else None,
        blocks=nn.Sequential(*layers),
        channels_first=Permute(0, 3, 1, 2),
    )


def swin(name: str, classes: int = 1000) -> Classifier:
    """(N, 3, H, W) -> (N, classes)."""
    row = TABLE[name]
    widths = [row.width * 2**i for i in range(4)]
    stem = chain(conv=nn.Conv2d(3, row.width, 4, 4), norm=norm(row.width))
    stages = [stage(width, depth, row.window, merge=i > 0) for i, (width, depth) in enumerate(zip(widths, row.depths, strict=True))]
    head = chain(norm=norm(widths[-1]), pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(1), fc=nn.Linear(widths[-1], classes))
    return Classifier(stem, stages, head)
