"""Images as rows of tokens. Dosovitskiy et al. 2021, arXiv:2010.11929, Fig. 1, Eq. 1 and Section 3.2."""

from math import sqrt

import torch
from torch import Tensor, nn
from torch.fx import wrap
from torch.nn.functional import interpolate


class Patches(nn.Module):
    """Cut the image into patches, put a class token first and add positions: (N, 3, H, W) -> (N, 1 + H W / patch^2, width).

    Positions are learnt for one size; for another they are interpolated (Section 3.2).
    """

    def __init__(self, width: int, patch: int, pixels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, width, patch, stride=patch)
        self.token = nn.Parameter(torch.empty(1, 1, width))
        self.position = nn.Parameter(torch.empty(1, 1 + (pixels // patch) ** 2, width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Token zero, positions normal with a standard deviation of 0.02."""
        nn.init.zeros_(self.token)
        nn.init.normal_(self.position, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        maps = self.conv(x)
        tokens = torch.cat([self.token.expand(x.shape[0], -1, -1), maps.flatten(2).transpose(1, 2)], dim=1)
        return tokens + stretch(self.position, maps.shape[-2], maps.shape[-1])


@wrap  # a call of its own where a network is traced symbolically: sizes decide here
def stretch(position: Tensor, high: int, wide: int) -> Tensor:
    """Positions (1, 1 + n^2, width) for a grid of high x wide patches; the class token keeps its own."""
    across = int(sqrt(position.shape[1] - 1) + 0.5)
    if high == across and wide == across:
        return position
    grid = position[:, 1:].unflatten(1, [across, across]).permute(0, 3, 1, 2)  # (1, width, side, side)
    exact = grid.float() if grid.element_size() < 4 else grid  # no antialiasing in half precision on a processor
    grid = interpolate(exact, size=[high, wide], mode="bicubic", antialias=True, align_corners=False).to(grid.dtype)
    return torch.cat([position[:, :1], grid.flatten(2).transpose(1, 2)], dim=1)


def resize_positions(net: nn.Module, pixels: int) -> None:
    """Give every ViT stem inside `net` positions for images of pixels x pixels, interpolated from those it has, in place."""
    for stem in net.modules():
        if isinstance(stem, Patches):
            across = pixels // stem.conv.kernel_size[0]
            stem.position = nn.Parameter(stretch(stem.position.detach(), across, across).clone())
