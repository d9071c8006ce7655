"""LeNet-5. LeCun, Bottou, Bengio, Haffner 1998, "Gradient-Based Learning Applied to Document Recognition", Proc. IEEE 86(11), Fig. 2."""

from functools import partial

from torch import nn

from receptron.blocks.chain import chain
from receptron.blocks.classifier import Classifier
from receptron.blocks.conv import conv, valid

padded = partial(conv, norm=None, act=nn.Tanh)
unpadded = partial(valid, norm=None, act=nn.Tanh)


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
