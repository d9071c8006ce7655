"""How often a linear head is right that learns from an eighth, a quarter, half and most of the training images.

The images are parted so often that a part has the size that is wanted; a head learns from each part and is asked about all others, so that
every image is answered at every size by heads that never saw it. Groups stay whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from receptron.training.ladder.linear_probe import More, fit_head, with_more

PARTS = (8, 4, 2)
FITS = 400  # images that the heads of one size learn from together, at least: few images are parted several times
MOST_ROUNDS = 8


@dataclass(frozen=True)
class Measured:
    """How often each image was answered rightly by heads of one size."""

    share: float  # of all images that a head learnt from, on average
    right: NDArray[np.float64]  # (N,) share of the heads that answered rightly


def measure(
    features: Tensor,
    targets: Tensor,
    classes: int,
    strength: float,
    folds: Sequence[NDArray[np.int64]],
    units: NDArray[np.int64],
    more: More | None = None,
) -> list[Measured]:
    """From pooled features (N, D), the smallest heads first; `folds` (held-out rows) give the largest.

    Rows of one of the `units` (N,) stay together.
    """
    count = len(targets)
    rounds = min(MOST_ROUNDS, max(1, -(-FITS // count)))
    plans = [[part for turn in range(rounds) for part in _parts(units, targets.numpy(), number, turn)] for number in PARTS]
    plans.append([np.setdiff1d(np.arange(count), fold) for fold in folds])
    return [_answered(features, targets, classes, strength, plan, more) for plan in plans]


def _answered(
    features: Tensor, targets: Tensor, classes: int, strength: float, plan: list[NDArray[np.int64]], more: More | None
) -> Measured:
    count, truth = len(targets), targets.numpy()
    right, asked = np.zeros(count), np.zeros(count)
    for rows in plan:
        others = np.setdiff1d(np.arange(count), rows)
        head = fit_head(*with_more(features[rows][:, None], targets[rows], more), classes, strength)
        right[others] += head.logits(features[others]).argmax(1) == truth[others]
        asked[others] += 1
    return Measured(float(np.mean([len(rows) for rows in plan])) / count, right / np.maximum(asked, 1))


def _parts(units: NDArray[np.int64], truth: NDArray[np.int64], number: int, turn: int) -> list[NDArray[np.int64]]:
    """The rows in `number` parts, units whole, classes spread evenly."""
    names, first = np.unique(units, return_index=True)
    draw = np.random.default_rng((number, turn))
    shuffled = draw.permutation(len(names))
    order = shuffled[np.argsort(truth[first[shuffled]], kind="stable")]
    part = np.empty(len(names), np.int64)
    part[order] = (np.arange(len(names)) + draw.integers(number)) % number
    of = part[np.searchsorted(names, units)]
    return [np.flatnonzero(of == which) for which in range(number)]
