"""Do the confidences mean what they say? Temperature scaling, expected calibration error, reliability bins.

Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv:1706.04599, Eqs. 2, 3, 9; smoothed targets after
Platt 1999, "Probabilistic Outputs for Support Vector Machines", Sec. 2.2.
"""

from math import exp, log

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from receptron.evaluation.confidence_intervals import basic_bootstrap, resample, wilson
from receptron.evaluation.records import Bin, Estimate

BINS = 15  # Guo et al., Sec. 5
RANGE = (0.05, 20.0)  # temperatures beyond these only hide a network that answers at random or is never in doubt


def probabilities(logits: ArrayLike, temperature: float = 1.0) -> NDArray[np.float64]:
    """softmax(logits / temperature), (N, K), in double precision."""
    return np.exp(log_softmax(np.asarray(logits, np.float64) / temperature, axis=1))


def temperature(logits: ArrayLike, labels: ArrayLike) -> float:
    """The temperature that makes the labels (N,) likeliest given the logits (N, K); pass logits of images that training never saw.

    Each target is smoothed by Laplace's rule of succession, as if one more image had been answered rightly and one wrongly: the truth
    gets (N + 1) / (N + 2). Without it, few images that are all answered rightly would ask for endless confidence. With no images, or
    one class, it is 1.
    """
    scores, truth = np.asarray(logits, np.float64), np.asarray(labels, np.int64)
    if scores.size == 0 or scores.shape[1] == 1:
        return 1.0
    count, classes = scores.shape
    targets = np.full_like(scores, 1 / (count + 2) / (classes - 1))
    targets[np.arange(count), truth] = (count + 1) / (count + 2)

    def loss(log_temperature: float) -> float:
        return float(-(targets * log_softmax(scores / exp(log_temperature), axis=1)).sum() / count)

    found = minimize_scalar(loss, bounds=(log(RANGE[0]), log(RANGE[1])), method="bounded", options={"xatol": 1e-7})
    return exp(float(found.x))


def reliability(confidence: ArrayLike, correct: ArrayLike) -> tuple[Bin, ...]:
    """The 15 bins of equal width over 0..1; a confidence of 1 falls into the last. Empty bins are there, with count 0."""
    sure, right = np.asarray(confidence, np.float64), np.asarray(correct, np.float64)
    place = _bin(sure)
    counts = np.bincount(place, minlength=BINS)
    filled = np.maximum(counts, 1)
    means = np.bincount(place, sure, BINS) / filled
    shares = np.bincount(place, right, BINS) / filled
    return tuple(Bin(i / BINS, (i + 1) / BINS, int(counts[i]), float(means[i]), float(shares[i])) for i in range(BINS))


def calibration_error(confidence: ArrayLike, correct: ArrayLike, *, seed: int = 0) -> Estimate:
    """Expected calibration error: mean over images of |accuracy - confidence| of their bin, with an interval.

    Noise only ever adds to this error, so the interval is the basic bootstrap's, which mirrors that away, and its lower limit is 0 where
    noise about perfect bins reaches the value in 2.5 % of resamples. The upper limit is never below the gap between mean confidence and
    the Wilson limits of the accuracy: few images that are all right prove little. Coverage seen for 60 to 1,000 images and true
    errors of 0, 0.03 and 0.15: 92 to 97 % below, 92 to 100 % above.
    """
    sure, right = np.asarray(confidence, np.float64), np.asarray(correct, np.float64)
    gaps, count = _gaps(sure, right), len(sure)
    found = basic_bootstrap(lambda weights: np.abs(weights @ gaps).sum(axis=1), count, seed=seed)
    noise = resample(lambda weights: np.abs((weights - 1) @ gaps).sum(axis=1), count, seed=seed)
    low = 0.0 if found.value <= np.quantile(noise, 0.975) else max(0.0, found.low)
    accuracy = wilson(round(float(right.sum())), count)
    widest = max(abs(float(sure.mean()) - limit) for limit in (accuracy.low, accuracy.high))
    return Estimate(found.value, low, min(1.0, max(found.high, widest)), count, found.method)


def _gaps(sure: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each image's share of its bin's gap, (N, BINS)."""
    parts = np.zeros((len(sure), BINS))
    parts[np.arange(len(sure)), _bin(sure)] = (right - sure) / len(sure)
    return parts


def _bin(confidence: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
