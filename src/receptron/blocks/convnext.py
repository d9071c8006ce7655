"""The ConvNeXt block. Liu et al. 2022, arXiv:2201.03545, Fig. 4; with responses normalised: Woo et al. 2023, arXiv:2301.00808, Fig. 5."""

import torch
from torch import Tensor, nn

from receptron.blocks.chain import chain
from receptron.blocks.norm import GlobalResponseNorm
from receptron.blocks.residual import Residual


class Permute(nn.Module):
    """Reorder the axes of a tensor: `Permute(0, 2, 3, 1)` makes (N, H, W, C) of (N, C, H, W)."""

    def __init__(self, *order: int) -> None:
        super().__init__()
        self.order = order

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(self.order)


class Gain(nn.Module):
    """A learnt factor for each channel, near zero at first: (N, C, H, W) -> same; C parameters.

    Source: Touvron et al. 2021, "Going deeper with Image Transformers", arXiv:2103.17239, Section 2.
    """

    def __init__(self, channels: int, *, start: float = 1e-6) -> None:
        super().__init__()
        self.start = start
        self.gain = nn.Parameter(torch.empty(channels, 1, 1))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set every factor to its start."""
        nn.init.constant_(self.gain, self.start)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gain


def convnext_block(channels: int, *, responses: bool = False) -> Residual:
    """Depthwise 7x7, LayerNorm, then a two-layer perceptron on each pixel: (N, C, H, W) -> same; 8 C^2 + 58 C parameters.

    `responses` normalises them inside the perceptron, in place of the gain behind it: 8 C^2 + 65 C parameters.
    """
    return Residual(
        chain(
            spatial=nn.Conv2d(channels, channels, 7, padding=3, groups=channels),
            channels_last=Permute(0, 2, 3, 1),
            norm=nn.LayerNorm(channels, eps=1e-6),
            widen=nn.Linear(channels, 4 * channels),
            act=nn.GELU(),
            responses=GlobalResponseNorm(4 * channels) if responses else None,
            narrow=nn.Linear(4 * channels, channels),
            channels_first=Permute(0, 3, 1, 2),
            gain=None if responses else Gain(channels),
        )
    )
