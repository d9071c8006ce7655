"""Layers of 1998: learnt subsampling, chosen connections, an output that measures distance. LeCun et al. 1998, Sections II.B and II.C."""

from collections.abc import Sequence
from math import tanh

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d


class Subsample(nn.Module):
    """Sum of each 2x2 window, times a learnt factor, plus a bias: (N, C, H, W) -> (N, C, H/2, W/2); 2 C parameters."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(2)
        self.gain = nn.Parameter(torch.empty(channels, 1, 1))
        self.bias = nn.Parameter(torch.empty(channels, 1, 1))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start as a plain average."""
        nn.init.constant_(self.gain, 0.25)
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        return 4 * self.pool(x) * self.gain + self.bias


class PartialConv2d(nn.Module):
    """Convolution whose every output sees a chosen few inputs: (N, c_in, H, W) -> (N, c_out, H - k + 1, W - k + 1).

    Parameters: k^2 for each connection, and one bias for each output.
    """

    def __init__(self, c_in: int, kernel: int, sees: Sequence[Sequence[int]]) -> None:
        super().__init__()
        self.c_in, self.kernel = c_in, kernel
        self.connections = [(c_out, channel) for c_out, channels in enumerate(sees) for channel in channels]
        self.weight = nn.Parameter(torch.empty(len(self.connections), kernel, kernel))
        self.bias = nn.Parameter(torch.empty(len(sees)))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Normal with variance 1 / fan in, of the mean number of connections."""
        fan = self.kernel**2 * len(self.connections) / self.bias.numel()
        nn.init.normal_(self.weight, std=fan**-0.5)
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        full = self.weight.new_zeros([self.bias.shape[0], self.c_in, self.kernel, self.kernel])
        outs = torch.tensor([pair[0] for pair in self.connections], device=x.device)
        ins = torch.tensor([pair[1] for pair in self.connections], device=x.device)
        full = full.index_put([outs, ins], self.weight)
        return conv2d(x, full, self.bias)


class ScaledTanh(nn.Module):
    """A tanh(S a) with A = 1.7159 and S = 2/3, so that f(1) = 1 and f(-1) = -1 (Appendix A)."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(x * (2 / 3)) / tanh(2 / 3)


class Distances(nn.Module):
    """Minus the squared distance of x to one fixed code of -1 and +1 for each class: (N, width) -> (N, classes); nothing is learnt.

    The paper draws the codes as 7x12 pictures of the characters and says that random ones would do; these are random, from a fixed seed.
    """

    codes: Tensor

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.register_buffer("codes", torch.empty(classes, width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the codes, the same every time."""
        drawn = torch.randint(2, self.codes.shape, generator=torch.Generator("cpu").manual_seed(1998), device="cpu")
        with torch.no_grad():
            self.codes.copy_(2.0 * drawn - 1.0)

    def forward(self, x: Tensor) -> Tensor:
        return -(x.unsqueeze(1) - self.codes).square().sum(2)
