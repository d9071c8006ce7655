"""TIFFs whose bands are not those of a photo, told from their first directory; tifffile reads them, with the extra `bands`.

Source: TIFF 6.0, tags 258, 262, 270, 277 and 338; BigTIFF. Pages that tifffile wrote as one array say so in their description.
"""

import re
import struct
from dataclasses import dataclass
from io import BytesIO
from math import prod
from typing import Any

from numpy.typing import NDArray

from receptron.data.bands.band_plan import BandFault

_DESCRIPTION, _PHOTOMETRIC, _SAMPLES, _EXTRA = 270, 262, 277, 338
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 16: 8}
_FORMATS = {1: "B", 3: "H", 4: "I", 16: "Q"}
_MOST_TAGS = 200
_ALPHA = (1, 2)
_RGB, _CMYK, _YCBCR, _LAB = 2, 5, 6, 8
_COLOURS = {_RGB: 3, _CMYK: 4, _YCBCR: 3, _LAB: 3}
INSTALL = "TIFF of several bands is read with the extra bands only: pip install 'receptron[bands]'"


@dataclass(frozen=True)
class TiffFacts:
    """What the first directory says."""

    samples: int
    photometric: int
    extra: tuple[int, ...]
    description: str

    @property
    def has_bands(self) -> bool:
        """Whether it holds other bands than grey, colours, and one of opacity."""
        if re.match(r'\{"shape": \[\d+, \d+, \d+\]', self.description) and self.samples == 1:
            return True
        colours = _COLOURS.get(self.photometric, 1)
        more = self.samples - colours
        return more > 1 or (more == 1 and self.photometric != _RGB and (not self.extra or self.extra[0] not in _ALPHA))


def facts_of(data: bytes) -> TiffFacts | None:
    """None for a directory that cannot be read; Pillow will tell what is wrong with it."""
    try:
        tags = _tags(data)
    except (struct.error, IndexError, KeyError):
        return None
    description = tags.get(_DESCRIPTION, b"")
    return TiffFacts(
        _first(tags.get(_SAMPLES), 1), _first(tags.get(_PHOTOMETRIC), 1), _numbers(tags.get(_EXTRA)),
        description.decode("latin-1") if isinstance(description, bytes) else "",
    )  # fmt: skip


def values_of(data: bytes, most: int) -> NDArray[Any]:
    """The array (H, W), (C, H, W) or (H, W, C) of at most `most` bytes as float32, and with it the bands' axis told by the file.

    Raises: ImportError without the extra; BandFault; whatever tifffile raises on damaged data.
    """
    try:
        import tifffile  # pyright: ignore[reportMissingImports, reportMissingTypeStubs]
    except ImportError as error:
        raise ImportError(INSTALL) from error
    with tifffile.TiffFile(BytesIO(data)) as file:
        series: Any = file.series[0]
        shape, axes, dtype = tuple(series.shape), str(series.axes), series.dtype
        if dtype is None or dtype.kind not in "biuf":
            raise BandFault(f"it holds {dtype} values, not plain numbers")
        if len(shape) not in (2, 3) or 0 in shape:
            raise BandFault(f"its pages make an array of {shape} ({axes}), no image of bands")
        if 4 * prod(shape) > most or prod(shape) * dtype.itemsize > most:
            raise BandFault(f"over the limit: {shape} needs {4 * prod(shape):,} bytes of memory, {most:,} are allowed")
        found: NDArray[Any] = series.asarray()
    if len(shape) == 3 and axes[-1] == "S":
        return found
    return found if len(shape) == 2 else found.transpose(1, 2, 0)


def _tags(data: bytes) -> dict[int, bytes | tuple[int, ...]]:
    order = {b"II": "<", b"MM": ">"}[data[:2]]
    big = struct.unpack_from(f"{order}H", data, 2)[0] == 43
    at = struct.unpack_from(f"{order}{'Q' if big else 'I'}", data, 8 if big else 4)[0]
    count = struct.unpack_from(f"{order}{'Q' if big else 'H'}", data, at)[0]
    at, found = at + (8 if big else 2), dict[int, bytes | tuple[int, ...]]()
    for entry in range(min(count, _MOST_TAGS)):
        place = at + entry * (20 if big else 12)
        tag, kind, length = struct.unpack_from(f"{order}HH{'Q' if big else 'I'}", data, place)
        if tag not in (_DESCRIPTION, _PHOTOMETRIC, _SAMPLES, _EXTRA) or kind not in _SIZES:
            continue
        inline, room = place + (12 if big else 8), 8 if big else 4
        length = min(length, 256)
        start = inline if length * _SIZES[kind] <= room else struct.unpack_from(f"{order}{'Q' if big else 'I'}", data, inline)[0]
        found[tag] = data[start : start + length] if kind == 2 else struct.unpack_from(f"{order}{length}{_FORMATS[kind]}", data, start)
    return found


def _first(value: bytes | tuple[int, ...] | None, otherwise: int) -> int:
    return int(value[0]) if value else otherwise


def _numbers(value: bytes | tuple[int, ...] | None) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else ()
