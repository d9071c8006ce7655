"""Two scores that tell an image of none of the classes from what a network sees of it, beside what it saw of training images.

The distance to the k-th nearest training image, features scaled to length 1, finds what is unrelated: Sun, Ming, Zhu & Li 2022,
Out-of-Distribution Detection with Deep Nearest Neighbors, arXiv:2204.06507. The relative Mahalanobis distance, that to the nearest class
minus that to all images together, finds what is near: Ren et al. 2021, A Simple Fix to Mahalanobis Distance for Improving Near-OOD
Detection, arXiv:2106.09022. `fitting` makes what they need.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

SCORES = ("neighbour distance", "relative Mahalanobis distance")
_AT_ONCE = 1024  # images whose distances to all others are held at once

Features = NDArray[np.float32]


@dataclass(frozen=True)
class NoveltyScorer:
    """What is kept of the training images. With z' the features of an image minus their mean, and K classes seen:

    relative Mahalanobis distance = min over classes (offsets - 2 directions z').
    """

    bank: NDArray[np.float16]  # (M, D) features of training images, scaled to length 1
    neighbours: int  # which of them counts, from 1
    mean: Features  # (D,)
    directions: Features  # (K, D)
    offsets: Features  # (K,)

    def scores(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """Features (N, D) of images -> (N, 2) in the order of `SCORES`; the larger, the stranger."""
        parts = [self._scores(np.asarray(features[i : i + _AT_ONCE], np.float32)) for i in range(0, len(features), _AT_ONCE)]
        return np.concatenate([np.empty((0, len(SCORES))), *parts])

    def _scores(self, features: Features) -> NDArray[np.float64]:
        away = (features - self.mean).astype(np.float64)
        relative = (self.offsets - 2 * away @ self.directions.T.astype(np.float64)).min(1)
        asked = normalised(features)
        squares = (asked**2).sum(1, keepdims=True) + self._lengths - 2 * asked @ self._known.T
        kth = np.partition(squares, self.neighbours - 1, axis=1)[:, self.neighbours - 1]
        return np.stack([np.sqrt(np.maximum(kth, 0)).astype(np.float64), relative], axis=1)

    @cached_property
    def _known(self) -> Features:
        return self.bank.astype(np.float32)

    @cached_property
    def _lengths(self) -> Features:
        return (self._known**2).sum(1)


def normalised(features: Features) -> Features:
    """Each row scaled to length 1; what is all zeros stays so."""
    return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
