"""Inception v3. Szegedy et al. 2016, "Rethinking the Inception Architecture", arXiv:1512.00567, Table 1, Figs 5 to 8 and 10."""

from functools import partial

from torch import nn

from receptron.blocks import conv as convolution
from receptron.blocks.auxiliary import AuxiliaryClassifier
from receptron.blocks.chain import Concat, chain, joined
from receptron.blocks.classifier import linear_head

norm = partial(nn.BatchNorm2d, eps=1e-3)
conv, valid = partial(convolution.conv, norm=norm), partial(convolution.valid, norm=norm)
WEIGHT = 0.4  # of the auxiliary loss, as in the authors' release (TF-slim, inception_v3); the paper states none
WIDE, TALL = (1, 7), (7, 1)  # a 7x7 as two thin filters (Fig. 6)


def pooled(c_in: int, c_out: int) -> nn.Sequential:
    """Average pool, then 1x1: (N, c_in, H, W) -> (N, c_out, H, W)."""
    return chain(pool=nn.AvgPool2d(3, 1, padding=1), conv=conv(c_in, c_out, 1))


def grid35(c_in: int, pool: int) -> Concat:
    """Two 3x3 in place of a 5x5 (Fig. 5): (N, c_in, 35, 35) -> (N, 224 + pool, 35, 35)."""
    return Concat(
        one=conv(c_in, 64, 1),
        five=chain(conv1=conv(c_in, 48, 1), conv2=conv(48, 64, 5)),
        twice=chain(conv1=conv(c_in, 64, 1), conv2=conv(64, 96), conv3=conv(96, 96)),
        pool=pooled(c_in, pool),
    )


def shrink35(c_in: int) -> Concat:
    """Stride and pool side by side (Fig. 10): (N, c_in, 35, 35) -> (N, 480 + c_in, 17, 17)."""
    twice = chain(conv1=conv(c_in, 64, 1), conv2=conv(64, 96), conv3=valid(96, 96, 3, 2))
    return Concat(three=valid(c_in, 384, 3, 2), twice=twice, pool=nn.MaxPool2d(3, 2))


def grid17(c_in: int, c7: int) -> Concat:
    """7x7 windows as 1x7 and 7x1 (Fig. 6): (N, c_in, 17, 17) -> (N, 768, 17, 17)."""
    seven = chain(conv1=conv(c_in, c7, 1), conv2=conv(c7, c7, WIDE), conv3=conv(c7, 192, TALL))
    twice = chain(
        conv1=conv(c_in, c7, 1), conv2=conv(c7, c7, TALL), conv3=conv(c7, c7, WIDE), conv4=conv(c7, c7, TALL), conv5=conv(c7, 192, WIDE)
    )
    return Concat(one=conv(c_in, 192, 1), seven=seven, twice=twice, pool=pooled(c_in, 192))


def shrink17(c_in: int) -> Concat:
    """(N, c_in, 17, 17) -> (N, 512 + c_in, 8, 8)."""
    three = chain(conv1=conv(c_in, 192, 1), conv2=valid(192, 320, 3, 2))
    seven = chain(conv1=conv(c_in, 192, 1), conv2=conv(192, 192, WIDE), conv3=conv(192, 192, TALL), conv4=valid(192, 192, 3, 2))
    return Concat(three=three, seven=seven, pool=nn.MaxPool2d(3, 2))


def split(c_in: int) -> Concat:
    """1x3 and 3x1 side by side: (N, c_in, H, W) -> (N, 768, H, W)."""
    return Concat(wide=conv(c_in, 384, (1, 3)), tall=conv(c_in, 384, (3, 1)))


def grid8(c_in: int) -> Concat:
    """Branches that fan out (Fig. 7): (N, c_in, 8, 8) -> (N, 2048, 8, 8)."""
    three = chain(conv1=conv(c_in, 384, 1), split=split(384))
    twice = chain(conv1=conv(c_in, 448, 1), conv2=conv(448, 384), split=split(384))
    return Concat(one=conv(c_in, 320, 1), three=three, twice=twice, pool=pooled(c_in, 192))


def inception_v3(classes: int = 1000) -> AuxiliaryClassifier:
    """(N, 3, 299, 299) -> (N, classes), with the auxiliary head on the last 17x17 map (Fig. 8)."""
    stem = chain(
        conv1=valid(3, 32, 3, 2), conv2=valid(32, 32), conv3=conv(32, 64), pool1=nn.MaxPool2d(3, 2),
        conv4=valid(64, 80, 1), conv5=valid(80, 192), pool2=nn.MaxPool2d(3, 2),
    )  # fmt: skip
    stages = [
        nn.Sequential(grid35(192, 32), grid35(256, 64), grid35(288, 64)),
        nn.Sequential(shrink35(288), grid17(768, 128), grid17(768, 160), grid17(768, 160), grid17(768, 192)),
        nn.Sequential(shrink17(768), grid8(1280), grid8(2048)),
    ]
    extra = joined(chain(shrink=nn.AvgPool2d(5, 3), conv0=conv(768, 128, 1), conv1=valid(128, 768, 5)), linear_head(768, classes))
    return AuxiliaryClassifier(stem, stages, linear_head(2048, classes, dropout=0.5), {"1_4": extra}, WEIGHT, least_map=17)
