"""Pillow images to the pixels that their file would have given."""

from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from receptron.data.ingest import CanvasPlan
from receptron.data.reading import file_header
from receptron.data.reading.decoded_size import by_side
from receptron.data.reading.depth_scale import FULL, OutOfScale, check_fits, range_of
from receptron.data.reading.exif import orientation, upright
from receptron.data.reading.pixel_formats import DEEP, Pixels, UnknownMode, deep_to_rgb, to_rgb
from receptron.errors import UnreadableImage
from receptron.fault_kind import FaultKind

_BITS, _PHOTOMETRIC, _MAX, _SMAX = 258, 262, 281, 341
_PNG_BITS = 24  # the byte of a PNG that tells its depth


def encoded_bytes(image: Image.Image) -> bytes | None:
    """The file of an image that was opened but not loaded, so that it goes the way of files; None once its pixels may be other ones."""
    if not isinstance(image, ImageFile.ImageFile) or getattr(image, "_im", None) is not None or not image.tile or image.tell():
        return None
    with suppress(OSError, ValueError, AttributeError):  # closed meanwhile
        stream = image.fp
        if stream is None:
            return None
        before = stream.tell()
        stream.seek(0)
        data = stream.read()
        stream.seek(before)
        kind = file_header.sniff(data)
        size = file_header.size(kind, data) if kind else None
        if kind and (size is None or (size.width, size.height) == image.size):  # else `draft` has changed it
            return data
    return None


def from_pillow(image: Image.Image, name: str, plan: CanvasPlan) -> Pixels:
    """Upright RGB pixels, reduced as a file of that size would be. Raises: UnreadableImage."""
    try:
        image.load()
        _check_depth(image, plan)
        rgb = _deep(image, plan) if image.mode in DEEP else to_rgb(image)[0]
    except (OutOfScale, UnknownMode) as error:
        raise UnreadableImage(name, str(error), FaultKind.UNSUPPORTED) from error
    except (OSError, ValueError, SyntaxError, AttributeError) as error:
        raise UnreadableImage(name, str(error) or type(error).__name__) from error
    if 0 in rgb.size:
        raise UnreadableImage(name, f"it has {rgb.width} x {rgb.height} px", FaultKind.EMPTY)
    factor = by_side(min(rgb.size), plan.shortest)
    turn = orientation(image.info.get("exif"))
    return np.array(upright(rgb.reduce(factor) if factor > 1 else rgb, turn))


def _deep(image: Image.Image, plan: CanvasPlan) -> Image.Image:
    values, tags = np.asarray(image), image.tag_v2 if isinstance(image, TiffImageFile) else {}
    white = next((float(tags[tag]) for tag in (_SMAX, _MAX) if isinstance(tags.get(tag), (int, float))), None)
    found = range_of(values, white)
    scale = plan.scale.of(found) if plan.scale else None
    if scale:
        check_fits(values, found, scale)
    return deep_to_rgb(values, scale, white_is_zero=tags.get(_PHOTOMETRIC) == 0)[0]


def _check_depth(image: Image.Image, plan: CanvasPlan) -> None:
    """Raises: UnknownMode for 16-bit colour that is no longer there, where the high bytes alone would be another picture."""
    if plan.scale and plan.scale.integers.white != FULL and image.mode not in DEEP and _file_bits(image) > 8:
        raise UnknownMode("16 bits of colour, of which Pillow kept 8 when it loaded the image: give the file's path instead")


def _file_bits(image: Image.Image) -> int:
    if isinstance(image, TiffImageFile):
        found = image.tag_v2.get(_BITS, 1)
        return max(found) if isinstance(found, tuple) else int(found)
    if isinstance(image, PngImageFile) and image.filename:
        with suppress(OSError), Path(str(image.filename)).open("rb") as file:
            return file.read(_PNG_BITS + 1)[-1]
    return 8
