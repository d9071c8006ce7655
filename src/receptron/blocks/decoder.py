"""The way up of a U-Net. Ronneberger et al. 2015, arXiv:1505.04597, Fig. 1."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.fx import wrap

from receptron.blocks.conv import upconv

Double = Callable[[int, int], nn.Module]


class Decoder(nn.Module):
    """Maps, finest first, to class scores for each pixel: up, put the finer map beside it, convolve, and so on."""

    def __init__(self, widths: Sequence[int], outs: Sequence[int], classes: int, merge: Double) -> None:
        super().__init__()
        deep = (widths[-1], *outs)
        self.up = nn.ModuleList(upconv(c_in, c_out) for c_in, c_out in pairwise(deep))
        skips = [*widths[-2::-1], *([0] * len(outs))]  # none is left where the decoder goes finer than the finest map
        self.merge = nn.ModuleList(merge(skip + c_out, c_out) for skip, c_out in zip(skips, outs, strict=False))
        self.fc = nn.Conv2d(deep[-1], classes, 1)

    def forward(self, maps: list[Tensor]) -> Tensor:
        return self.fc(self.up_to_classes(maps))

    def up_to_classes(self, maps: list[Tensor]) -> Tensor:
        """The finest map, which the class layer sees: (N, width, H, W)."""
        x, finer = maps[-1], maps[-2::-1]
        for i, (up, merge) in enumerate(zip(self.up, self.merge)):  # noqa: B905, TorchScript knows no `strict`
            x = up(x)
            x = merge(torch.cat([_fit(finer[i], x), _fit(x, finer[i])], dim=1) if i < len(finer) else x)
        return x


@wrap  # a call of its own where a network is traced symbolically: sizes decide here
def _fit(x: Tensor, other: Tensor) -> Tensor:
    """Crop `x` around its centre to the smaller of both sizes."""
    high, wide = min(x.shape[-2], other.shape[-2]), min(x.shape[-1], other.shape[-1])
    top, left = (x.shape[-2] - high) // 2, (x.shape[-1] - wide) // 2
    return x[..., top : top + high, left : left + wide]
