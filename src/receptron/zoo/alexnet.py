"""AlexNet. Krizhevsky, Sutskever, Hinton 2012, "ImageNet Classification with Deep Convolutional Neural Networks", NIPS, Fig. 2.

The one-tower variant: Krizhevsky 2014, "One weird trick for parallelizing convolutional neural networks", arXiv:1404.5997.
"""

from functools import partial

from torch import nn

from receptron.blocks.chain import chain
from receptron.blocks.classifier import Classifier, mlp_head
from receptron.blocks.conv import conv
from receptron.blocks.norm import local_response

bare = partial(conv, norm=None)


def pool() -> nn.MaxPool2d:
    """Windows that overlap: 3x3 every 2 pixels (Section 3.4)."""
    return nn.MaxPool2d(3, 2)


def stem(channels: int, norm: nn.Module | None = None) -> nn.Module:
    """11x11 every 4 pixels; 224x224 needs two pixels of padding for the 55x55 maps that the paper states."""
    return chain(conv=nn.Conv2d(3, channels, 11, 4, 2), act=nn.ReLU(inplace=True), norm=norm, pool=pool())


def alexnet(classes: int = 1000) -> Classifier:
    """(N, 3, 224, 224) -> (N, classes); one tower, no local response normalisation, dropout before each wide layer."""
    stages = [
        chain(conv2=bare(64, 192, 5), pool=pool()),
        chain(conv3=bare(192, 384), conv4=bare(384, 256), conv5=bare(256, 256), pool=pool()),
    ]
    head = chain(
        pool=nn.AdaptiveAvgPool2d(6), flatten=nn.Flatten(1),
        drop1=nn.Dropout(0.5), fc1=nn.Linear(256 * 36, 4096), act1=nn.ReLU(inplace=True),
        drop2=nn.Dropout(0.5), fc2=nn.Linear(4096, 4096), act2=nn.ReLU(inplace=True),
        fc=nn.Linear(4096, classes),
    )  # fmt: skip
    return Classifier(stem(64), stages, head)


def alexnet_2012(classes: int = 1000) -> Classifier:
    """(N, 3, 224, 224) -> (N, classes); two halves that meet at the third convolution, as two GPUs shared it; 60,965,224 parameters."""
    stages = [
        chain(conv2=bare(96, 256, 5, groups=2), norm=local_response(), pool=pool()),
        chain(conv3=bare(256, 384), conv4=bare(384, 384, groups=2), conv5=bare(384, 256, groups=2), pool=pool()),
    ]
    return Classifier(stem(96, local_response()), stages, mlp_head(256, 6, classes))
