"""The EXIF orientation tag, found without Pillow's EXIF reader, which warns and raises on damaged metadata.

Source: CIPA DC-008 (Exif 2.32), sections 4.5 and 4.6.4; tag 0x0112 of the first directory.
"""

import struct

from PIL import Image

_TAG, _SHORT = 0x0112, 3
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def orientation(exif: object) -> int:
    """1 to 8 as the EXIF block says; 1 (upright) where it says nothing or nonsense."""
    if not isinstance(exif, bytes):
        return 1
    block = exif.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None:
        return 1
    try:
        return _in_directory(block, order)
    except struct.error:
        return 1


def upright(image: Image.Image, turn: int) -> Image.Image:
    """The image as a viewer shows it."""
    return image.transpose(_TURNS[turn]) if turn in _TURNS else image


def _in_directory(block: bytes, order: str) -> int:
    start = struct.unpack_from(f"{order}I", block, 4)[0]
    for index in range(struct.unpack_from(f"{order}H", block, start)[0]):
        tag, kind, _, value = struct.unpack_from(f"{order}HHIH", block, start + 2 + 12 * index)
        if tag == _TAG and kind == _SHORT:
            return value if 1 <= value <= 8 else 1
    return 1
