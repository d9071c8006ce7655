"""ConvNeXt. Liu et al. 2022, "A ConvNet for the 2020s", arXiv:2201.03545, Section 3.

V2: Woo et al. 2023, "ConvNeXt V2: Co-designing and Scaling ConvNets with Masked Autoencoders", arXiv:2301.00808, Appendix A.1.
"""

from functools import partial

from torch import nn

from receptron.blocks.chain import chain
from receptron.blocks.classifier import Classifier
from receptron.blocks.convnext import convnext_block
from receptron.blocks.norm import ChannelNorm

TABLE = {  #             blocks per stage   channels per stage
    "convnext_tiny": ((3, 3, 9, 3), (96, 192, 384, 768)),
    "convnext_small": ((3, 3, 27, 3), (96, 192, 384, 768)),
    "convnext_base": ((3, 3, 27, 3), (128, 256, 512, 1024)),
    "convnext_large": ((3, 3, 27, 3), (192, 384, 768, 1536)),
    "convnext_xlarge": ((3, 3, 27, 3), (256, 512, 1024, 2048)),
}
V2 = {
    "convnext_v2_atto": ((2, 2, 6, 2), (40, 80, 160, 320)),
    "convnext_v2_femto": ((2, 2, 6, 2), (48, 96, 192, 384)),
    "convnext_v2_pico": ((2, 2, 6, 2), (64, 128, 256, 512)),
    "convnext_v2_nano": ((2, 2, 8, 2), (80, 160, 320, 640)),
    **{f"convnext_v2_{size}": TABLE[f"convnext_{size}"] for size in ("tiny", "base", "large")},
    "convnext_v2_huge": ((3, 3, 27, 3), (352, 704, 1408, 2816)),
}


def down(c_in: int, c_out: int) -> nn.Sequential:
    """Halve the size between stages: (N, c_in, H, W) -> (N, c_out, H/2, W/2)."""
    return chain(norm=ChannelNorm(c_in), conv=nn.Conv2d(c_in, c_out, 2, 2))


def convnext_head(c_in: int, classes: int) -> nn.Sequential:
    """Global average, LayerNorm, one linear layer: (N, c_in, H, W) -> (N, classes)."""
    return chain(pool=nn.AdaptiveAvgPool2d(1), norm=ChannelNorm(c_in), flatten=nn.Flatten(1), fc=nn.Linear(c_in, classes))


def convnext(name: str, classes: int = 1000) -> Classifier:
    """(N, 3, H, W) -> (N, classes)."""
    depths, widths = (TABLE | V2)[name]
    block = partial(convnext_block, responses=name in V2)
    stages = [
        chain(down=down(widths[i - 1], width) if i else None, blocks=nn.Sequential(*(block(width) for _ in range(depth))))
        for i, (depth, width) in enumerate(zip(depths, widths, strict=True))
    ]
    return Classifier(chain(conv=nn.Conv2d(3, widths[0], 4, 4), norm=ChannelNorm(widths[0])), stages, convnext_head(widths[-1], classes))
