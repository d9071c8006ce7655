"""SENet-154 and the SE-ResNets published with it. Hu et al. 2018, "Squeeze-and-Excitation Networks", arXiv:1709.01507, Section 7."""

from torch import nn

from receptron.blocks.attention import SqueezeExcite
from receptron.blocks.chain import chain, repeat
from receptron.blocks.classifier import Classifier, linear_head
from receptron.blocks.conv import conv
from receptron.blocks.residual import Residual, bottleneck, project
from receptron.zoo.resnet import DEPTHS

WIDTHS = (256, 512, 1024, 2048)
TABLE = {f"se_resnet{n}_v1": DEPTHS[n] for n in (50, 101, 152)}


def gate(channels: int) -> SqueezeExcite:
    """Squeezed to a sixteenth (Section 4.4)."""
    return SqueezeExcite(channels, channels // 16)


def ceil_pool() -> nn.MaxPool2d:
    """Caffe's pool: no padding, and the window that the edge cuts off is kept."""
    return nn.MaxPool2d(3, 2, ceil_mode=True)


def wide_bottleneck(c_in: int, c_out: int, stride: int) -> Residual:
    """ResNeXt's 64 groups; the 1x1 has half the channels that the 3x3 puts out, and projections are 3x3 where the size changes."""
    body = chain(
        conv1=conv(c_in, c_out // 2, 1),
        conv2=conv(c_out // 2, c_out, 3, stride, groups=64),
        conv3=conv(c_out, c_out, 1, act=None),
        attention=gate(c_out),
    )
    shortcut = conv(c_in, c_out, 3 if stride > 1 else 1, stride, act=None) if stride > 1 or c_in != c_out else None
    return Residual(body, shortcut, nn.ReLU(inplace=True))


def senet154(classes: int = 1000) -> Classifier:
    """(N, 3, H, W) -> (N, classes)."""
    stem = chain(conv1=conv(3, 64, 3, 2), conv2=conv(64, 64), conv3=conv(64, 128), pool=ceil_pool())
    around = (128, *WIDTHS)
    stages = [repeat(wide_bottleneck, around[i], around[i + 1], depth, stride=2 if i else 1) for i, depth in enumerate(DEPTHS[152])]
    return Classifier(stem, stages, linear_head(2048, classes, dropout=0.2))


def se_resnet_v1(name: str, classes: int = 1000) -> Classifier:
    """(N, 3, H, W) -> (N, classes), as the authors published it: stride in the first 1x1, Caffe's pool."""

    def block(c_in: int, c_out: int, stride: int) -> Residual:
        body = bottleneck(c_in, c_out, stride, stride_first=True, attention=gate(c_out))
        return Residual(body, project(c_in, c_out, stride), nn.ReLU(inplace=True))

    around = (64, *WIDTHS)
    stages = [repeat(block, around[i], around[i + 1], depth, stride=2 if i else 1) for i, depth in enumerate(TABLE[name])]
    return Classifier(chain(conv1=conv(3, 64, 7, 2), pool=ceil_pool()), stages, linear_head(2048, classes))
