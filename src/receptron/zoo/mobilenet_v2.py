"""MobileNetV2. Sandler et al. 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", arXiv:1801.04381, Table 2."""

from functools import partial

from receptron.blocks.chain import chain, joined, repeat
from receptron.blocks.classifier import Classifier, linear_head
from receptron.blocks.conv import conv, pointwise, relu6
from receptron.blocks.mobile import inverted, round_to

TABLE = (  # t   c   n  s
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def mobilenet_v2(classes: int = 1000, *, width: float = 1.0) -> Classifier:
    """(N, 3, H, W) -> (N, classes); `width` multiplies every layer's channels, the last only upwards."""
    widths = [round_to(32 * width), *(round_to(channels * width) for _, channels, _, _ in TABLE)]
    stages = [
        repeat(partial(inverted, expand=expand), widths[i], widths[i + 1], repeats, stride)
        for i, (expand, _, repeats, stride) in enumerate(TABLE)
    ]  # fmt: skip
    last = round_to(1280 * max(1.0, width))
    head = joined(chain(last=pointwise(widths[-1], last, act=relu6)), linear_head(last, classes, dropout=0.2))
    return Classifier(conv(3, widths[0], 3, 2, act=relu6), stages, head)
