"""Rung 0 of the ladder: what anybody gets for nothing."""

import numpy as np
from numpy.typing import NDArray

from receptron.evaluation.grouped_intervals import Groups, numbered, paired_gain, share
from receptron.training.records import RungRecord


def baseline_rungs(common: NDArray[np.bool_], near: NDArray[np.bool_], groups: Groups | None, seconds: float) -> list[RungRecord]:
    """Both baselines as rungs, from which training images (N,) of which groups (N,) each gets right out of fold."""
    units, everyone = numbered(groups), np.ones(len(common), bool)
    reached = share(common, everyone, units), share(near, everyone, units)
    return [
        RungRecord("majority class", reached[0], None, 0.0, True, "the answer that needs no eyes"),
        RungRecord("nearest neighbour", reached[1], paired_gain(near, common, units), seconds, True, "the most similar image"),
    ]
