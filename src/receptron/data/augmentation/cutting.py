"""Random resized crop and mirror image: a part of a canvas at the size of the network's input.

Source: Szegedy et al. 2015, Going Deeper with Convolutions, section 6.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from receptron.data.augmentation.policy import Policy
from receptron.data.reading.pixel_formats import Canvas


def cut(canvas: Canvas, pixels: int, policy: Policy, drawn: NDArray[np.float64]) -> Tensor:
    """Part of one canvas, perhaps mirrored: uint8 (H, W, 3) -> uint8 (3, pixels, pixels). `drawn`: area, aspect, top, left, flip."""
    height, width = canvas.shape[:2]
    least, most = policy.area
    area = (least + (most - least) * float(drawn[0])) * min(height, width) ** 2
    ratio = policy.aspect ** float(2 * drawn[1] - 1)
    tall = min(height, max(1, round(math.sqrt(area / ratio))))
    wide = min(width, max(1, round(math.sqrt(area * ratio))))
    top, left = int(drawn[2] * (height - tall + 1)), int(drawn[3] * (width - wide + 1))
    return resized_crop(canvas, (top, left, tall, wide), pixels, mirror=policy.flip and bool(drawn[4] < 0.5))


def resized_crop(canvas: Canvas, window: tuple[int, int, int, int], pixels: int, *, mirror: bool) -> Tensor:
    """The window (top, left, height, width) of a canvas, resized with antialiasing, perhaps mirrored: uint8 (3, pixels, pixels)."""
    top, left, tall, wide = window
    part = canvas[top : top + tall, left : left + wide]
    image = torch.from_numpy(part if part.flags.writeable else part.copy()).permute(2, 0, 1)[None]
    if (tall, wide) != (pixels, pixels):
        image = F.interpolate(image, (pixels, pixels), mode="bilinear", antialias=True)
    return image[0].flip(2) if mirror else image[0]
