"""AVIF and HEIC: Pillow decodes the one, pillow-heif (the extra `heic`) the other.

Source of `av1C`: AV1 Codec ISO Media File Format Binding 1.2, section 2.3.
"""

from io import BytesIO

from PIL import ImageFile


def bits(kind: str, image: ImageFile.ImageFile, data: bytes) -> int:
    """Bits per channel in the file; decoded are 8."""
    if kind == "HEIF":
        return int(image.info.get("bit_depth", 8))
    at = data.find(b"av1C")
    flags = data[at + 6] if 0 <= at < len(data) - 6 else 0
    return 12 if flags & 0x60 == 0x60 else 10 if flags & 0x40 else 8


def heic(data: BytesIO) -> ImageFile.ImageFile:
    """A HEIC file, its header read. Raises: ImportError, in words for a user, where pillow-heif is not installed."""
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        raise ImportError("HEIC is read with the extra heic only: pip install 'receptron[heic]'") from error
    return HeifImageFile(data)
