"""What an error comes to with more images: a power law with a floor, fitted to errors at smaller sizes, all that fits them weighed.

error(x) = level * (floor + (1 - floor) * x ** -rate), x the share of the images that are here. Three numbers from four or five points are
never one answer: each shape on a grid counts by how well it fits (a posterior with a flat prior), and the interval covers them all. The
grid ends where curves of linear heads do: no faster than 1 / images, no more than half of today's error left for ever.
On the logarithm of the error, because errors stay positive and their ratios are what a power law is about.
Source: Viering & Loog 2023, The Shape of Learning Curves, IEEE Trans. Pattern Anal. Mach. Intell. 45:7799, for the law and its rivals.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

RATES, FLOORS = np.linspace(0.0, 1.0, 21), np.linspace(0.0, 0.5, 6)
ROUGHNESS = 0.03  # deviation of a measured error from any such curve, as a share of it: no law is exact
COVERAGE = 0.9
_ENDS = ((1 - COVERAGE) / 2, 0.5, (1 + COVERAGE) / 2)
_STEPS = 4001


@dataclass(frozen=True)
class ErrorRange:
    """A figure between the ends of its 90 % interval."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True)
class Forecast:
    """Errors with the images that are here, and with twice as many."""

    now: ErrorRange
    doubled: ErrorRange


def forecast(shares: NDArray[np.float64], errors: NDArray[np.float64], common: float, own: NDArray[np.float64]) -> Forecast:
    """From `errors` (sizes,), above 0, measured with `shares` (sizes,) of the images.

    `common` is the variance of the errors' logarithm that all sizes share, for they are measured on the same images, `own` (sizes,) what
    each has alone. The shape is fitted to what they have alone: what is shared moves the whole curve.
    """
    shapes = np.array([(rate, floor) for rate in RATES for floor in FLOORS])
    rest = np.log(errors) - _shape(shares[None], shapes)  # (shapes, sizes)
    trust = 1 / (own + ROUGHNESS**2)
    levels = rest @ trust / trust.sum()
    weights = np.exp(-0.5 * (rest - levels[:, None]) ** 2 @ trust)
    weights /= weights.sum()
    deviation = float(np.sqrt(common + 1 / trust.sum()))
    at = _shape(np.array([[1.0, 2.0]]), shapes)
    return Forecast(_span(weights, levels + at[:, 0], deviation), _span(weights, levels + at[:, 1], deviation))


def _shape(shares: NDArray[np.float64], shapes: NDArray[np.float64]) -> NDArray[np.float64]:
    """(shapes, sizes) logarithm of the law with level 1."""
    rates, floors = shapes[:, :1], shapes[:, 1:]
    return np.log(floors + (1 - floors) * shares**-rates)


def _span(weights: NDArray[np.float64], middles: NDArray[np.float64], deviation: float) -> ErrorRange:
    """Quantiles of a mixture of log-normal distributions, none above 1."""
    axis = np.linspace(middles.min() - 6 * deviation, middles.max() + 6 * deviation, _STEPS)
    below = ndtr((axis[:, None] - middles) / deviation) @ weights
    low, middle, high = (min(1.0, float(np.exp(np.interp(end, below, axis)))) for end in _ENDS)
    return ErrorRange(low, middle, high)
