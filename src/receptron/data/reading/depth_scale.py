"""Which value becomes black and which white, for images of more than 8 bits: one scale for a whole set, never one for each image.

A scale taken from each image by itself would change the whole picture when one pixel gets brighter. So a set's scale comes from what all
its files state (TIFF: SMaxSampleValue, MaxSampleValue, BitsPerSample; PNG: sBIT), or else from the range of the whole set, and stays with
the model.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from receptron.errors import BadValue

Eight = NDArray[np.uint8]
_BAND = 1_000_000  # values scaled at a time, so that memory stays flat
_DEPTHS = (1, 8, 12, 16)  # bits; the least that holds the largest value counts
FULL = 65_535.0
SPILL = 0.01  # share of values beyond the scale that are clipped (hot pixels); with more, the image was stored in another depth
_DARK, _LIT = 4_095, 0.001  # a 16-bit image with so few values above 12 bits was probably stored in 12


class OutOfScale(ValueError):
    """An image whose values do not fit the scale."""


@dataclass(frozen=True)
class ValueRange:
    """What values an image of more than 8 bits holds."""

    low: float
    high: float
    whole: bool  # whole numbers only
    integer: bool  # stored as integers
    white: float | None = None  # the largest value that the file's own tags state


@dataclass(frozen=True)
class DepthRange:
    """The values that become 0 and 255. Raises: BadValue unless both are finite and white is the larger."""

    black: float
    white: float
    source: Literal["tags", "range", "nominal"]

    def __post_init__(self) -> None:
        if not (math.isfinite(self.black) and math.isfinite(self.white) and 0 < self.white - self.black < math.inf):
            raise BadValue(f"a scale of depth goes from {self.black} to {self.white}.", why="white must be over black, both finite")


@dataclass(frozen=True)
class DepthScale:
    """The scale of images that hold integers, and of those that hold floats."""

    integers: DepthRange
    floats: DepthRange

    def of(self, found: ValueRange) -> DepthRange:
        """The scale for one image; one that no training image set is the file's own statement, or what its format says."""
        scale = self.integers if found.integer else self.floats
        if scale.source == "nominal" and found.white and found.high <= found.white:
            return DepthRange(0.0, found.white, "tags")
        return scale


NOMINAL = DepthScale(DepthRange(0.0, FULL, "nominal"), DepthRange(0.0, 1.0, "nominal"))
"""What holds where a set had no deep image: 16 bits are all used, floats lie within 0..1."""


def scale_of(found: Iterable[ValueRange]) -> DepthScale:
    """The one scale of a set."""
    known = list(found)
    integers, floats = ([one for one in known if one.integer is wanted] for wanted in (True, False))
    return DepthScale(_common(integers) or NOMINAL.integers, _common(floats) or NOMINAL.floats)


def range_of(values: NDArray[Any], white: float | None = None) -> ValueRange:
    """What an array holds; NaN and infinity do not count. Raises: ValueError if no value is finite."""
    known = [extent for extent in map(_extent, _bands(values)) if extent]
    if not known:
        raise ValueError("not one pixel has a finite value")
    whole = all(extent[2] for extent in known)
    return ValueRange(min(e[0] for e in known), max(e[1] for e in known), whole, values.dtype.kind in "iub", white)


def check_fits(values: NDArray[Any], found: ValueRange, scale: DepthRange) -> None:
    """Raises: OutOfScale if more than 1 % of the values lie beyond the scale, or if it is a mere convention that they do not bear out."""
    if found.high > scale.white or found.low < scale.black:
        beyond = np.count_nonzero((values > scale.white) | (values < scale.black))
        if beyond > SPILL * values.size:
            ends = f"{found.low:,.6g} to {found.high:,.6g}, but those in training from {scale.black:,.6g} to {scale.white:,.6g}"
            raise OutOfScale(f"it was stored in another depth: its values go from {ends}")
    elif scale.source == "nominal" and found.integer and found.high > 0 and np.count_nonzero(values > _DARK) <= _LIT * values.size:
        raise OutOfScale(f"its depth is unknown: 16-bit values, almost none above {_DARK:,}, and nothing says which is white")


def to_eight_bits(values: NDArray[Any], scale: DepthRange | None = None) -> Eight:
    """Values of any depth to 0..255, rounded, the shape kept; what lies beyond is clipped. Without a scale their own range makes one.

    Raises: ValueError if no value is finite.
    """
    scale = scale or _common([range_of(values)]) or NOMINAL.integers
    return np.concatenate([_scaled(band, scale) for band in _bands(values)])


def _common(found: list[ValueRange]) -> DepthRange | None:
    if not found:
        return None
    low, high = min(one.low for one in found), max(one.high for one in found)
    stated = [one.white for one in found if one.white is not None]
    if len(stated) == len(found) and low >= 0 and high <= max(stated):
        return DepthRange(0.0, max(stated), "tags")
    whole = all(one.whole for one in found)
    if low < 0 or high >= 2**16 or (high > 255 and not whole):
        return DepthRange(low, max(high, low + max(1e-30, abs(low) * 1e-12)), "range")
    depths = _DEPTHS if whole else (0, 8)
    return DepthRange(0.0, next(float(max(1, 2**bits - 1)) for bits in depths if high <= max(1, 2**bits - 1)), "range")


def _bands(values: NDArray[Any]) -> list[NDArray[Any]]:
    return np.array_split(values, max(1, values.size // _BAND))


def _extent(band: NDArray[Any]) -> tuple[float, float, bool] | None:
    """Smallest and largest finite value and whether all are whole; None if none is finite."""
    finite = band[np.isfinite(band)]
    return (float(finite.min()), float(finite.max()), bool((finite == np.rint(finite)).all())) if finite.size else None


def _scaled(band: NDArray[Any], scale: DepthRange) -> Eight:
    exact = np.nan_to_num(band.astype(np.float64), nan=scale.black, posinf=scale.white, neginf=scale.black).clip(scale.black, scale.white)
    return np.rint((exact - scale.black) * (255.0 / (scale.white - scale.black))).astype(np.uint8)
