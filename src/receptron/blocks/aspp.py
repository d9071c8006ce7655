"""Atrous spatial pyramid pooling. Chen et al. 2017, "Rethinking Atrous Convolution", arXiv:1706.05587, Fig. 5 and Section 3.3."""

from torch import Tensor, nn

from receptron.blocks.chain import Concat, chain
from receptron.blocks.conv import conv


class Stretched(nn.Module):
    """Image-level features: pool to one pixel, convolve, stretch back: (N, c_in, H, W) -> (N, c_out, H, W)."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.conv = conv(c_in, c_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(self.pool(x)).expand(-1, -1, x.shape[2], x.shape[3])


def aspp(c_in: int, c_out: int, rates: tuple[int, ...]) -> nn.Sequential:
    """The same map at several zooms, 1x1, dilated 3x3 and the whole image, mixed: (N, c_in, H, W) -> (N, c_out, H, W).

    Weights, with r rates: c_in c_out (2 + 9 r) + (2 + r) c_out^2, and 2 c_out of each of the 3 + r norms.
    """
    dilated = {f"rate{rate}": conv(c_in, c_out, 3, dilation=rate) for rate in rates}
    branches = Concat(pixel=conv(c_in, c_out, 1), **dilated, image=Stretched(c_in, c_out))
    return chain(branches=branches, mix=conv((2 + len(rates)) * c_out, c_out, 1), dropout=nn.Dropout(0.5))
