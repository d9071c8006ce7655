"""One image file to 8-bit RGB pixels and facts about the file, or the reason why not in plain words.

The size is checked from the header before any pixel is decoded, and only a few decoders are ever reached, each through its own
class: what Pillow can read besides (PostScript, PDF, FITS, ...) stays closed. Damage is never papered over: no half grey images.
"""

import re
import stat
from collections.abc import Callable
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import ImageFile
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from receptron.data.dataset.discovery import READABLE
from receptron.data.reading import file_header, heif
from receptron.data.reading.decode_locks import alone, quiet
from receptron.data.reading.exif import orientation, upright
from receptron.data.reading.pixel_formats import Pixels, UnknownMode, to_rgb
from receptron.data.records import ImageFacts
from receptron.errors import UnreadableImage
from receptron.fault_kind import FaultKind, of_system

_DECODERS: dict[str, Callable[[BytesIO], ImageFile.ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "WEBP": WebPImageFile,
    "BMP": BmpImageFile,
    "GIF": GifImageFile,
    "TIFF": TiffImageFile,
    "AVIF": AvifImageFile,
    "HEIF": heif.heic,
}
_TIFF_BITS, _TIFF_PHOTOMETRIC, _TIFF_ORIENTATION = 258, 262, 274
_PHRASES = (
    (
        r"image file is truncated|unexpected end|ends? unexpectedly|not enough (image )?data|buffer is not large enough",
        "truncated: {size} bytes end early",
        FaultKind.TRUNCATED,
    ),
    (
        r"broken data stream|decoder error|bad (huffman|code)|unrecognized data stream|encoder error",
        "its picture data are damaged",
        FaultKind.DAMAGED,
    ),
    (r"not identified|cannot identify|not a \w+ file", "its header is damaged", FaultKind.DAMAGED),
)


@dataclass(frozen=True)
class Limits:
    """What one image may cost."""

    pixels: int = 50_000_000  # width x height in the file
    file_bytes: int = 512_000_000
    alone: int = 12_000_000  # px decoded; larger images are decoded one at a time, whatever the number of threads


LIMITS = Limits()


def decode(source: Path | bytes, limits: Limits = LIMITS, *, shortest: int | None = None, name: str = "") -> tuple[Pixels, ImageFacts]:
    """Upright 8-bit RGB pixels (H, W, 3) of the first frame, and facts about the file.

    With `shortest` (px) an image at least four times as large comes reduced by 2, 4 or 8, its shorter side no less than twice `shortest`;
    a JPEG then decodes several times faster. `ImageFacts` tell the full size always. `name` stands for bytes in messages.
    Raises: UnreadableImage.
    """
    shown = name or (str(source) if isinstance(source, Path) else "these bytes")
    data = read_bytes(source, limits) if isinstance(source, Path) else source
    kind = _door(data, shown, limits)
    ending = Path(shown).suffix.lower()
    try:
        with quiet():
            image = _DECODERS[kind](BytesIO(data))
            _check_size(file_header.HeaderSize(*image.size), shown, limits)
            pixels, facts = _decoded(image, kind, data, limits, shortest)
    except UnreadableImage:
        raise
    except Exception as error:  # decoders raise twenty kinds of errors on damaged files; all mean the same to a user
        raise UnreadableImage(shown, *_in_words(error, data)) from error
    has_name = isinstance(source, Path) or bool(name)
    return pixels, replace(facts, extension_fits=ending in READABLE[kind]) if has_name else facts


def read_bytes(path: Path, limits: Limits = LIMITS) -> bytes:
    """All bytes of a regular file.

    Raises: UnreadableImage if it is missing, no regular file, not readable or too large.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableImage(str(path), "it is a folder or device, not a file", FaultKind.NO_IMAGE)
        if status.st_size > limits.file_bytes:
            reason = f"{status.st_size:,} bytes are more than the limit of {limits.file_bytes:,}"
            raise UnreadableImage(str(path), reason, FaultKind.TOO_LARGE)
        return path.read_bytes()
    except FileNotFoundError as error:
        raise UnreadableImage(str(path), "a broken link" if path.is_symlink() else "no such file", FaultKind.MISSING) from error
    except OSError as error:
        kind, reason = of_system(error)
        raise UnreadableImage(str(path), reason, kind) from error
    except MemoryError as error:
        raise UnreadableImage(str(path), "not enough memory to read it", FaultKind.OUT_OF_MEMORY) from error
    except ValueError as error:  # NUL in the name
        raise UnreadableImage(str(path), f"no file has such a name ({error})", FaultKind.MISSING) from error


def _door(data: bytes, shown: str, limits: Limits) -> str:
    """The format, once signature, size and wholeness are in order."""
    kind = file_header.sniff(data)
    if kind is None:
        raise UnreadableImage(shown, *file_header.stranger(data))
    stated = file_header.size(kind, data)
    if stated:
        _check_size(stated, shown, limits)
    reason = file_header.fault(kind, data)
    if reason:
        raise UnreadableImage(shown, reason, FaultKind.TRUNCATED if reason.startswith("truncated") else FaultKind.DAMAGED)
    return kind


def _check_size(stated: file_header.HeaderSize, shown: str, limits: Limits) -> None:
    if stated.width <= 0 or stated.height <= 0:
        raise UnreadableImage(shown, f"its header states {stated.width} x {stated.height} px")
    if stated.width * stated.height > limits.pixels:
        raise UnreadableImage(
            shown,
            f"decompression bomb: {stated.width:,} x {stated.height:,} px are more than the limit of {limits.pixels:,}",
            FaultKind.TOO_LARGE,
            mend="make a smaller copy of the image, or remove it",
        )


def _decoded(image: ImageFile.ImageFile, kind: str, data: bytes, limits: Limits, shortest: int | None) -> tuple[Pixels, ImageFacts]:
    mode, (width, height), bits = image.mode, image.size, _bits(image, kind, data)
    turn = _turn(image, kind)
    factor = _factor(width, height, shortest)
    if kind == "JPEG" and factor > 1:
        image.draft(None, (width // factor, height // factor))
    with alone(image.width * image.height > limits.alone):
        image.load()
        turn = turn if kind == "TIFF" else _turn(image, kind)
        inverted = _tag(image, _TIFF_PHOTOMETRIC) == 0
        rgb, alpha = to_rgb(image, white_is_zero=inverted)
        if kind != "JPEG" and factor > 1:
            rgb = rgb.reduce(factor)
        pixels = np.array(rgb if kind == "TIFF" else upright(rgb, turn))
    if turn >= 5 and kind != "TIFF":
        width, height = height, width
    frames = int(getattr(image, "n_frames", 1))
    return pixels, ImageFacts(kind, mode, width, height, frames, turn != 1, _is_grey(pixels), True, bits, alpha)


def _is_grey(pixels: Pixels) -> bool:
    """Whether all channels are equal; a sparse grid settles it for most images in colour."""
    return all(bool((some[..., :1] == some[..., 1:]).all()) for some in (pixels[::16, ::16], pixels))


def _factor(width: int, height: int, shortest: int | None) -> int:
    """Largest of 1, 2, 4, 8 that leaves the shorter side at least twice `shortest`."""
    if shortest is None:
        return 1
    return next((factor for factor in (8, 4, 2) if min(width, height) >= 2 * shortest * factor), 1)


def _bits(image: ImageFile.ImageFile, kind: str, data: bytes) -> int:
    """Bits per channel in the file."""
    if kind == "PNG":
        return data[24]
    if kind == "TIFF":
        found = _tag(image, _TIFF_BITS) or 1
        return max(found) if isinstance(found, tuple) else int(str(found))
    if kind in ("AVIF", "HEIF"):
        return heif.bits(kind, image, data)
    return 1 if image.mode == "1" else 8


def _turn(image: ImageFile.ImageFile, kind: str) -> int:
    """EXIF orientation; Pillow turns a TIFF itself while loading it."""
    if kind == "TIFF":
        found = _tag(image, _TIFF_ORIENTATION)
        return found if isinstance(found, int) and 1 <= found <= 8 else 1
    return orientation(image.info.get("exif"))


def _tag(image: ImageFile.ImageFile, number: int) -> object:
    """A tag of a TIFF's first directory, None where it has none."""
    return image.tag_v2.get(number) if isinstance(image, TiffImageFile) else None


def _in_words(error: Exception, data: bytes) -> tuple[str, FaultKind]:
    text = str(error) or type(error).__name__
    if isinstance(error, MemoryError):
        return "not enough memory to decode it", FaultKind.OUT_OF_MEMORY
    if isinstance(error, (UnknownMode, ImportError)):  # the latter: a decoder that is not installed
        return text, FaultKind.UNSUPPORTED
    for pattern, words, kind in _PHRASES:
        if re.search(pattern, text, re.IGNORECASE):
            return words.format(size=f"{len(data):,}"), kind
    return f"damaged ({text.rstrip('.')})", FaultKind.DAMAGED
