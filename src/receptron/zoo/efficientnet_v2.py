"""EfficientNetV2. Tan & Le 2021, arXiv:2104.00298, Table 4; M and L are in the authors' code only."""

from functools import partial

from torch import nn

from receptron.blocks.chain import chain, joined, repeat
from receptron.blocks.classifier import Classifier, linear_head
from receptron.blocks.conv import conv, pointwise, silu
from receptron.blocks.mobile import fused_mbconv, mbconv

norm = partial(nn.BatchNorm2d, eps=1e-3)
FUSED, MB = partial(fused_mbconv, norm=norm), partial(mbconv, norm=norm)
KINDS = (  # block, expand, stride
    (FUSED, 1, 1), (FUSED, 4, 2), (FUSED, 4, 2), (MB, 4, 2), (MB, 6, 1), (MB, 6, 2), (MB, 6, 1),
)  # fmt: skip
TABLE = {  #               (channels, layers) of each stage                                             dropout
    "efficientnet_v2_s": (((24, 2), (48, 4), (64, 4), (128, 6), (160, 9), (256, 15)), 0.2),
    "efficientnet_v2_m": (((24, 3), (48, 5), (80, 5), (160, 7), (176, 14), (304, 18), (512, 5)), 0.3),
    "efficientnet_v2_l": (((32, 4), (64, 7), (96, 7), (192, 10), (224, 19), (384, 25), (640, 7)), 0.4),
}


def efficientnet_v2(name: str, classes: int = 1000) -> Classifier:
    """(N, 3, H, W) -> (N, classes)."""
    rows, dropout = TABLE[name]
    widths = (rows[0][0], *(channels for channels, _ in rows))
    stages = [
        repeat(partial(KINDS[i][0], expand=KINDS[i][1]), widths[i], widths[i + 1], layers, KINDS[i][2])
        for i, (_, layers) in enumerate(rows)
    ]
    head = joined(chain(last=pointwise(widths[-1], 1280, norm=norm, act=silu)), linear_head(1280, classes, dropout=dropout))
    return Classifier(conv(3, widths[0], 3, 2, norm=norm, act=silu), stages, head)
