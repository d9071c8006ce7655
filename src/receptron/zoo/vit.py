"""Vision Transformer. Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words", arXiv:2010.11929, Table 1 and Eqs 1 to 4.

S is DeiT's small size: Touvron et al. 2021, arXiv:2012.12877, Table 1.
"""

from typing import NamedTuple

from torch import Tensor, nn

from receptron.blocks.chain import chain
from receptron.blocks.classifier import Classifier
from receptron.blocks.patches import Patches
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


class FirstToken(nn.Module):
    """The class token alone: (N, T, width) -> (N, width)."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, 0]


class VisionTransformer(Classifier):
    """A classifier whose stages hand on tokens; `pyramid` gives them as maps, all of one size."""

    patch: int = 16

    def pyramid(self, x: Tensor) -> list[Tensor]:
        """Maps (N, width, H/patch, W/patch) after the stem and after each quarter of the layers. Raises: ImageTooSmall."""
        self.check_size(x)
        tokens = [self.stem(x)]
        for stage in self.stages:
            tokens.append(stage(tokens[-1]))
        high, wide = (x.shape[axis] // self.patch for axis in (-2, -1))
        return [t[:, 1:].transpose(1, 2).unflatten(2, (high, wide)) for t in tokens]


def vit(name: str, classes: int = 1000) -> VisionTransformer:
    """(N, 3, H, W) -> (N, classes), positions for 224x224; layers stand in four stages."""
    row = TABLE[name]
    each = row.layers // STAGES
    stages = [nn.Sequential(*(encoder_layer(row.width, row.heads, row.mlp) for _ in range(each))) for _ in range(STAGES)]
    head = chain(token=FirstToken(), norm=token_norm(row.width), fc=nn.Linear(row.width, classes))
    net = VisionTransformer(Patches(row.width, row.patch, 224), stages, head)
    net.patch = row.patch
    return net
