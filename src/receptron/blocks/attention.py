"""Gates: squeeze-and-excitation over channels, CBAM over channels and pixels."""

import torch
from torch import Tensor, nn

from receptron.blocks.chain import chain
from receptron.blocks.conv import Act, conv, relu


class SqueezeExcite(nn.Module):
    """Scale each channel by a gate computed from its mean: (N, C, H, W) -> same; 2 C s + C + s parameters, s = `squeezed`.

    Source: Hu et al. 2018, arXiv:1709.01507, Fig. 2.
    """

    def __init__(self, channels: int, squeezed: int, *, act: Act = relu, gate: Act = nn.Sigmoid) -> None:
        super().__init__()
        self.gate = chain(
            pool=nn.AdaptiveAvgPool2d(1),
            squeeze=nn.Conv2d(channels, squeezed, 1),
            act=act(),
            excite=nn.Conv2d(squeezed, channels, 1),
            sigmoid=gate(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gate(x)


class CBAM(nn.Module):
    """A channel gate from mean and maximum, then a 7x7 spatial gate: (N, C, H, W) -> same; 2 C s + C + s + 100 parameters, s = `squeezed`.

    Source: Woo et al. 2018, arXiv:1807.06521, Fig. 2 and Eqs 2, 3. The spatial gate is normalised, as in the authors' code.
    """

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.mlp = chain(squeeze=nn.Conv2d(channels, squeezed, 1), act=relu(), excite=nn.Conv2d(squeezed, channels, 1))
        self.spatial = conv(2, 1, 7, act=None)

    def forward(self, x: Tensor) -> Tensor:
        mean, peak = x.mean((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
        x = x * torch.sigmoid(self.mlp(mean) + self.mlp(peak))
        maps = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], dim=1)  # (N, 2, H, W)
        return x * torch.sigmoid(self.spatial(maps))
