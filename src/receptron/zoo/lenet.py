"""LeNet-5. LeCun, Bottou, Bengio, Haffner 1998, "Gradient-Based Learning Applied to Document Recognition", Proc. IEEE 86(11), Fig. 2."""

from functools import partial

from torch import nn

from receptron.blocks.chain import chain
from receptron.blocks.classical import Distances, PartialConv2d, ScaledTanh, Subsample
from receptron.blocks.classifier import Classifier
from receptron.blocks.conv import conv, valid

padded = partial(conv, norm=None, act=nn.Tanh)
unpadded = partial(valid, norm=None, act=nn.Tanh)

TABLE_I = (  # which of S2's six maps each of C3's sixteen sees
    (0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5),
    (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5),
    (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5), (0, 1, 2, 3, 4, 5),
)  # fmt: skip


def lenet5(classes: int = 10) -> Classifier:
    """(N, 1, 28, 28) -> (N, classes), as commonly built: C3 sees all of S2, plain average pools, a linear output; 61,706 parameters.

    C1 pads 28x28 to the paper's 32x32. Other sizes are pooled to the 5x5 that C5 expects.
    """
    stages = [
        chain(c1=padded(1, 6, 5), s2=nn.AvgPool2d(2)),  # 6 @ 14x14
        chain(c3=unpadded(6, 16, 5), s4=nn.AvgPool2d(2)),  # 16 @ 5x5
    ]
    head = chain(
        pool=nn.AdaptiveAvgPool2d(5), flatten=nn.Flatten(1),
        c5=nn.Linear(400, 120), t5=nn.Tanh(), f6=nn.Linear(120, 84), t6=nn.Tanh(), fc=nn.Linear(84, classes),
    )  # fmt: skip
    return Classifier(nn.Identity(), stages, head)


def lenet5_1998(classes: int = 10) -> Classifier:
    """(N, 1, 32, 32) -> (N, classes), as in the paper: 60,000 learnt parameters.

    What differs from `lenet5`: C3 sees S2 by Table I, subsampling layers learn a factor and a bias for each map, the squashing function is
    scaled, and the output is the distance to a fixed code for each class, given here as its negative so that the largest wins.
    """
    stages = [
        chain(c1=nn.Conv2d(1, 6, 5), t1=ScaledTanh(), s2=Subsample(6), t2=ScaledTanh()),  # 6 @ 14x14
        chain(c3=PartialConv2d(6, 5, TABLE_I), t3=ScaledTanh(), s4=Subsample(16), t4=ScaledTanh()),  # 16 @ 5x5
    ]
    head = chain(
        pool=nn.AdaptiveAvgPool2d(5), flatten=nn.Flatten(1),
        c5=nn.Linear(400, 120), t5=ScaledTanh(), f6=nn.Linear(120, 84), t6=ScaledTanh(), fc=Distances(84, classes),
    )  # fmt: skip
    return Classifier(nn.Identity(), stages, head)
