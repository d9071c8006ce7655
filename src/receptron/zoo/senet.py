"""SENet-154. Hu et al. 2018, "Squeeze-and-Excitation Networks", arXiv:1709.01507, Section 7."""

from torch import nn

from receptron.blocks.chain import chain, staged
from receptron.blocks.classifier import Classifier, linear_head
from receptron.blocks.conv import conv
from receptron.blocks.residual import Residual
from receptron.zoo.resnet import DEPTHS, WIDE, ceil_pool, se


def wide_bottleneck(c_in: int, c_out: int, stride: int) -> Residual:
    """ResNeXt's 64 groups; the 1x1 has half the channels that the 3x3 puts out, and projections are 3x3 where the size changes."""
    body = chain(
        conv1=conv(c_in, c_out // 2, 1),
        conv2=conv(c_out // 2, c_out, 3, stride, groups=64),
        conv3=conv(c_out, c_out, 1, act=None),
        attention=se(c_out),
    )
    shortcut = conv(c_in, c_out, 3 if stride > 1 else 1, stride, act=None) if stride > 1 or c_in != c_out else None
    return Residual(body, shortcut, nn.ReLU(inplace=True))


def senet154(classes: int = 1000) -> Classifier:
    """(N, 3, H, W) -> (N, classes)."""
    stem = chain(conv1=conv(3, 64, 3, 2), conv2=conv(64, 64), conv3=conv(64, 128), pool=ceil_pool())
    return Classifier(stem, staged(wide_bottleneck, (128, *WIDE), DEPTHS[152]), linear_head(2048, classes, dropout=0.2))
