"""Pooling: maximum, average, global average, and the strided convolution that replaces them; none but the last has parameters."""

from torch import nn

from receptron.blocks.conv import conv


def max_pool(kernel: int = 2, stride: int = 2, *, padding: int = 0, ceil: bool = False) -> nn.MaxPool2d:
    """Strongest answer of each window: (N, C, H, W) -> (N, C, H', W'); `ceil` keeps a last window that is cut off by the edge."""
    return nn.MaxPool2d(kernel, stride, padding, ceil_mode=ceil)


def average_pool(kernel: int = 2, stride: int = 2, *, padding: int = 0) -> nn.AvgPool2d:
    """Mean of each window, zeros of the padding counted: (N, C, H, W) -> (N, C, H', W')."""
    return nn.AvgPool2d(kernel, stride, padding)


def global_average() -> nn.AdaptiveAvgPool2d:
    """Mean of each map: (N, C, H, W) -> (N, C, 1, 1). Lin et al. 2014, Network in Network, arXiv:1312.4400, Section 3.2."""
    return nn.AdaptiveAvgPool2d(1)


def strided(channels: int, stride: int = 2) -> nn.Sequential:
    """3x3 convolution that learns what to keep, where a pool would choose: 9 C^2 weights and a norm.

    Source: Springenberg et al. 2015, Striving for Simplicity, arXiv:1412.6806, Section 2.
    """
    return conv(channels, channels, 3, stride)
