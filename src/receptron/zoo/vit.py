"""Vision Transformer. Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words", arXiv:2010.11929, Table 1 and Eqs 1 to 4.

S is DeiT's small size: Touvron et al. 2021, arXiv:2012.12877, Table 1.
"""

from math import isqrt
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from receptron.blocks.chain import chain
from receptron.blocks.classifier import Classifier
from receptron.blocks.transformer import encoder_layer, token_norm


class Row(NamedTuple):
    """One column of Table 1, and the side of a patch in pixels."""

    layers: int
    width: int
    mlp: int
    heads: int
    patch: int


TABLE = {
    "vit_s_16": Row(12, 384, 1536, 6, 16),
    "vit_b_16": Row(12, 768, 3072, 12, 16),
    "vit_b_32": Row(12, 768, 3072, 12, 32),
    "vit_l_16": Row(24, 1024, 4096, 16, 16),
    "vit_l_32": Row(24, 1024, 4096, 16, 32),
}
STAGES = 4


class Patches(nn.Module):
    """Cut the image into patches, put a class token first and add positions: (N, 3, H, W) -> (N, 1 + H W / patch^2, width).

    Positions are learnt for one size; for another they are interpolated (Section 3.2).
    """

    def __init__(self, width: int, patch: int, pixels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, width, patch, stride=patch)
        self.token = nn.Parameter(torch.empty(1, 1, width))
        self.position = nn.Parameter(torch.empty(1, 1 + (pixels // patch) ** 2, width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Token zero, positions normal with a standard deviation of 0.02."""
        nn.init.zeros_(self.token)
        nn.init.normal_(self.position, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        maps = self.conv(x)
        tokens = torch.cat([self.token.expand(x.shape[0], -1, -1), maps.flatten(2).transpose(1, 2)], dim=1)
        return tokens + stretch(self.position, maps.shape[-2], maps.shape[-1])


def stretch(position: Tensor, high: int, wide: int) -> Tensor:
    """Positions (1, 1 + n^2, width) for a grid of high x wide patches; the class token keeps its own."""
    side = isqrt(position.shape[1] - 1)
    if (high, wide) == (side, side):
        return position
    grid = position[:, 1:].unflatten(1, (side, side)).permute(0, 3, 1, 2)  # (1, width, side, side)
    grid = interpolate(grid, size=(high, wide), mode="bicubic", antialias=True, align_corners=False)
    return torch.cat([position[:, :1], grid.flatten(2).transpose(1, 2)], dim=1)


class FirstToken(nn.Module):
    """The class token alone: (N, T, width) -> (N, width)."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, 0]


class VisionTransformer(Classifier):
    """A classifier whose stages hand on tokens; `pyramid` gives them as maps, all of one size."""

    def pyramid(self, x: Tensor) -> list[Tensor]:
        """Maps (N, width, H/patch, W/patch) after the stem and after each quarter of the layers. Raises: ImageTooSmall."""
        self.check_size(x)
        tokens = [self.stem(x)]
        for stage in self.stages:
            tokens.append(stage(tokens[-1]))
        patch = self.stem.get_submodule("conv").kernel_size[0]
        return [t[:, 1:].transpose(1, 2).unflatten(2, (x.shape[-2] // patch, x.shape[-1] // patch)) for t in tokens]


def vit(name: str, classes: int = 1000) -> VisionTransformer:
    """(N, 3, H, W) -> (N, classes), positions for 224x224; layers stand in four stages."""
    row = TABLE[name]
    each = row.layers // STAGES
    stages = [nn.Sequential(*(encoder_layer(row.width, row.heads, row.mlp) for _ in range(each))) for _ in range(STAGES)]
    head = chain(token=FirstToken(), norm=token_norm(row.width), fc=nn.Linear(row.width, classes))
    return VisionTransformer(Patches(row.width, row.patch, 224), stages, head)


def resize_positions(net: nn.Module, pixels: int) -> None:
    """Give every ViT stem inside `net` positions for images of pixels x pixels, interpolated from those it has, in place."""
    for stem in net.modules():
        if isinstance(stem, Patches):
            side = pixels // stem.conv.kernel_size[0]
            stem.position = nn.Parameter(stretch(stem.position.detach(), side, side).clone())
