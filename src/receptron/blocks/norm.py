"""Normalisation over something else than a batch: channels of a pixel, neighbouring channels, how strongly channels answer."""

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm


class ChannelNorm(nn.LayerNorm):
    """LayerNorm over the channels of each pixel: (N, C, H, W) -> same; 2 C parameters. Liu et al. 2022, arXiv:2201.03545, Section 2.6."""

    def __init__(self, channels: int, *, eps: float = 1e-6) -> None:
        super().__init__(channels, eps=eps)

    def forward(self, input: Tensor) -> Tensor:
        last = input.permute(0, 2, 3, 1)
        return layer_norm(last, self.normalized_shape, self.weight, self.bias, self.eps).permute(0, 3, 1, 2)


class GlobalResponseNorm(nn.Module):
    """Scale each channel by its share of the whole map's response: (N, H, W, C) -> same; 2 C parameters.

    With g_c the root of the sum of squares of channel c over the map: x + gain * x * g_c / (mean of all g + epsilon) + bias.
    Source: Woo et al. 2023, "ConvNeXt V2", arXiv:2301.00808, Section 3.2 and Algorithm 1.
    """

    def __init__(self, channels: int, *, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps
        self.gain, self.bias = nn.Parameter(torch.empty(channels)), nn.Parameter(torch.empty(channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start as the identity."""
        nn.init.zeros_(self.gain)
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        response = torch.linalg.vector_norm(x, 2.0, [1, 2], True)  # (N, 1, 1, C)
        return x + self.gain * (x * (response / (response.mean(-1, keepdim=True) + self.eps))) + self.bias


def local_response(size: int = 5, *, alpha: float = 1e-4, beta: float = 0.75, k: float = 2.0) -> nn.LocalResponseNorm:
    """Divide each value by (k + alpha * sum of squares over `size` neighbouring channels)^beta; no parameters.

    Source: Krizhevsky et al. 2012, Section 3.3. PyTorch divides alpha by `size`, the paper does not.
    """
    return nn.LocalResponseNorm(size, alpha * size, beta, k)


def set_epsilon(net: nn.Module, epsilon: float) -> None:
    """Set what every BatchNorm of `net` adds to the variance, in place: weights from another library may have been trained with another."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = epsilon


def set_momentum(net: nn.Module, momentum: float) -> None:
    """Set at which share every BatchNorm of `net` takes a batch's statistics into its own, in place."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = momentum
