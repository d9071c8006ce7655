"""Operations on tones of float images (N, C, H, W) in 0..1 that RandAugment and TrivialAugment draw from, as torchvision means them."""

import torch
from torch import Tensor

from receptron.data.augmentation.color_jitter import blend

_LEVELS = 256


def posterize(images: Tensor, bits: Tensor) -> Tensor:
    """Tones cut down to 2 ** bits levels; `bits` (N,)."""
    levels = (2.0**bits).view(-1, 1, 1, 1)
    return torch.minimum((images * levels).floor_(), levels - 1).clamp_(min=0).div_(levels)


def solarize(images: Tensor, thresholds: Tensor) -> Tensor:
    """Tones from the threshold (N,) up become their negative."""
    return torch.where(images >= thresholds.view(-1, 1, 1, 1), 1 - images, images)


def autocontrast(images: Tensor) -> Tensor:
    """Each channel stretched to 0..1; a channel of one tone stays."""
    least, most = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    flat = most == least
    span = torch.where(flat, 1, most - least)
    return ((images - torch.where(flat, 0, least)) / span).clamp_(0, 1)


def equalize(images: Tensor) -> Tensor:
    """Each channel, in 256 tones, spread so that its cumulative histogram is as straight as can be; of few tones they stay."""
    tones = (images * (_LEVELS - 1e-3)).to(torch.int64)  # as torchvision turns floats into bytes
    planes = images.shape[0] * images.shape[1]
    offsets = (torch.arange(planes) * _LEVELS).view(images.shape[0], images.shape[1], 1, 1)
    counts = torch.bincount((tones + offsets).flatten(), minlength=planes * _LEVELS).view(planes, _LEVELS)
    last = counts.gather(1, (_LEVELS - 1 - counts.flip(1).ne(0).int().argmax(1))[:, None])
    step = (counts.sum(1, keepdim=True) - last) // (_LEVELS - 1)
    before = counts.cumsum(1) - counts
    table = ((before + step // 2) // step.clamp(min=1)).clamp_(0, _LEVELS - 1)
    table = torch.where(step == 0, torch.arange(_LEVELS), table)
    return table.flatten()[(tones + offsets).flatten()].view(images.shape).to(images.dtype) / (_LEVELS - 1)


def sharpness(images: Tensor, factors: Tensor) -> Tensor:
    """Apart from the image smoothed over 3x3 px by the factor; 0 is the smooth one, and the outermost pixels stay."""
    if min(images.shape[2:]) < 3:
        return images
    inner, smooth = images[:, :, 1:-1, 1:-1] * 5, images.clone()
    for down in (0, 1, 2):
        for across in (0, 1, 2):
            if (down, across) != (1, 1):
                inner += images[:, :, down : images.shape[2] - 2 + down, across : images.shape[3] - 2 + across]
    smooth[:, :, 1:-1, 1:-1] = inner / 13
    return blend(images, smooth, factors)
