"""Operations on tones of float images (N, C, H, W) in 0..1 that RandAugment and TrivialAugment draw from, as torchvision means them."""

import numpy as np
import torch
from numpy.typing import NDArray
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
    tones = (images * (_LEVELS - 1e-3)).to(torch.uint8).numpy()  # as torchvision turns floats into bytes
    spread = np.stack([np.stack([_table(plane)[plane] for plane in image]) for image in tones])
    return torch.from_numpy(spread).to(images.dtype).div_(_LEVELS - 1)


def _table(plane: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What each tone of a plane becomes: Pillow's rule."""
    counts = np.bincount(plane.ravel(), minlength=_LEVELS)
    step = (plane.size - counts[np.flatnonzero(counts)[-1]]) // (_LEVELS - 1)
    if not step:
        return np.arange(_LEVELS, dtype=np.uint8)
    return np.minimum((counts.cumsum() - counts + step // 2) // step, _LEVELS - 1).astype(np.uint8)


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
