"""Whatever a caller holds as an image (a file, bytes, Pillow, an array, a tensor) to the canvas that training would have made of it."""

import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import IO, Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from receptron.data.bands.band_image import canvas_of, in_bands
from receptron.data.bands.band_plan import BandFault
from receptron.data.given_images.array_images import from_array, from_tensor
from receptron.data.given_images.pillow_images import encoded_bytes, from_pillow
from receptron.data.ingest import CanvasPlan, load
from receptron.data.preprocessing.resize import resized
from receptron.data.reading.file_bytes import read_bytes
from receptron.data.reading.pixel_formats import Canvas
from receptron.errors import BadValue, UnreadableImage
from receptron.fault_kind import FaultKind
from receptron.given_path import check_given

ImageLike: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | Image.Image | NDArray[Any] | Tensor
_SINGLE = (str, os.PathLike, bytes, bytearray, memoryview, Image.Image)
_MEND = "give a path, bytes, a file opened in binary mode, a Pillow image, an array or a tensor, or a list of them"
_streams = threading.Lock()  # one file object may be given twice, and has one place where it is read


def as_list(images: ImageLike | Iterable[ImageLike]) -> list[ImageLike]:
    """One image or many as a list; an array or tensor given by itself must be a batch, (N, H, W, 3) or (N, C, H, W).

    Raises: BadValue.
    """
    if isinstance(images, _SINGLE) or _is_stream(images):
        return [cast(ImageLike, images)]
    if isinstance(images, (np.ndarray, Tensor)) and images.ndim != 4:
        raise BadValue(
            f"a single array of shape {tuple(images.shape)} could be one image or many.", mend="put images into a list: predict([image])"
        )
    if isinstance(cast(object, images), Mapping) or not isinstance(cast(object, images), Iterable):
        raise BadValue(f"a {type(images).__name__} is no image and no list of images.", mend=_MEND)
    return list(cast(Iterable[ImageLike], images))


def name_of(image: ImageLike, index: int) -> str:
    """What answers and messages call an image: its path, or its number in the list.

    Bytes of a file name that are no UTF-8 are written as escapes, because JSON and terminals cannot carry them.
    """
    named = image if isinstance(image, (str, os.PathLike)) else getattr(image, "filename", None) or getattr(image, "name", None)
    name = str(named) if named and isinstance(named, (str, os.PathLike)) else f"image {index}"
    return name.encode(errors="backslashreplace").decode()


def to_canvas(image: ImageLike, name: str, plan: CanvasPlan) -> Canvas:
    """uint8 (h, w, 3) whose shorter side is `plan.side` px; where the plan wants bands, float32 (side, side, bands).

    Files, bytes and file objects (from their beginning) go the way of training, and so does a Pillow image that was opened but not loaded.
    Arrays are (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), tensors (C, H, W); uint8, uint16, bool, or floats within 0..1.
    Raises: UnreadableImage for a file that cannot be decoded; BadValue for what is no image.
    """
    data = _encoded(image, name, plan)
    if data is not None:
        return load(data, name if isinstance(image, (str, os.PathLike)) else "", plan)[0]
    if plan.bands.count and isinstance(image, (np.ndarray, Tensor)):
        return _banded(image, name, plan)
    if plan.bands.count:
        raise UnreadableImage(name, f"it is a photo, and the model was made for {plan.bands.count} bands", FaultKind.UNSUPPORTED)
    if isinstance(image, Image.Image):
        pixels = from_pillow(image, name, plan)
    elif isinstance(image, Tensor):
        pixels = from_tensor(image, name, plan.scale)
    elif isinstance(image, np.ndarray):
        pixels = from_array(image, name, plan.scale)
    else:
        raise BadValue(f"{name} is a {type(image).__name__}, not an image.", mend=_MEND)
    return resized(pixels, plan.side or min(pixels.shape[:2]), plan.interpolation)


def _banded(image: NDArray[Any] | Tensor, name: str, plan: CanvasPlan) -> Canvas:
    """The canvas of an array, its bands where the model has them, or of a tensor (C, H, W)."""
    tensor = isinstance(image, Tensor)
    try:
        values = in_bands(
            image.detach().cpu().float().numpy() if tensor else image, replace(plan.bands, axis="first") if tensor else plan.bands
        )
    except BandFault as error:
        raise UnreadableImage(name, str(error), FaultKind.UNSUPPORTED) from error
    return canvas_of(values, plan.side or min(values.shape[:2]))


def names(images: Sequence[ImageLike]) -> list[str]:
    """`name_of` each."""
    return [name_of(image, i) for i, image in enumerate(images)]


def _encoded(image: ImageLike, name: str, plan: CanvasPlan) -> bytes | None:
    """The bytes of an image file, where `image` is one in some way or other."""
    if isinstance(image, (str, os.PathLike)):
        return read_bytes(check_given(image), plan.limits)
    if isinstance(image, (bytes, bytearray, memoryview)):
        return bytes(image)
    if isinstance(image, Image.Image):
        with _streams:
            return encoded_bytes(image)
    return _read_stream(cast(IO[bytes], image), name, plan) if _is_stream(image) else None


def _is_stream(image: object) -> bool:
    return callable(getattr(image, "read", None)) and not isinstance(image, (*_SINGLE, type))


def _read_stream(stream: IO[bytes], name: str, plan: CanvasPlan) -> bytes:
    """All of a file object, which is left where it stood; one that cannot be wound back is read from where it stands."""
    most = plan.limits.file_bytes
    try:
        with _streams:
            before = stream.tell() if stream.seekable() else None
            if before is not None:
                stream.seek(0)
            data = cast(object, stream.read(most + 1))
            if before is not None:
                stream.seek(before)
    except (OSError, ValueError, AttributeError, TypeError) as error:  # closed, write-only, or no file object at all
        raise UnreadableImage(name, f"the file object cannot be read ({error})", FaultKind.UNREACHABLE) from error
    if not isinstance(data, bytes):
        raise BadValue(f"{name} is a file object that gives {type(data).__name__}, not bytes.", mend=f"open it with mode 'rb'; {_MEND}")
    if len(data) > most:
        raise UnreadableImage(name, f"more than the limit of {most:,} bytes", FaultKind.TOO_LARGE)
    return data
