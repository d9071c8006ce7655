"""Intervals at 95 %: how far a number from few images can be trusted. All are sound where every answer is right, or every one wrong.

Sources: Wilson 1927, J. Am. Stat. Assoc. 22:209 (a proportion); Tango 1998, Stat. Med. 17:891 (a difference of paired proportions);
McNemar 1947, Psychometrika 12:153 (the exact test of it); Zou & Donner 2008, Stat. Med. 27:1693 (a mean of independent proportions);
Efron & Tibshirani 1993, An Introduction to the Bootstrap, ch. 13 (percentile) and Davison & Hinkley 1997, ch. 5 (basic);
Bates, Hastie & Tibshirani 2024, J. Am. Stat. Assoc. 119:1434 (why cross-validation needs wider ones).
"""

from collections.abc import Callable, Sequence
from math import copysign, inf, sqrt
from statistics import fmean
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.stats import binomtest

from receptron.errors import BadValue
from receptron.evaluation.records import Estimate

Z = 1.959963984540054  # 97.5 % point of the normal distribution
RESAMPLES = 2000
FOLDED = 1.4  # variance of a cross-validated proportion over that of independent images: benchmarks/coverage.py
_CELLS = 4_000_000  # numbers in one batch of resamples, so that memory stays at about 100 MB
Metric = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def wilson(right: int, count: int) -> Estimate:
    """A proportion, `right` of `count` images. With no images the value is 0 and the interval everything.

    Raises: BadValue unless 0 <= right <= count.

    >>> wilson(9, 10)
    Estimate(value=0.9, low=0.5958..., high=0.9821..., count=10, method='Wilson')
    """
    if not 0 <= right <= count:
        raise BadValue(f"a proportion needs 0 <= right <= count, got {right} of {count}.")
    if count == 0:
        return Estimate(0.0, 0.0, 1.0, 0, "no images")
    return Estimate(right / count, *wilson_limits(right / count, count), count, "Wilson")


def out_of_fold(right: int, count: int, networks: int) -> Estimate:
    """A proportion of images that were answered by `networks` networks, each for images that it had not seen.

    Several share training images, so that their answers vary together: Wilson's interval for `count` images covers 91 % instead of 95, and
    this is the one for fewer images. The answers of one network are independent.
    Raises: BadValue unless 0 <= right <= count.
    """
    plain = wilson(right, count)
    if count == 0 or networks == 1:
        return plain
    return Estimate(plain.value, *wilson_limits(plain.value, count / FOLDED), count, "Wilson, widened for cross-validation")


def mean_of_proportions(parts: Sequence[Estimate]) -> Estimate:
    """Plain mean of independent proportions, such as balanced accuracy from recalls; parts without images do not count.

    The wider of two intervals, because each falls short where the other holds (87 % and 78 % coverage seen, 92.8 % or more together):
    Zou & Donner's sum of squared distances to the parts' limits, for few parts with many images; and Wilson's for as many images as would
    give the mean its variance, for many parts with few images.
    """
    parts = [part for part in parts if part.count]
    if not parts:
        return Estimate(0.0, 0.0, 1.0, 0, "no images")
    value = fmean(part.value for part in parts)
    below = sqrt(sum((part.value - part.low) ** 2 for part in parts)) / len(parts)
    above = sqrt(sum((part.high - part.value) ** 2 for part in parts)) / len(parts)
    low, high = wilson_limits(value, _effective_count(parts, value))
    limits = max(0.0, min(low, value - below)), min(1.0, max(high, value + above))
    return Estimate(value, *limits, sum(part.count for part in parts), f"Wilson, combined over {len(parts)} classes")


def f1(hits: int, misses: int, false_alarms: int) -> Estimate:
    """F1 of one class from its counts of true positives, false negatives and false positives.

    F1 = 2J / (1 + J) grows with J = hits / (hits + misses + false alarms), and J is a proportion of the images that are
    or were called this class: its Wilson limits become those of F1.
    """
    share = wilson(hits, hits + misses + false_alarms)
    value, low, high = (2 * j / (1 + j) for j in (share.value, share.low, share.high))
    return Estimate(value, low, high, share.count, "Wilson on hits / (hits + misses + false alarms)" if share.count else "no images")


def paired_gain(ours: ArrayLike, theirs: ArrayLike) -> Estimate:
    """Difference in accuracy, ours minus theirs, from what each got right on the same images: two arrays of booleans (N,).

    Tango's score interval; where the exact McNemar test does not reject equality at 5 %, it is widened to reach zero.
    Raises: BadValue if the lengths differ or there are no images.
    """
    won, lost, count = _discordant(np.asarray(ours, bool), np.asarray(theirs, bool))
    low, high = tango_limits(won, lost, count)
    if won + lost == 0 or binomtest(won, won + lost).pvalue > 0.05:
        low, high = min(low, 0.0), max(high, 0.0)
    return Estimate((won - lost) / count, low, high, count, "Tango's paired score interval with exact McNemar test")


def wilson_limits(share: float, count: float, quantile: float = Z) -> tuple[float, float]:
    """Wilson's limits of a share seen in `count` independent images, which need not be a whole number."""
    z2 = quantile * quantile
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = quantile / (1 + z2 / count) * sqrt(share * (1 - share) / count + z2 / (4 * count * count))
    return 0.0 if share <= 0 else middle - half, 1.0 if share >= 1 else middle + half  # exact at the ends, without rounding


def tango_limits(won: float, lost: float, count: float, quantile: float = Z) -> tuple[float, float]:
    """Differences whose score statistic is minus and plus `quantile`; beyond the ends -1 and 1 there is nothing to find.

    The counts need not be whole: those of as many independent images as are worth the ones that were seen.
    """
    value, edge = (won - lost) / count, 1 - 1e-12

    def distance(delta: float, target: float) -> float:
        return min(max(_score(won, lost, count, delta), -1e6), 1e6) - target

    def root(left: float, right: float, target: float) -> float:
        return cast(float, brentq(distance, left, right, args=(target,)))

    return (-1.0 if value <= -edge else root(-edge, value, quantile)), (1.0 if value >= edge else root(value, edge, -quantile))


def resample(metric: Metric, count: int, *, seed: int = 0, resamples: int = RESAMPLES) -> NDArray[np.float64]:
    """Bootstrap draws (resamples,) of a metric on `count` images.

    `metric` gets weights (r, count), how often each image was drawn in each of r resamples, and returns (r,) values.
    """
    rng = np.random.default_rng(seed)
    batch = max(1, min(resamples, _CELLS // count))
    draws = [metric(_weights(rng, min(batch, resamples - done), count)) for done in range(0, resamples, batch)]
    return np.concatenate(draws)


def basic_bootstrap(metric: Metric, count: int, *, seed: int = 0, resamples: int = RESAMPLES, widening: float = 1.0) -> Estimate:
    """Basic interval of any metric written over image weights (see `resample`): percentiles mirrored at the value, which takes off the
    bias of metrics that noise pushes up, such as ECE.

    A metric that has no spread in the sample, such as accuracy when all is right, gets no width: use `wilson` there. `widening` draws the
    percentiles away from the value, where there is little to draw from.
    """
    _some(count)
    value = float(metric(np.ones((1, count)))[0])
    drawn = np.quantile(resample(metric, count, seed=seed, resamples=resamples), (0.975, 0.025))
    low, high = value - widening * (drawn - value)
    return Estimate(value, min(value, float(low)), max(value, float(high)), count, f"basic bootstrap of {resamples:,} resamples")


def _weights(rng: np.random.Generator, rows: int, count: int) -> NDArray[np.float64]:
    drawn = rng.integers(0, count, (rows, count)) + np.arange(rows)[:, None] * count
    return np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count).astype(np.float64)


def _effective_count(parts: Sequence[Estimate], value: float) -> float:
    """Images of one class that would leave the mean as unsure as it is: with each part at its own share, or all at the mean, if unsurer."""
    alike = sum(1 / part.count for part in parts) / len(parts) ** 2
    own = sum(part.value * (1 - part.value) / part.count for part in parts) / len(parts) ** 2
    spread = value * (1 - value)
    return 1 / alike if spread == 0 else spread / max(spread * alike, own)


def _discordant(ours: NDArray[np.bool_], theirs: NDArray[np.bool_]) -> tuple[int, int, int]:
    if ours.shape != theirs.shape or ours.ndim != 1:
        raise BadValue(f"a paired comparison needs two answers for each image, got shapes {ours.shape} and {theirs.shape}.")
    _some(len(ours))
    return int((ours & ~theirs).sum()), int((~ours & theirs).sum()), len(ours)


def _score(won: float, lost: float, count: float, delta: float) -> float:
    """How many standard errors the observed difference lies above `delta`; the error is the likeliest one if `delta` were true."""
    b = (2 * count - won + lost) * delta - won - lost
    chance = (sqrt(max(0.0, b * b + 8 * count * lost * delta * (1 - delta))) - b) / (4 * count)
    variance = count * (2 * chance + delta * (1 - delta))
    above = won - lost - count * delta
    if variance <= 0:
        return 0.0 if above == 0 else copysign(inf, above)
    return above / sqrt(variance)


def _some(count: int) -> None:
    if count < 1:
        raise BadValue("an interval needs at least one image.")
