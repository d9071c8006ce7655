"""The values of an image of more than 8 bits, all their bits, and what the file says is white.

Pillow keeps only the high byte of 16-bit colour. Decoded once more, as if the bytes of each value were the other way round, it gives the
low one.
Sources: PNG specification (W3C, third edition) section 11.3.2.4 (sBIT); TIFF 6.0, tags 258, 281, 284 and 341.
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from receptron.data.reading.pixel_formats import DEEP, UnknownMode

_BITS, _MAX, _PLANES, _SMAX = 258, 281, 284, 341
_OTHER_END = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
_COLOUR = ("RGB;16", "RGBA;16", "RGBX;16")
_GREY_ALPHA = "LA;16B"


def values_of(image: ImageFile.ImageFile, again: Callable[[], ImageFile.ImageFile]) -> NDArray[Any] | None:
    """Values (H, W) or (H, W, bands) of a loaded image of more than 8 bits; None for 8 bits, and for what only Pillow can convert.

    `again` opens the file anew. Raises: UnknownMode for 16-bit planes, which Pillow would read as 8-bit ones.
    """
    if image.mode in DEEP:
        return np.asarray(image)
    high = again()
    if not high.tile:
        return None
    name = _rawmode(high)
    if isinstance(high, TiffImageFile) and high.tag_v2.get(_PLANES) == 2 and _bits(high) > 8 and high.tile[0].codec_name == "raw":
        raise UnknownMode("16 bits in separate colour planes are not read; save it with interleaved colours")
    if name == _GREY_ALPHA:
        return _pairs(_loaded(high, "RGBA"))
    if name[:-1] not in _COLOUR or name[-1] not in _OTHER_END:
        return None
    low = _loaded(again(), name[:-1] + _OTHER_END[name[-1]])
    return _with_clear(_joined(np.asarray(image), low), image.info.get("transparency"))


def stated_white(image: ImageFile.ImageFile, data: bytes, values: NDArray[Any]) -> float | None:
    """The largest value that the file's tags allow; None where they say nothing, or what the values contradict."""
    if isinstance(image, TiffImageFile):
        return _stated_by_tiff(image)
    bits = _significant(data)
    if not 0 < bits < 16 or values.dtype.kind not in "iu":
        return None
    if int(values.max()) < 2**bits and (values & (2 ** (16 - bits) - 1)).any():
        return float(2**bits - 1)  # stored as they are, not moved up to the top bits as the specification wants
    return 65_535.0


def _stated_by_tiff(image: TiffImageFile) -> float | None:
    for tag in (_SMAX, _MAX):
        found = image.tag_v2.get(tag)
        found = max(found) if isinstance(found, tuple) and found else found
        if isinstance(found, (int, float)) and found > 0:
            return float(found)
    bits = _bits(image)
    return float(2**bits - 1) if 8 < bits < 16 else None


def _bits(image: TiffImageFile) -> int:
    found = image.tag_v2.get(_BITS, 1)
    return max(found) if isinstance(found, tuple) else int(found)


def _significant(data: bytes) -> int:
    """Bits that an sBIT chunk before the pixels names; 0 without one."""
    at = data.find(b"sBIT", 8, max(8, data.find(b"IDAT")))
    return max(data[at + 4 : at + 4 + int.from_bytes(data[at - 4 : at], "big")][:4], default=0) if at > 0 else 0


def _rawmode(image: ImageFile.ImageFile) -> str:
    args = image.tile[0].args
    return str(args[0] if isinstance(args, tuple) else args)


def _loaded(image: ImageFile.ImageFile, rawmode: str) -> NDArray[np.uint8]:
    """Pixels as another raw mode of the same width makes them of the file."""
    image.tile = [tile._replace(args=(rawmode, *tile.args[1:]) if isinstance(tile.args, tuple) else rawmode) for tile in image.tile]
    image.load()
    return np.asarray(image)


def _with_clear(values: NDArray[np.uint16], clear: object) -> NDArray[np.uint16]:
    """Alpha as a fourth band where one colour is named as transparent."""
    if not isinstance(clear, tuple) or values.shape[2] != 3:
        return values
    return np.dstack([values, np.where((values == clear).all(-1), 0, 65_535).astype(np.uint16)])


def _pairs(raw: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """(H, W, 4) bytes of grey and alpha, high before low -> (H, W, 2)."""
    return _joined(raw[..., ::2], raw[..., 1::2])


def _joined(high: NDArray[np.uint8], low: NDArray[np.uint8]) -> NDArray[np.uint16]:
    return (256 * high.astype(np.uint16) + low).astype(np.uint16)
