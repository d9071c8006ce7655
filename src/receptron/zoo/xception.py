"""Xception. Chollet 2017, "Xception: Deep Learning with Depthwise Separable Convolutions", arXiv:1610.02357, Fig. 5."""

from itertools import pairwise

from torch import nn

from receptron.blocks.chain import chain
from receptron.blocks.classifier import Classifier, linear_head
from receptron.blocks.conv import conv, valid
from receptron.blocks.residual import Residual


def separable(c_in: int, c_out: int) -> nn.Sequential:
    """Depthwise 3x3 then 1x1, with one norm after both and no activation between (Section 4.7)."""
    return chain(depthwise=nn.Conv2d(c_in, c_in, 3, padding=1, groups=c_in, bias=False), pointwise=conv(c_in, c_out, 1, act=None))


def block(*widths: int, stride: int = 2, relu_first: bool = True) -> Residual:
    """ReLU and separable convolution for each step of `widths`, then a max pool; a strided 1x1 carries the input across."""
    parts: dict[str, nn.Module | None] = {}
    for i, (c_in, c_out) in enumerate(pairwise(widths), 1):
        relu = nn.ReLU(inplace=i > 1) if i > 1 or relu_first else None  # the first must leave the block's input as it is
        parts |= {f"relu{i}": relu, f"sep{i}": separable(c_in, c_out)}
    pool = nn.MaxPool2d(3, stride, padding=1) if stride > 1 else None
    shortcut = conv(widths[0], widths[-1], 1, stride, act=None) if stride > 1 else None
    return Residual(chain(**parts, pool=pool), shortcut)


def xception(classes: int = 1000) -> Classifier:
    """(N, 3, 299, 299) -> (N, classes)."""
    stem = chain(conv1=valid(3, 32, 3, 2), conv2=valid(32, 64))
    entry = [block(64, 128, 128, relu_first=False), block(128, 256, 256), block(256, 728, 728)]
    middle = nn.Sequential(*(block(728, 728, 728, 728, stride=1) for _ in range(8)))
    tail = chain(sep1=separable(1024, 1536), act1=nn.ReLU(inplace=True), sep2=separable(1536, 2048), act2=nn.ReLU(inplace=True))
    last = nn.Sequential(block(728, 728, 1024), tail)
    return Classifier(stem, [*entry, middle, last], linear_head(2048, classes))
