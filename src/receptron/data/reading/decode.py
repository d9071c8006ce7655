"""One image file to 8-bit RGB pixels and facts about the file, or the reason why not in plain words.

The size is checked from the header before any pixel is decoded, and only a few decoders are ever reached, each through its own
class: what Pillow can read besides (PostScript, PDF, FITS, ...) stays closed. Damage is never papered over: no half grey images.
"""

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from receptron.data.bands.band_image import BandImage, composite, has_bands, read_bands
from receptron.data.bands.band_plan import BandFault, BandPlan
from receptron.data.dataset.discovery import READABLE
from receptron.data.foreign_formats import stranger
from receptron.data.reading import file_header
from receptron.data.reading.decode_faults import decode_fault
from receptron.data.reading.decode_locks import alone, quiet
from receptron.data.reading.decoded_size import planned
from receptron.data.reading.deep_values import stated_white, values_of
from receptron.data.reading.depth_scale import FULL, DepthScale, ValueRange, check_fits, range_of
from receptron.data.reading.exif import orientation, upright
from receptron.data.reading.file_bytes import LIMITS, EncodedFile, Limits, read_bytes
from receptron.data.reading.jpeg_scan import scan_fault
from receptron.data.reading.pixel_formats import Pixels, UnknownMode, deep_to_rgb, to_rgb
from receptron.data.records import ImageFacts
from receptron.errors import UnreadableImage
from receptron.fault_kind import FaultKind


def _heic(data: BytesIO) -> ImageFile.ImageFile:
    """A HEIC file, which its decoder turns upright and brings to 8 bits. Raises: ImportError, in words for a user, without the extra."""
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        raise ImportError("HEIC is read with the extra heic only: pip install 'receptron[heic]'") from error
    return HeifImageFile(data)


_DECODERS: dict[str, Callable[[BytesIO], ImageFile.ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "WEBP": WebPImageFile,
    "BMP": BmpImageFile,
    "GIF": GifImageFile,
    "TIFF": TiffImageFile,
    "AVIF": AvifImageFile,
    "HEIF": _heic,
}
ANY_BANDS = BandPlan()
INVISIBLE = 2  # levels of 255 between the darkest and the brightest pixel of a channel that nobody sees
_TIFF_BITS, _TIFF_PHOTOMETRIC, _TIFF_ORIENTATION = 258, 262, 274


def decode(
    source: Path | bytes, limits: Limits = LIMITS, *, shortest: int | None = None, name: str = "", scale: DepthScale | None = None,
    bands: BandPlan = ANY_BANDS,
) -> tuple[Pixels, ImageFacts]:  # fmt: skip
    """Upright 8-bit RGB pixels (H, W, 3) of the first frame, and facts about the file.

    With `shortest` (px) an image at least four times as large comes reduced by 2, 4 or 8, its shorter side no less than twice `shortest`;
    a JPEG then decodes several times faster. A JPEG over the limit of memory is reduced as far as it must. `ImageFacts` tell the full size
    always. `scale` says what is white in images of more than 8 bits; without one each goes by itself. `name` stands for bytes in messages.
    Of an image of bands a composite comes, in full: see `bands.band_image.COMPOSITE`; `bands` says how they are meant.
    Raises: UnreadableImage.
    """
    shown = name or (str(source) if isinstance(source, Path) else "these bytes")
    data = read_bytes(source, limits) if isinstance(source, Path) else source
    has_name = isinstance(source, Path) or bool(name)
    if found := bands_of(data, shown, limits, bands):
        return composite(found.values), found.facts
    file = _door(data, shown, limits)
    try:
        with quiet():
            pixels, facts = _decoded(file, limits, shortest, scale)
    except UnreadableImage:
        raise
    except Exception as error:  # decoders raise twenty kinds of errors on damaged files; all mean the same to a user
        raise decode_fault(error, file) from error
    return pixels, replace(facts, extension_fits=_fits(shown, file.kind)) if has_name else facts


def bands_of(data: bytes, name: str, limits: Limits, plan: BandPlan = ANY_BANDS) -> BandImage | None:
    """The bands of a file that is no photo; None for a photo, and for what is no image. Raises: UnreadableImage."""
    kind = file_header.sniff(data)
    file = EncodedFile(kind or "", data, name)
    if kind not in ("NPY", "TIFF") or not has_bands(file):
        return None
    try:
        with quiet():
            found = read_bands(file, limits, plan)
    except BandFault as error:
        raise UnreadableImage(name, str(error), FaultKind.UNSUPPORTED) from error
    except Exception as error:  # as below
        raise decode_fault(error, file) from error
    return replace(found, facts=replace(found.facts, extension_fits=_fits(name, file.kind)))


def _fits(name: str, kind: str) -> bool:
    """Whether a name ends as files of its format do; one without an ending says nothing wrong."""
    return Path(name).suffix.lower() in READABLE[kind]


def _door(data: bytes, shown: str, limits: Limits) -> EncodedFile:
    """The file with its format, once size and wholeness of the container are in order."""
    kind = file_header.sniff(data)
    if kind is None:
        raise UnreadableImage(shown, *stranger(data))
    file, stated = EncodedFile(kind, data, shown), file_header.size(kind, data)
    if stated:
        planned(file, stated, limits)  # before its decoder allocates anything
    fault = file_header.fault(kind, data)
    if fault:
        raise UnreadableImage(shown, *fault)
    return file


def _open(file: EncodedFile) -> ImageFile.ImageFile:
    """The first frame, not yet decoded."""
    return _DECODERS[file.kind](BytesIO(file.data))


def _decoded(file: EncodedFile, limits: Limits, shortest: int | None, scale: DepthScale | None) -> tuple[Pixels, ImageFacts]:
    image, kind = _open(file), file.kind
    width, height = image.size
    plan = planned(file, file_header.HeaderSize(width, height), limits, shortest)
    mode, turn, bits = image.mode, _turn(image, kind), _bits(image, file)
    if kind == "JPEG" and plan.factor > 1:
        image.draft(None, (width // plan.factor, height // plan.factor))
    with alone(image.width * image.height > limits.alone):
        image.load()
        _check_scan(file, image)
        turn = turn if kind == "TIFF" else _turn(image, kind)
        rgb, alpha, found = _eight_bits(file, image, bits, scale)
        if kind != "JPEG" and plan.factor > 1:
            rgb = rgb.reduce(plan.factor)
        pixels = np.array(rgb if kind == "TIFF" else upright(rgb, turn))
    if turn >= 5 and kind != "TIFF":
        width, height = height, width
    frames = int(getattr(image, "n_frames", 1))
    rounding = _rounding(image)
    grey, blank = _is_grey(pixels), _is_blank(pixels)
    return pixels, ImageFacts(
        kind, mode, width, height, frames, turn != 1, grey, True, bits, alpha, found, plan.told, blank, len(file.data), rounding
    )


def _check_scan(file: EncodedFile, image: ImageFile.ImageFile) -> None:
    fault = scan_fault(file.data, image.mode) if file.kind == "JPEG" else None
    if fault:
        raise UnreadableImage(file.shown, *fault)


def _eight_bits(
    file: EncodedFile, image: ImageFile.ImageFile, bits: int, scale: DepthScale | None
) -> tuple[Image.Image, bool, ValueRange | None]:
    """8-bit RGB, whether any pixel was not opaque, and for more than 8 bits what values there were.

    Raises: OutOfScale; UnknownMode; ValueError if no value is finite.
    """
    values = values_of(image, lambda: _open(file)) if bits > 8 else None
    if values is None:
        if bits > 8 and scale and scale.integers.white != FULL:
            raise UnknownMode(f"{bits} bits in mode {image.mode} are not read at full depth; save it as RGB")
        return *to_rgb(image), None
    colours = values[..., :-1] if values.ndim == 3 and values.shape[2] in (2, 4) else values
    found = range_of(colours, stated_white(image, file.data, colours))
    one = scale.of(found) if scale else None
    if one:
        check_fits(colours, found, one)
    return *deep_to_rgb(values, one, white_is_zero=_tag(image, _TIFF_PHOTOMETRIC) == 0), found


def _is_grey(pixels: Pixels) -> bool:
    """Whether all channels are equal; a sparse grid settles it for most images in colour."""
    return all(bool((some[..., :1] == some[..., 1:]).all()) for some in (pixels[::16, ::16], pixels))


def _is_blank(pixels: Pixels) -> bool:
    """Whether all pixels have one colour, up to what a lossy format makes of it; a sparse grid settles it for most images."""
    return all(bool((np.ptp(some, axis=(0, 1)) <= INVISIBLE).all()) for some in (pixels[::16, ::16], pixels))


def _bits(image: ImageFile.ImageFile, file: EncodedFile) -> int:
    """Bits per channel in the file."""
    if file.kind == "PNG":
        return file.data[24]
    if file.kind == "TIFF":
        found = _tag(image, _TIFF_BITS) or 1
        return max(found) if isinstance(found, tuple) else int(str(found))
    if file.kind in ("AVIF", "HEIF"):
        return file_header.iso_bits(file.data)
    return 1 if image.mode == "1" else 8


def _rounding(image: ImageFile.ImageFile) -> float:
    """Mean step of a JPEG's first quantisation table, which its program and quality chose; 0 for other formats."""
    tables: dict[int, list[int]] = getattr(image, "quantization", None) or {}
    first = next(iter(tables.values()), [])
    return sum(first) / len(first) if first else 0.0


def _turn(image: ImageFile.ImageFile, kind: str) -> int:
    """EXIF orientation; Pillow turns a TIFF itself while loading it."""
    if kind == "TIFF":
        found = _tag(image, _TIFF_ORIENTATION)
        return found if isinstance(found, int) and 1 <= found <= 8 else 1
    return orientation(image.info.get("exif"))


def _tag(image: ImageFile.ImageFile, number: int) -> object:
    """A tag of a TIFF's first directory, None where it has none."""
    return image.tag_v2.get(number) if isinstance(image, TiffImageFile) else None
