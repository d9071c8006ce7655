"""Brightness, contrast, saturation and hue of float images (N, C, H, W) in 0..1, by a number for each image, as torchvision means them.

Every operation gives an image the same numbers whatever other images are in the batch. What needs colours leaves images of other than
three channels as they are.
"""

import torch
from torch import Tensor

_LUMA = (0.2989, 0.587, 0.114)  # ITU-R BT.601, as torchvision rounds it


def blend(images: Tensor, other: Tensor, factors: Tensor) -> Tensor:
    """`factors` (N,) times the images plus the rest of `other`, kept within 0..1."""
    return torch.lerp(other, images, factors.view(-1, 1, 1, 1)).clamp_(0, 1)


def grey_of(images: Tensor) -> Tensor:
    """(N, 1, H, W): luma of three channels, otherwise the mean of all."""
    if images.shape[1] != 3:
        return images.mean(1, keepdim=True)
    red, green, blue = images.unbind(1)
    return (red * _LUMA[0]).add_(green, alpha=_LUMA[1]).add_(blue, alpha=_LUMA[2]).unsqueeze(1)


def brightness(images: Tensor, factors: Tensor) -> Tensor:
    """Every pixel times its image's factor."""
    return (images * factors.view(-1, 1, 1, 1)).clamp_(0, 1)


def contrast(images: Tensor, factors: Tensor) -> Tensor:
    """Apart from the image's mean grey by the factor."""
    return blend(images, grey_of(images).mean(3, keepdim=True).mean(2, keepdim=True), factors)  # two short sums: exact in any batch


def saturation(images: Tensor, factors: Tensor) -> Tensor:
    """Apart from each pixel's own grey by the factor; 0 is a grey picture."""
    return images if images.shape[1] != 3 else blend(images, grey_of(images), factors)


def hue(images: Tensor, shifts: Tensor) -> Tensor:
    """Along the colour circle by a share of it, -0.5 to 0.5; greys stay."""
    if images.shape[1] != 3:
        return images
    red, green, blue = images.unbind(1)
    most, least = images.amax(1), images.amin(1)
    chroma = most - least
    safe = torch.where(chroma == 0, 1, chroma)
    sixths = torch.where(most == red, (green - blue) / safe, torch.where(most == green, (blue - red) / safe + 2, (red - green) / safe + 4))
    sixths += 6 * shifts.view(-1, 1, 1)
    planes: list[Tensor] = []
    for offset in (5, 3, 1):  # Smith 1978, Color Gamut Transform Pairs, written without its six cases
        k = (sixths + offset).remainder_(6)
        planes.append(most - chroma * torch.minimum(k, 4 - k).clamp_(0, 1))
    return torch.stack(planes, 1)
