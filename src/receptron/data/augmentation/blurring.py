"""Gaussian blur of float images (N, C, H, W), each by a sigma of its own.

Sums of shifted pictures, not a convolution: its last bits would depend on how many images are in the batch.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def gaussian_blur(images: Tensor, sigmas: Tensor, radius: int) -> Tensor:
    """Along rows and columns with 2 `radius` + 1 taps; what lies outside is mirrored at the border, as in torchvision. `sigmas` (N,), px."""
    radius = min(radius, min(images.shape[2:]) - 1)
    if radius < 1:
        return images
    away = torch.arange(-radius, radius + 1, dtype=torch.float32)
    weights = torch.exp(-0.5 * (away / sigmas.view(-1, 1)) ** 2)
    weights = (weights / weights.sum(1, keepdim=True)).view(len(images), -1, 1, 1, 1)
    return _along(_along(images, weights, radius, 3), weights, radius, 2)


def _along(images: Tensor, weights: Tensor, radius: int, axis: int) -> Tensor:
    pad, length = ([radius, radius, 0, 0] if axis == 3 else [0, 0, radius, radius]), images.shape[axis]
    wide = F.pad(images, pad, mode="reflect")
    total = images * weights[:, radius]
    for tap in range(radius):  # both sides weigh the same
        pair = wide.narrow(axis, tap, length) + wide.narrow(axis, 2 * radius - tap, length)
        total.addcmul_(pair, weights[:, tap])
    return total
