"""At which size an image is decoded, so that it costs no more memory than allowed: a JPEG may come at a half, a quarter, an eighth."""

from dataclasses import dataclass

from receptron.data.reading.file_bytes import MEGABYTE, PIXEL_COST, EncodedFile, Limits
from receptron.data.reading.file_header import HeaderSize, is_progressive
from receptron.errors import UnreadableImage
from receptron.fault_kind import FaultKind

_FACTORS = (1, 2, 4, 8)
_COEFFICIENTS = 6  # bytes for each pixel that a progressive JPEG keeps until its last scan: three channels of 16 bits


@dataclass(frozen=True)
class Reduction:
    """The image is decoded at one `factor`-th of its width and height; `told` is the factor where the limit asks for it, else 1."""

    factor: int
    told: int = 1


def planned(file: EncodedFile, size: HeaderSize, limits: Limits, shortest: int | None = None) -> Reduction:
    """How an image of that size is decoded; with `shortest` (px) it is reduced as long as its shorter side stays twice that.

    Raises: UnreadableImage for a size that no image has, or that costs more memory than allowed.
    """
    if size.width <= 0 or size.height <= 0:
        raise UnreadableImage(file.shown, f"its header states {size.width} x {size.height} px")
    wanted = by_side(min(size.width, size.height), shortest)
    factors = [factor for factor in _FACTORS if factor >= wanted] if file.kind == "JPEG" else [1]
    fitting = next((factor for factor in factors if _cost(file, size, factor) <= limits.memory), None)
    if fitting is None:
        raise _over(file, size, _cost(file, size, factors[-1]), limits)
    pixels = size.width * size.height
    return Reduction(max(wanted, fitting), max(wanted, fitting) if pixels > limits.pixels else 1)


def by_side(side: int, shortest: int | None) -> int:
    """Largest factor that leaves the shorter side at least twice `shortest`."""
    return 1 if shortest is None else max(factor for factor in _FACTORS if factor == 1 or side >= 2 * shortest * factor)


def _cost(file: EncodedFile, size: HeaderSize, factor: int) -> int:
    """Bytes of memory while it is decoded."""
    pixels = size.width * size.height
    kept = _COEFFICIENTS * pixels if file.kind == "JPEG" and is_progressive(file.data) else 0
    return PIXEL_COST * (pixels // factor**2) + kept


def _over(file: EncodedFile, size: HeaderSize, cost: int, limits: Limits) -> UnreadableImage:
    needs, has = -(-cost // MEGABYTE), limits.memory // MEGABYTE
    reason = f"over the limit: {size.width:,} x {size.height:,} px need {needs:,} MB of memory, and {has:,} MB are allowed for one image"
    mend = f"make a smaller copy of the image, remove it, or allow more with --image-memory {needs}"
    return UnreadableImage(file.shown, reason, FaultKind.TOO_LARGE, mend=mend)
