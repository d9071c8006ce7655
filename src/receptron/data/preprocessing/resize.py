"""Pictures at the size that a network needs, shorter side first."""

import numpy as np
from PIL import Image

from receptron.data.reading.pixel_formats import Pixels
from receptron.errors import UnknownName

INTERPOLATIONS = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
LONGEST = 2  # a canvas is at most so many times as long as wide; the rest is cut off evenly at both ends


def resized(pixels: Pixels, side: int, interpolation: str = "bilinear") -> Pixels:
    """Pixels (h, w, 3) whose shorter side is `side` px, resized with antialiasing; the longer is centre-cropped to 2 x `side` at most.

    Raises: UnknownName for the interpolation.
    """
    if interpolation not in INTERPOLATIONS:
        raise UnknownName("interpolation", interpolation, INTERPOLATIONS)
    height, width = pixels.shape[:2]
    (left, right, w), (top, bottom, h) = _extent(width, height, side), _extent(height, width, side)
    if (h, w) == (height, width):
        return pixels
    return np.array(Image.fromarray(pixels).resize((w, h), INTERPOLATIONS[interpolation], box=(left, top, right, bottom)))


def _extent(length: int, other: int, side: int) -> tuple[float, float, int]:
    """Part of an axis that is kept (start and stop, px) and the length it is resized to, given the length of the other axis."""
    if length <= other:
        return 0, length, side
    full = side * length / other
    if round(full) <= LONGEST * side:
        return 0, length, round(full)
    kept = LONGEST * other
    return (length - kept) / 2, (length + kept) / 2, LONGEST * side
