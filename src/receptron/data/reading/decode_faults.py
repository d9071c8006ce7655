"""What Pillow's decoders say when they fail, as kinds and in plain words."""

import re
from contextlib import suppress
from io import BytesIO

from PIL.TiffImagePlugin import ImageFileDirectory_v2

from receptron.data.reading.depth_scale import OutOfScale
from receptron.data.reading.file_bytes import EncodedFile
from receptron.data.reading.pixel_formats import UnknownMode
from receptron.errors import UnreadableImage
from receptron.fault_kind import FaultKind

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
    (r"unknown pixel mode|unsupported|cannot handle|unknown compression", "a kind of {kind} that is not read{more}", FaultKind.UNSUPPORTED),
    (r"not identified|cannot identify|not a \w+ file", "its header is damaged", FaultKind.DAMAGED),
)
_BITS, _BANDS, _NUMBERS = 258, 277, 339
_NUMBER_KINDS = {1: "", 2: " signed", 3: " floating point"}


def decode_fault(error: Exception, file: EncodedFile) -> UnreadableImage:
    """The error that a user sees for one that a decoder raised."""
    if isinstance(error, OutOfScale):
        mend = "store it with the depth that the training images have, or as 8 bits"
        return UnreadableImage(file.shown, str(error), FaultKind.UNSUPPORTED, mend=mend)
    if isinstance(error, UnknownMode | ImportError):  # the latter: a decoder that is not installed
        return UnreadableImage(file.shown, str(error), FaultKind.UNSUPPORTED)
    if isinstance(error, MemoryError):
        return UnreadableImage(file.shown, "not enough memory to decode it", FaultKind.OUT_OF_MEMORY)
    text = str(error) or type(error).__name__
    for pattern, words, kind in _PHRASES:
        if re.search(pattern, text, re.IGNORECASE):
            return UnreadableImage(file.shown, words.format(size=f"{len(file.data):,}", kind=file.kind, more=_more(file, text)), kind)
    return UnreadableImage(file.shown, f"damaged ({text.rstrip('.')})")


def _more(file: EncodedFile, text: str) -> str:
    """What a TIFF holds, such as `: 5 bands of 16 bits`; for the rest what the decoder says."""
    if file.kind == "TIFF":
        with suppress(Exception):  # a damaged directory: then there is nothing to add
            return _tiff_contents(file.data)
    return f" ({text.rstrip('.')})"


def _tiff_contents(data: bytes) -> str:
    directory, stream = ImageFileDirectory_v2(data[:8]), BytesIO(data)
    stream.seek(directory.next)
    directory.load(stream)
    bits, numbers = (max(_several(directory.get(tag, 1))) for tag in (_BITS, _NUMBERS))
    bands = directory.get(_BANDS, 1)
    return f": {bands} band{'s' if bands != 1 else ''} of {bits}{_NUMBER_KINDS.get(numbers, ' unusual')} bits"


def _several(value: object) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (int(str(value)),)
