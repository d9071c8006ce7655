"""Every pixel format that a file may have, to 8-bit RGB, by stated rules.

| in the file | becomes |
|---|---|
| 1 bit, 8-bit grey | grey in all three channels |
| palette | its colours |
| alpha or a transparent colour | composed on white |
| CMYK, YCbCr | RGB without colour profiles; CMYK as Adobe writes it (inverted) is understood |
| 16 bits per channel in colour | the high byte |
| 16-bit grey | divided by 255, 4,095 or 65,535: the least of 8, 12 and 16 bits that holds the largest value (12-bit cameras) |
| 0 and 1 only, floats within 0..1 | times 255 |
| whole numbers up to 65,535 | as 16-bit grey |
| other integers and floats | within 0..255 as they are, otherwise smallest to largest finite value |
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
_BAND = 1_000_000  # values scaled at a time
WHITE = (255, 255, 255, 255)
_PLAIN = frozenset({"1", "L", "P", "RGB", "CMYK", "YCbCr", "RGBX"})
_ALPHA = frozenset({"LA", "RGBA", "PA", "La", "RGBa"})
_DEEP = frozenset({"I;16", "I;16B", "I;16L", "I;16N", "I", "F"})


class UnknownMode(ValueError):
    """A pixel format without a rule."""


def to_rgb(image: Image.Image, *, white_is_zero: bool = False) -> tuple[Image.Image, bool]:
    """8-bit RGB image by the rules above, and whether any pixel was not opaque.

    Raises: UnknownMode; whatever the decoder raises on damaged data.
    """
    if image.mode in _DEEP:
        grey = to_eight_bits(np.asarray(image))
        return Image.fromarray(255 - grey if white_is_zero else grey).convert("RGB"), False
    if image.mode in _ALPHA or (image.mode in ("P", "L", "RGB", "1") and image.has_transparency_data):
        return _on_white(image.convert("RGBA"))
    if image.mode not in _PLAIN:
        raise UnknownMode(f"colour mode {image.mode} has no rule; save it as RGB")
    return (image if image.mode == "RGB" else image.convert("RGB")), False


def to_eight_bits(values: NDArray[Any]) -> Pixels:
    """Scale grey values (H, W) of any depth to 0..255, rounded, never clipped; a band of rows at a time, so memory stays flat.

    Raises: ValueError if no value is finite.
    """
    bands = np.array_split(values, max(1, values.size // _BAND))
    start, span = _range([_extent(band) for band in bands])
    return np.concatenate([_scaled(band, start, span) for band in bands])


def _extent(band: NDArray[Any]) -> tuple[float, float, bool] | None:
    """Smallest and largest finite value and whether all are whole; None if none is finite."""
    finite = band[np.isfinite(band)]
    return (float(finite.min()), float(finite.max()), bool((finite == np.rint(finite)).all())) if finite.size else None


def _range(extents: list[tuple[float, float, bool] | None]) -> tuple[float, float]:
    """Value that becomes 0, and the distance from it to the one that becomes 255."""
    known = [extent for extent in extents if extent]
    if not known:
        raise ValueError("not one pixel has a finite value")
    low, high, whole = min(k[0] for k in known), max(k[1] for k in known), all(k[2] for k in known)
    if low < 0 or high >= 2**16 or (high > 255 and not whole):
        return low, max(high - low, 1e-30)
    depths = (1, 8, 12, 16) if whole else (0, 8)
    return 0.0, next(float(max(1, 2**bits - 1)) for bits in depths if high <= max(1, 2**bits - 1))


def _scaled(band: NDArray[Any], start: float, span: float) -> Pixels:
    exact = np.nan_to_num(band.astype(np.float64), nan=start, posinf=start + span, neginf=start)
    return np.rint((exact - start) * (255.0 / span)).astype(np.uint8)


def _on_white(image: Image.Image) -> tuple[Image.Image, bool]:
    lowest, _ = image.getchannel("A").getextrema()
    if lowest == 255:
        return image.convert("RGB"), False
    return Image.alpha_composite(Image.new("RGBA", image.size, WHITE), image).convert("RGB"), True
