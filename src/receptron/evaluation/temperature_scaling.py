"""Do the confidences mean what they say? Temperature scaling, expected calibration error, reliability bins.

Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv:1706.04599, Eqs. 2, 3, 9; smoothed targets after
Platt 1999, "Probabilistic Outputs for Support Vector Machines", Sec. 2.2. Whether it helps at all is asked of answers that it was not
fitted on, by their log-loss: Gneiting & Raftery 2007, "Strictly Proper Scoring Rules", J. Am. Stat. Assoc. 102:359.
"""

from math import exp, log, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, logsumexp
from scipy.stats import t as student

from receptron.data.stateless_random import keyed
from receptron.evaluation import grouped_intervals
from receptron.evaluation.confidence_intervals import basic_bootstrap, resample
from receptron.evaluation.records import TOO_FEW, Bin, Estimate

BINS = 15  # Guo et al., Sec. 5
PARTS = 5  # of the images, each tried with the temperature of the others
RANGE = (0.05, 20.0)  # temperatures beyond these only hide a network that answers at random or is never in doubt


def probabilities(logits: ArrayLike, temperature: float = 1.0, offsets: ArrayLike | None = None) -> NDArray[np.float64]:
    """softmax(logits / temperature + offsets), (N, K), in double precision; `offsets` (K,) lead back to the shares of the classes in
    the data, from those that they were given in training (Saerens et al. 2002, Neural Comput. 14:21).
    """
    return np.exp(_logs(np.asarray(logits, np.float64), temperature, offsets))


def _logs(scores: NDArray[np.float64], temperature: float, offsets: ArrayLike | None) -> NDArray[np.float64]:
    scaled = scores / temperature
    return log_softmax(scaled if offsets is None else scaled + np.asarray(offsets, np.float64), axis=1)


def mean_logits(views: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Of several views (V, N, K) the logits (N, K) whose probabilities at `temperature` are the means of the views'; of one, its own."""
    if len(views) == 1:
        return views[0]
    return temperature * (logsumexp(log_softmax(views / temperature, axis=2), axis=0) - log(len(views)))


def temperature(logits: ArrayLike, labels: ArrayLike, offsets: ArrayLike | None = None) -> float:
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
        return float(-(targets * _logs(scores, exp(log_temperature), offsets)).sum() / count)

    found = minimize_scalar(loss, bounds=(log(RANGE[0]), log(RANGE[1])), method="bounded", options={"xatol": 1e-7})
    return exp(float(found.x))


def sure_temperature(logits: ArrayLike, labels: ArrayLike, groups: ArrayLike | None = None, offsets: ArrayLike | None = None) -> float:
    """The `temperature` of logits (N, K), where it is sure to make unseen answers likelier; else 1, which changes none.

    It is fitted on four fifths of the images at a time (groups (N,) stay whole) and tried on the rest. The gains in log-likelihood are
    summed by group, and their mean must lie above 0 by a 95 % t interval. As in the fit, one more image counts as answered rightly and
    one wrongly: few images, all right, never make a network surer of itself.
    """
    scores, truth = np.asarray(logits, np.float64), np.asarray(labels, np.int64)
    units = grouped_intervals.numbered(groups) if groups is not None else None
    units = np.arange(len(truth)) if units is None else units
    count = len(np.unique(units))
    if scores.size == 0 or scores.shape[1] == 1 or count < max(grouped_intervals.LEAST, PARTS):
        return 1.0
    gains = np.zeros(len(truth))
    unlikely = np.zeros(len(truth))
    order = keyed(0, "temperature").permutation(count)
    for part in range(PARTS):
        rows = order[units] % PARTS == part
        found = temperature(scores[~rows], truth[~rows], offsets)
        change = _logs(scores[rows], found, offsets) - _logs(scores[rows], 1.0, offsets)
        gains[rows] = change[np.arange(len(change)), truth[rows]]
        second = np.argsort(scores[rows], axis=1)[:, -2]
        unlikely[rows] = change[np.arange(len(change)), second]
    summed = np.append(np.bincount(units, gains), (gains.mean(), unlikely.mean()))
    error = summed.std(ddof=1) / sqrt(len(summed))
    return temperature(scores, truth, offsets) if summed.mean() > student.ppf(0.975, count - 1) * error else 1.0


def reliability(confidence: ArrayLike, correct: ArrayLike) -> tuple[Bin, ...]:
    """The 15 bins of equal width over 0..1; a confidence of 1 falls into the last. Empty bins are there, with count 0."""
    sure, right = np.asarray(confidence, np.float64), np.asarray(correct, np.float64)
    place = _bin(sure)
    counts = np.bincount(place, minlength=BINS)
    filled = np.maximum(counts, 1)
    means = np.bincount(place, sure, BINS) / filled
    shares = np.bincount(place, right, BINS) / filled
    return tuple(Bin(i / BINS, (i + 1) / BINS, int(counts[i]), float(means[i]), float(shares[i])) for i in range(BINS))


def calibration_error(confidence: ArrayLike, correct: ArrayLike, groups: NDArray[np.int64] | None = None, *, seed: int = 0) -> Estimate:
    """Expected calibration error: mean over images of |accuracy - confidence| of their bin, with an interval.

    Noise only ever adds to this error, so the interval is the basic bootstrap's, which mirrors that away, and its lower limit is 0 where
    noise about perfect bins reaches the value in 2.5 % of resamples. The upper limit is never below the gap between mean confidence and
    the limits of the accuracy: few images that are all right prove little. Coverage seen for 60 to 1,000 images and true
    errors of 0, 0.03 and 0.15: 92 to 97 % below, 92 to 100 % above. Groups (N,), numbered from 0, are drawn whole, the percentiles
    moved out by what a bootstrap of so few lacks, and the error is known no better than the accuracy.
    """
    sure, right = np.asarray(confidence, np.float64), np.asarray(correct, np.float64)
    gaps, sizes, wider = _gaps(sure, right), np.ones(len(sure)), 1.0
    if groups is not None:
        gaps, sizes = _summed(gaps, groups), np.bincount(groups) / len(sure) * (groups.max() + 1)
        if len(sizes) < grouped_intervals.LEAST:
            return Estimate(float(np.abs(gaps.sum(axis=0)).sum()), 0.0, 1.0, len(sure), TOO_FEW)
        wider = grouped_intervals.widening(groups)
    drawn = len(sizes)

    def error(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.abs(weights @ gaps).sum(axis=1) * drawn / (weights @ sizes)

    found = basic_bootstrap(error, drawn, seed=seed, widening=wider)
    noise = resample(lambda weights: np.abs((weights - 1) @ gaps).sum(axis=1), drawn, seed=seed)
    low = 0.0 if found.value <= wider * np.quantile(noise, 0.975) else max(0.0, found.low)
    accuracy = grouped_intervals.share(right > 0, np.ones(len(right), bool), groups)
    if groups is not None:
        low = max(0.0, min(low, found.value - max(accuracy.high - accuracy.value, accuracy.value - accuracy.low)))
    widest = max(abs(float(sure.mean()) - limit) for limit in (accuracy.low, accuracy.high))
    return Estimate(
        found.value, low, min(1.0, max(found.high, widest)), len(sure), found.method + (" of groups" if groups is not None else "")
    )


def _gaps(sure: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each image's share of its bin's gap, (N, BINS)."""
    parts = np.zeros((len(sure), BINS))
    parts[np.arange(len(sure)), _bin(sure)] = (right - sure) / len(sure)
    return parts


def _summed(gaps: NDArray[np.float64], groups: NDArray[np.int64]) -> NDArray[np.float64]:
    """Each group's share of every bin's gap, (groups, BINS)."""
    parts = np.zeros((int(groups.max()) + 1, BINS))
    np.add.at(parts, groups, gaps)
    return parts


def _bin(confidence: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
