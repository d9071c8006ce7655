"""EfficientNet-Lite. Liu 2020, the authors' release for phones: github.com/tensorflow/tpu, models/official/efficientnet/lite.

EfficientNet without what integer arithmetic does badly: ReLU6 for SiLU, no squeeze-and-excitation; stem and last layer are never scaled.
"""

from functools import partial
from math import ceil

from torch import nn

from receptron.blocks.chain import chain, repeat
from receptron.blocks.classifier import Classifier, linear_head
from receptron.blocks.conv import conv, pointwise, relu6
from receptron.blocks.mobile import inverted, round_to
from receptron.zoo.efficientnet import B0

TABLE = {  #             width depth pixels dropout
    "efficientnet_lite0": (1.0, 1.0, 224, 0.2),
    "efficientnet_lite1": (1.0, 1.1, 240, 0.2),
    "efficientnet_lite2": (1.1, 1.2, 260, 0.3),
    "efficientnet_lite3": (1.2, 1.4, 280, 0.3),
    "efficientnet_lite4": (1.4, 1.8, 300, 0.3),
}
STEM, LAST = 32, 1280
norm = partial(nn.BatchNorm2d, eps=1e-3)


def layers_of(name: str) -> list[int]:
    """Blocks of each stage; the first and the last stage are not scaled either."""
    _, depth, _, _ = TABLE[name]
    return [layers if i in (0, len(B0) - 1) else ceil(layers * depth) for i, (*_, layers) in enumerate(B0)]


def efficientnet_lite(name: str, classes: int = 1000) -> Classifier:
    """(N, 3, H, W) -> (N, classes)."""
    width, _, _, dropout = TABLE[name]
    widths = [STEM, *(round_to(channels * width) for _, _, _, channels, _ in B0)]
    stages = [
        repeat(partial(inverted, expand=expand, kernel=kernel, norm=norm), widths[i], widths[i + 1], layers, stride)
        for i, ((expand, kernel, stride, _, _), layers) in enumerate(zip(B0, layers_of(name), strict=True))
    ]
    head = chain(
        last=pointwise(widths[-1], LAST, norm=norm, act=relu6), **dict(linear_head(LAST, classes, dropout=dropout).named_children())
    )
    return Classifier(conv(3, STEM, 3, 2, norm=norm, act=relu6), stages, head)
