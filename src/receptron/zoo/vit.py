"""Vision Transformer. Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words", arXiv:2010.11929, Table 1 and Eqs 1 to 4.

S is DeiT's small size: Touvron et al. 2021, arXiv:2012.12877, Table 1.
"""

from typing import NamedTuple

from torch import Tensor, nn

from receptron.blocks.chain import chain
from receptron.blocks.classifier import Classifier
from receptron.blocks.patches import Patches
from receptron.blocks.transformer import encoder_layer, token_norm


class ViTRow(NamedTuple):
    """One column of Table 1, and the side of a patch in pixels."""

    layers: int
    width: int
    mlp: int
    heads: int
    patch: int


TABLE = {
    "vit_s_16": ViTRow(12, 384, 1536, 6, 16),
    "vit_b_16": ViTRow(12, 768, 3072, 12, 16),
    "vit_b_32": ViTRow(12, 768, 3072, 12, 32),
    "vit_l_16": ViTRow(24, 1024, 4096, 16, 16),
    "vit_l_32": ViTRow(24, 1024, 4096, 16, 32),
}
STAGES = 4


class FirstToken(nn.Module):
    """The class token alone: (N, T, width) -> (N, width)."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, 0]


def vit(name: str, classes: int = 1000) -> Classifier:
    """(N, 3, H, W) -> (N, classes), positions for 224x224; layers stand in four stages, whose maps are all of one size."""
    row = TABLE[name]
    each = row.layers // STAGES
    stages = [nn.Sequential(*(encoder_layer(row.width, row.heads, row.mlp) for _ in range(each))) for _ in range(STAGES)]
    head = chain(token=FirstToken(), norm=token_norm(row.width), fc=nn.Linear(row.width, classes))
    net = Classifier(Patches(row.width, row.patch, 224), stages, head)
    net.patch = row.patch
    return net
