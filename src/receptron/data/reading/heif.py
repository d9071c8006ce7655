"""HEIC, which pillow-heif decodes to 8 bits and upright; it is no dependency but an extra."""

from io import BytesIO

from PIL import ImageFile


def heic(data: BytesIO) -> ImageFile.ImageFile:
    """A HEIC file, its header read. Raises: ImportError, in words for a user, where pillow-heif is not installed."""
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        raise ImportError("HEIC is read with the extra heic only: pip install 'receptron[heic]'") from error
    return HeifImageFile(data)
