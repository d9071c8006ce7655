"""VGG. Simonyan & Zisserman 2015, "Very Deep Convolutional Networks for Large-Scale Image Recognition", arXiv:1409.1556, Table 1."""

from torch import nn

from receptron.blocks.chain import chain
from receptron.blocks.classifier import Classifier, mlp_head

TABLE = {  # layers of 3x3 convolution before each 2x2 max pool: columns A, B, D, E
    "vgg11": (1, 1, 2, 2, 2),
    "vgg13": (2, 2, 2, 2, 2),
    "vgg16": (2, 2, 3, 3, 3),
    "vgg19": (2, 2, 4, 4, 4),
}
WIDTHS = (64, 128, 256, 512, 512)


def layer(c_in: int, c_out: int, norm: bool) -> nn.Sequential:
    """3x3 convolution with its bias, which the released BatchNorm variants keep although the norm cancels it."""
    return chain(conv=nn.Conv2d(c_in, c_out, 3, padding=1), norm=nn.BatchNorm2d(c_out) if norm else None, act=nn.ReLU(inplace=True))


def vgg(name: str, classes: int = 1000) -> Classifier:
    """(N, 3, H, W) -> (N, classes); `_bn` puts BatchNorm after each convolution."""
    norm = name.endswith("_bn")
    c_in, stages = 3, list[nn.Module]()
    for depth, width in zip(TABLE[name.removesuffix("_bn")], WIDTHS, strict=True):
        stages.append(nn.Sequential(*(layer(c_in if i == 0 else width, width, norm) for i in range(depth)), nn.MaxPool2d(2)))
        c_in = width
    return Classifier(nn.Identity(), stages, mlp_head(512, 7, classes))
