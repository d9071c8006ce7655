"""Gaussian blur of float images (N, C, H, W), each by a sigma of its own.

Sums of shifted pictures, image by image: the last bits of a convolution would depend on how many are in the batch, and one fits the cache.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def gaussian_blur(images: Tensor, sigmas: Tensor, radius: int) -> Tensor:
    """Along rows and columns with 2 `radius` + 1 taps; what lies outside is mirrored, as in torchvision. `sigmas` (N,), px."""
    radius = min(radius, min(images.shape[2:]) - 1)
    if radius < 1:
        return images
    away = torch.arange(radius + 1, dtype=torch.float64)
    weights = torch.exp(-0.5 * (away / sigmas.double().view(-1, 1)) ** 2)
    weights /= 2 * weights.sum(1, keepdim=True) - 1
    rows: list[list[float]] = weights.tolist()
    return torch.stack([_along(_along(image, row, 2), row, 1) for image, row in zip(images, rows, strict=True)])


def _along(image: Tensor, weights: list[float], axis: int) -> Tensor:
    """An image (C, H, W) blurred along one axis by the weights of its centre and of what lies 1, 2, ... px to either side."""
    radius, length = len(weights) - 1, image.shape[axis]
    wide = F.pad(image, [radius, radius, 0, 0] if axis == 2 else [0, 0, radius, radius], mode="reflect")
    total = image * weights[0]
    for away in range(1, radius + 1):
        for start in (radius - away, radius + away):
            total.add_(wide.narrow(axis, start, length), alpha=weights[away])
    return total
