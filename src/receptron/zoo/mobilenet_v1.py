"""MobileNet. Howard et al. 2017, "MobileNets", arXiv:1704.04861, Table 1."""

from functools import partial

from receptron.blocks.chain import staged
from receptron.blocks.classifier import Classifier, linear_head
from receptron.blocks.conv import conv, relu6
from receptron.blocks.mobile import round_to, separable

TABLE = ((64, 1, 1), (128, 2, 2), (256, 2, 2), (512, 2, 6), (1024, 2, 2))  # channels, stride of the first, layers
WIDTHS = {"mobilenet_v1": 1.0, "mobilenet_v1_075": 0.75, "mobilenet_v1_050": 0.5, "mobilenet_v1_025": 0.25}  # Table 6


def mobilenet_v1(name: str = "mobilenet_v1", classes: int = 1000) -> Classifier:
    """(N, 3, H, W) -> (N, classes); ReLU is cut at 6, as in the authors' release."""
    widths = [round_to(channels * WIDTHS[name]) for channels in (32, *(row[0] for row in TABLE))]
    block = partial(separable, act=relu6)
    _, strides, depths = zip(*TABLE, strict=True)
    stages = staged(block, widths, depths, strides)
    return Classifier(conv(3, widths[0], 3, 2, act=relu6), stages, linear_head(widths[-1], classes, dropout=0.001))
