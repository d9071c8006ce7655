"""Random erasing and Cutout: a rectangle of nothing, which is the mean that the network's input is centred on.

Source: Zhong et al. 2020, arXiv:1708.04896; DeVries & Taylor 2017, arXiv:1708.04552.
"""

import math

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from receptron.data.augmentation.policy import Policy

Window = tuple[int, int, int, int]  # top, left, height, width


def erase(images: Tensor, windows: list[Window | None]) -> Tensor:
    """Normalised images (N, C, H, W), changed in place: zero inside of each one's window."""
    for image, window in zip(images, windows, strict=True):
        if window is not None:
            top, left, tall, wide = window
            image[:, top : top + tall, left : left + wide] = 0
    return images


def drawn_windows(policy: Policy, drawn: NDArray[np.float64], size: tuple[int, int]) -> list[Window | None]:
    """A window inside of images of `size` (height, width), or none; `drawn` (N, 5): whether, area, aspect, top, left."""
    return [_window(policy, row, size) if row[0] < policy.erasing else None for row in drawn]


def _window(policy: Policy, row: NDArray[np.float64], size: tuple[int, int]) -> Window:
    (height, width), (least, most) = size, policy.erased
    area, ratio = (least + (most - least) * float(row[1])) * height * width, policy.erased_aspect ** float(2 * row[2] - 1)
    tall, wide = min(height, max(1, round(math.sqrt(area * ratio)))), min(width, max(1, round(math.sqrt(area / ratio))))
    return int(row[3] * (height - tall + 1)), int(row[4] * (width - wide + 1)), tall, wide
