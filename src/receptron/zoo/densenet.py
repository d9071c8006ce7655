"""DenseNet-BC. Huang et al. 2017, "Densely Connected Convolutional Networks", arXiv:1608.06993, Table 1."""

from torch import nn

from receptron.blocks.chain import chain, joined
from receptron.blocks.classifier import Classifier, linear_head
from receptron.blocks.conv import conv
from receptron.blocks.dense import dense_block, preactivated

TABLE = {  #       stem growth  layers per block
    "densenet121": (64, 32, (6, 12, 24, 16)),
    "densenet169": (64, 32, (6, 12, 32, 32)),
    "densenet201": (64, 32, (6, 12, 48, 32)),
    "densenet161": (96, 48, (6, 12, 36, 24)),
}


def densenet(name: str, classes: int = 1000) -> Classifier:
    """(N, 3, H, W) -> (N, classes); between blocks a transition halves channels and size."""
    c, growth, depths = TABLE[name]
    stem = joined(conv(3, c, 7, 2), chain(pool=nn.MaxPool2d(3, 2, padding=1)))
    stages = list[nn.Module]()
    for i, depth in enumerate(depths):
        down = chain(mix=preactivated(c, c // 2, 1), pool=nn.AvgPool2d(2)) if i else None
        c = c // 2 if i else c
        stages.append(chain(down=down, layers=dense_block(c, growth, depth)))
        c += depth * growth
    head = joined(chain(norm=nn.BatchNorm2d(c), act=nn.ReLU(inplace=True)), linear_head(c, classes))
    return Classifier(stem, stages, head)
