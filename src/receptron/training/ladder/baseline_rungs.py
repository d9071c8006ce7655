"""Rung 0 of the ladder: what anybody gets for nothing."""

import numpy as np
from numpy.typing import NDArray

from receptron.evaluation.confidence_intervals import paired_gain, wilson
from receptron.training.records import RungRecord


def baseline_rungs(common: NDArray[np.bool_], near: NDArray[np.bool_], seconds: float) -> list[RungRecord]:
    """Both baselines as rungs, from which training images (N,) each gets right out of fold."""
    return [
        RungRecord("majority class", wilson(int(common.sum()), len(common)), None, 0.0, True, "the answer that needs no eyes"),
        RungRecord(
            "nearest neighbour", wilson(int(near.sum()), len(near)), paired_gain(near, common), seconds, True, "the most similar image"
        ),
    ]
