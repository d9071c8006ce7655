"""RandAugment and TrivialAugment: operations drawn from a table, each with a strength.

The tables are those of torchvision 0.28, which follow the papers: Cubuk et al. 2020, arXiv:1909.13719 (two operations, one strength for
all); Mueller & Hutter 2021, arXiv:2103.10158 (one operation, any strength of a wider range).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from receptron.data.augmentation import color_jitter, tone, warping
from receptron.data.augmentation.policy import Policy

BINS = 31  # strengths from none to full
COLUMNS = 6  # numbers that an image needs: operation, strength and sign, twice
_Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class RandomOperation:
    """How strong it is at full strength for each method, whether its sign is drawn, and what it does with signed strengths (N,)."""

    name: str
    randaugment: float
    trivialaugment: float
    signed: bool
    apply: Callable[[Tensor, _Numbers], Tensor]


def _warped(images: Tensor, degrees: _Numbers, x: _Numbers, y: _Numbers, shear: _Numbers) -> Tensor:
    moved = warping.affine(degrees, np.stack([x, y], 1), np.ones(len(images)), shear, (images.shape[2], images.shape[3]))
    return warping.warp(images, moved)


def _sheared(axis: int) -> Callable[[Tensor, _Numbers], Tensor]:
    def apply(images: Tensor, strengths: _Numbers) -> Tensor:
        none, shear = np.zeros(len(images)), np.zeros((len(images), 2))
        shear[:, axis] = np.degrees(np.arctan(strengths))
        return _warped(images, none, none, none, shear)

    return apply


def _translated(axis: int) -> Callable[[Tensor, _Numbers], Tensor]:
    def apply(images: Tensor, strengths: _Numbers) -> Tensor:
        none, side = np.zeros(len(images)), images.shape[3 - axis]
        moves = (strengths * side).astype(int).astype(float)
        return _warped(images, none, moves if axis == 0 else none, moves if axis else none, np.zeros((len(images), 2)))

    return apply


def _rotated(images: Tensor, strengths: _Numbers) -> Tensor:
    none = np.zeros(len(images))
    return _warped(images, strengths, none, none, np.zeros((len(images), 2)))


def _by_factor(change: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, _Numbers], Tensor]:
    return lambda images, strengths: change(images, torch.from_numpy(1 + strengths).float())


def _posterized(images: Tensor, strengths: _Numbers) -> Tensor:
    return tone.posterize(images, torch.from_numpy(8 - np.round(strengths)).float())


def _solarized(images: Tensor, strengths: _Numbers) -> Tensor:
    return tone.solarize(images, torch.from_numpy(1 - strengths).float())


# Translations are shares of the side; torchvision's 150 / 331 and, for TrivialAugment, 32 px of 224.
OPERATIONS = (
    RandomOperation("identity", 0, 0, False, lambda images, _: images),
    RandomOperation("shear x", 0.3, 0.99, True, _sheared(0)),
    RandomOperation("shear y", 0.3, 0.99, True, _sheared(1)),
    RandomOperation("translate x", 150 / 331, 32 / 224, True, _translated(0)),
    RandomOperation("translate y", 150 / 331, 32 / 224, True, _translated(1)),
    RandomOperation("rotate", 30.0, 135.0, True, _rotated),
    RandomOperation("brightness", 0.9, 0.99, True, _by_factor(color_jitter.brightness)),
    RandomOperation("colour", 0.9, 0.99, True, _by_factor(color_jitter.saturation)),
    RandomOperation("contrast", 0.9, 0.99, True, _by_factor(color_jitter.contrast)),
    RandomOperation("sharpness", 0.9, 0.99, True, _by_factor(tone.sharpness)),
    RandomOperation("posterize", 4.0, 6.0, False, _posterized),
    RandomOperation("solarize", 1.0, 1.0, False, _solarized),
    RandomOperation("autocontrast", 0, 0, False, lambda images, _: tone.autocontrast(images)),
    RandomOperation("equalize", 0, 0, False, lambda images, _: tone.equalize(images)),
)


def automatic(images: Tensor, policy: Policy, drawn: _Numbers) -> Tensor:
    """Float images (N, C, H, W) in 0..1 after the operations that `drawn` (N, COLUMNS) in [0, 1) chooses for each."""
    rounds = 2 if policy.automatic == "randaugment" else 1
    for number in range(rounds):
        chosen, strong, sign = drawn[:, 3 * number : 3 * number + 3].T
        picks = (chosen * len(OPERATIONS)).astype(int)
        images = images.clone()
        for pick in np.unique(picks):
            rows = np.flatnonzero(picks == pick)
            strengths = _strengths(OPERATIONS[pick], policy, strong[rows], sign[rows])
            images[rows] = OPERATIONS[pick].apply(images[rows], strengths)
    return images


def _strengths(operation: RandomOperation, policy: Policy, strong: _Numbers, sign: _Numbers) -> _Numbers:
    if policy.automatic == "randaugment":
        sizes = np.full(len(strong), operation.randaugment * policy.magnitude / (BINS - 1))
    else:
        sizes = operation.trivialaugment * (strong * BINS).astype(int) / (BINS - 1)
    return np.where(sign < 0.5, -sizes, sizes) if operation.signed else sizes
