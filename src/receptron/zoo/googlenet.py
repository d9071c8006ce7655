"""GoogLeNet (Inception v1). Szegedy et al. 2015, "Going Deeper with Convolutions", arXiv:1409.4842, Table 1 and Section 5."""

from collections.abc import Callable
from functools import partial

from torch import nn

from receptron.blocks import conv as convolution
from receptron.blocks.auxiliary import AuxiliaryClassifier
from receptron.blocks.chain import chain
from receptron.blocks.classifier import Classifier, linear_head
from receptron.blocks.inception import Branches, inception
from receptron.blocks.norm import local_response

normed = partial(convolution.conv, norm=partial(nn.BatchNorm2d, eps=1e-3))
bare = partial(convolution.conv, norm=None)
TABLE = (
    (Branches(64, 96, 128, 16, 32, 32), Branches(128, 128, 192, 32, 96, 64)),  # 3a 3b
    (
        Branches(192, 96, 208, 16, 48, 64), Branches(160, 112, 224, 24, 64, 64), Branches(128, 128, 256, 24, 64, 64),
        Branches(112, 144, 288, 32, 64, 64), Branches(256, 160, 320, 32, 128, 128),
    ),  # 4a to 4e
    (Branches(256, 160, 320, 32, 128, 128), Branches(384, 192, 384, 48, 128, 128)),  # 5a 5b
)  # fmt: skip
AUXILIARY = {"1_1": 512, "1_4": 528}  # after 4a and 4d, with their channels
WEIGHT = 0.3  # of the loss of each (Section 5)


def trunk(conv: Callable[..., nn.Module], five: int, pools: tuple[int, int, int], norm: Callable[[], nn.Module] | None):
    """Stem and stages up to 5b; `pools` are the kernels of the max pools before stages 3, 4 and 5."""
    stem = chain(
        conv1=conv(3, 64, 7, 2), pool1=nn.MaxPool2d(3, 2, ceil_mode=True), norm1=norm() if norm else None,
        conv2=conv(64, 64, 1), conv3=conv(64, 192, 3), norm2=norm() if norm else None,
    )  # fmt: skip
    c, stages = 192, list[nn.Sequential]()
    for rows, pool in zip(TABLE, pools, strict=True):
        parts: list[nn.Module] = [nn.MaxPool2d(pool, 2, ceil_mode=True)]
        for row in rows:
            parts.append(inception(c, row, conv, five=five))
            c = row.one + row.three + row.five + row.pool
        stages.append(nn.Sequential(*parts))
    return stem, stages


def auxiliary(c_in: int, classes: int, conv: Callable[..., nn.Module], pool: nn.Module) -> nn.Sequential:
    """Average pool to 4x4, 1x1 convolution, one wide layer, 70 % dropout: (N, c_in, 14, 14) -> (N, classes)."""
    return chain(
        pool=pool, conv=conv(c_in, 128, 1), flatten=nn.Flatten(1),
        fc1=nn.Linear(2048, 1024), act=nn.ReLU(inplace=True), dropout=nn.Dropout(0.7), fc=nn.Linear(1024, classes),
    )  # fmt: skip


def googlenet(classes: int = 1000) -> Classifier:
    """(N, 3, H, W) -> (N, classes), as torchvision publishes it: BatchNorm, and 3x3 where the paper has 5x5."""
    return Classifier(*trunk(normed, 3, (3, 3, 2), None), linear_head(1024, classes, dropout=0.2))


def googlenet_auxiliary(classes: int = 1000) -> AuxiliaryClassifier:
    """The same with the two auxiliary heads that it was trained with; 13,004,888 parameters."""
    heads = {position: auxiliary(c, classes, normed, nn.AdaptiveAvgPool2d(4)) for position, c in AUXILIARY.items()}
    return AuxiliaryClassifier(*trunk(normed, 3, (3, 3, 2), None), linear_head(1024, classes, dropout=0.2), heads, WEIGHT)


def googlenet_2014(classes: int = 1000) -> AuxiliaryClassifier:
    """As in the paper: 5x5 windows, local response normalisation, no BatchNorm, two auxiliary heads, 40 % dropout."""
    heads = {
        position: auxiliary(c, classes, bare, chain(pool=nn.AvgPool2d(5, 3), fit=nn.AdaptiveAvgPool2d(4)))
        for position, c in AUXILIARY.items()
    }
    return AuxiliaryClassifier(
        *trunk(bare, 5, (3, 3, 3), local_response), linear_head(1024, classes, dropout=0.4), heads, WEIGHT, least_map=5
    )
