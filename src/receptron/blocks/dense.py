"""Dense connections: every layer sees all maps made before it. Huang et al. 2017, arXiv:1608.06993, Section 3."""

from torch import nn

from receptron.blocks.chain import Concat, chain


def preactivated(c_in: int, c_out: int, kernel: int) -> nn.Sequential:
    """Norm, ReLU, convolution: (N, c_in, H, W) -> (N, c_out, H, W); the order of He et al. 2016, arXiv:1603.05027."""
    return chain(norm=nn.BatchNorm2d(c_in), act=nn.ReLU(inplace=True), conv=nn.Conv2d(c_in, c_out, kernel, padding=kernel // 2, bias=False))


def dense_layer(c_in: int, growth: int) -> Concat:
    """The input, and `growth` new maps beside it: (N, c_in, H, W) -> (N, c_in + growth, H, W).

    Weights: 4 c_in growth + 36 growth^2, and two norms of 2 c_in + 8 growth.
    """
    return Concat(old=nn.Identity(), new=chain(squeeze=preactivated(c_in, 4 * growth, 1), grow=preactivated(4 * growth, growth, 3)))


def dense_block(c_in: int, growth: int, depth: int) -> nn.Sequential:
    """`depth` dense layers: (N, c_in, H, W) -> (N, c_in + depth * growth, H, W)."""
    return nn.Sequential(*(dense_layer(c_in + i * growth, growth) for i in range(depth)))
