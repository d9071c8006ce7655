"""SqueezeNet. Iandola et al. 2016, arXiv:1602.07360, Table 1; 1.1 is the authors' later release, which does 2.4 times less work."""

from functools import partial

from torch import nn

from receptron.blocks.chain import Concat, chain
from receptron.blocks.classifier import Classifier
from receptron.blocks.conv import conv, valid

bare = partial(conv, norm=None)
TABLE = {  #      stem channels and kernel, then (squeeze, expand) of the fire modules between max pools
    "squeezenet1_0": (96, 7, (((16, 64), (16, 64), (32, 128)), ((32, 128), (48, 192), (48, 192), (64, 256)), ((64, 256),))),
    "squeezenet1_1": (64, 3, (((16, 64), (16, 64)), ((32, 128), (32, 128)), ((48, 192), (48, 192), (64, 256), (64, 256)))),
}


def fire(c_in: int, squeeze: int, expand: int) -> nn.Sequential:
    """1x1 to few channels, then 1x1 and 3x3 side by side: (N, c_in, H, W) -> (N, 2 expand, H, W) (Fig. 1)."""
    return chain(squeeze=bare(c_in, squeeze, 1), expand=Concat(one=bare(squeeze, expand, 1), three=bare(squeeze, expand)))


def squeezenet(name: str, classes: int = 1000) -> Classifier:
    """(N, 3, H, W) -> (N, classes); the class layer is a 1x1 convolution before the pool."""
    c, kernel, groups = TABLE[name]
    stem = valid(3, c, kernel, 2, norm=None)
    stages = list[nn.Module]()
    for group in groups:
        parts: list[nn.Module] = [nn.MaxPool2d(3, 2, ceil_mode=True)]
        for squeeze, expand in group:
            parts.append(fire(c, squeeze, expand))
            c = 2 * expand
        stages.append(nn.Sequential(*parts))
    head = chain(
        dropout=nn.Dropout(0.5), fc=nn.Conv2d(c, classes, 1), act=nn.ReLU(inplace=True), pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(1)
    )
    return Classifier(stem, stages, head)
