"""Whether one way to answer is better than another on the same images where each class counts alike: the gain in balanced accuracy."""

from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from receptron.evaluation.confidence_intervals import FOLDED
from receptron.evaluation.grouped_intervals import LEAST, Groups
from receptron.evaluation.records import TOO_FEW, Estimate


def balanced_gain(
    ours: NDArray[np.bool_], theirs: NDArray[np.bool_], truth: NDArray[np.int64], groups: Groups | None, level: float = 0.05
) -> Estimate:
    """Difference in balanced accuracy of answers that are right (N,) or not, out of fold, with its interval at 1 - `level`.

    A t interval over images, or over groups where there are some, of what each adds to the mean over classes; the variance is that of
    cross-validated figures, and one more group counts that sees an answer mended and one broken in the smallest class, so that no
    difference, seen or not, passes for a certainty.
    """
    classes, places, counts = np.unique(truth, return_inverse=True, return_counts=True)
    differences = ours.astype(np.float64) - theirs
    by_class = np.bincount(places, differences) / counts
    value = float(by_class.mean())
    parts = (differences - by_class[places]) / counts[places] / len(classes)
    units = np.arange(len(truth)) if groups is None else groups
    count = len(np.unique(units))
    if count < LEAST:
        return Estimate(value, -1.0, 1.0, len(truth), TOO_FEW)
    summed = np.bincount(np.unique(units, return_inverse=True)[1], parts)
    least = 1 / counts.min() / len(classes)
    error = sqrt(FOLDED * (count / (count - 1) * float((summed**2).sum()) + least**2))
    half = float(student.ppf(1 - level / 2, count - 1)) * error
    of = f" over {count:,} groups" if groups is not None else ""
    return Estimate(value, max(-1.0, value - half), min(1.0, value + half), len(truth), f"t{of}, widened for cross-validation")
