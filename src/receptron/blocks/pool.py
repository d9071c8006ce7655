"""What replaces a pool: a strided convolution. The pools themselves are torch's own modules."""

from torch import nn

from receptron.blocks.conv import conv


def strided(channels: int, stride: int = 2) -> nn.Sequential:
    """3x3 convolution that learns what to keep, where a pool would choose: 9 C^2 weights and a norm.

    Source: Springenberg et al. 2015, Striving for Simplicity, arXiv:1412.6806, Section 2.
    """
    return conv(channels, channels, 3, stride)
