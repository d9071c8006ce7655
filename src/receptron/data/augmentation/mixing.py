"""Mixup and CutMix: an image mixed with another, and its label with that one's by the same shares.

The other image is drawn from all that are learnt from, by the key of the first one: what else is in the batch does not matter.
Source: Zhang et al. 2018, arXiv:1710.09412; Yun et al. 2019, arXiv:1905.04899.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import betaincinv  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]
from torch import Tensor

from receptron.data.augmentation.erasing import Window
from receptron.data.augmentation.policy import Policy


@dataclass(frozen=True)
class Mixes:
    """For each image of a batch: which image it is mixed with, its own share, and the window that CutMix pastes, if it is that."""

    partners: NDArray[np.int64]  # (N,) rows of the source
    shares: NDArray[np.float64]  # (N,) of the image itself; for a window, one less its share of the area
    windows: list[Window | None]


def drawn_mixes(policy: Policy, drawn: NDArray[np.float64], count: int, size: tuple[int, int]) -> Mixes:
    """Mixes with one of `count` images; `drawn` (N, 5): partner, whether Mixup or CutMix, share, centre along x and y."""
    partners = (drawn[:, 0] * count).astype(np.int64)
    cut = (drawn[:, 1] < 0.5) if policy.mixup and policy.cutmix else np.full(len(drawn), bool(policy.cutmix))
    alphas = np.where(cut, policy.cutmix, policy.mixup)
    shares = np.asarray(betaincinv(alphas, alphas, drawn[:, 2]), np.float64)
    windows = [_window(share, row, size) if is_cut else None for share, row, is_cut in zip(shares, drawn[:, 3:5], cut, strict=True)]
    area = size[0] * size[1]
    kept = [share if window is None else 1 - window[2] * window[3] / area for share, window in zip(shares, windows, strict=True)]
    return Mixes(partners, np.array(kept), windows)


def mixed(images: Tensor, others: Tensor, mixes: Mixes) -> Tensor:
    """Each image with its partner of `others` (N, C, H, W), as `mixes` says."""
    share = torch.from_numpy(mixes.shares).float().view(-1, 1, 1, 1)
    blended = torch.lerp(others, images, share)
    for place, window in enumerate(mixes.windows):
        if window is not None:
            top, left, tall, wide = window
            blended[place] = images[place]
            blended[place, :, top : top + tall, left : left + wide] = others[place, :, top : top + tall, left : left + wide]
    return blended


def soft_targets(targets: Tensor, others: Tensor, mixes: Mixes, classes: int) -> Tensor:
    """Class numbers (N,) of the images and of their partners -> the share of each class, float32 (N, classes)."""
    share = torch.from_numpy(mixes.shares).float().view(-1, 1)
    one_hot = torch.nn.functional.one_hot
    return one_hot(targets, classes) * share + one_hot(others, classes) * (1 - share)


def _window(share: float, centre: NDArray[np.float64], size: tuple[int, int]) -> Window:
    """A window of the image's own proportions and 1 - `share` of its area, about a centre; what lies outside is cut off."""
    (height, width), half = size, 0.5 * math.sqrt(1 - share)
    x, y = int(centre[0] * width), int(centre[1] * height)
    left, right = max(0, x - int(half * width)), min(width, x + int(half * width))
    top, bottom = max(0, y - int(half * height)), min(height, y + int(half * height))
    return top, left, bottom - top, right - left
