"""Whatever a caller holds as an image (a file, bytes, Pillow, an array, a tensor) to the canvas that training would have made of it."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from receptron.data import ingest
from receptron.data.preprocessing.resize import resized
from receptron.data.reading import decode
from receptron.data.reading.exif import orientation, upright
from receptron.data.reading.pixel_formats import Pixels, to_eight_bits, to_rgb
from receptron.errors import BadValue, UnreadableImage
from receptron.weights.inputs import InputSpec

ImageLike: TypeAlias = str | Path | bytes | Image.Image | NDArray[Any] | Tensor


def as_list(images: ImageLike | Iterable[ImageLike]) -> list[ImageLike]:
    """One image or many as a list; an array or tensor given by itself must be a batch, (N, H, W, 3) or (N, C, H, W).

    Raises: BadValue.
    """
    if isinstance(images, (str, Path, bytes, Image.Image)):
        return [images]
    if isinstance(images, (np.ndarray, Tensor)) and images.ndim != 4:
        raise BadValue(
            f"a single array of shape {tuple(images.shape)} could be one image or many.", mend="put images into a list: predict([image])"
        )
    return list(cast(Iterable[ImageLike], images))


def name_of(image: ImageLike, index: int) -> str:
    """What answers and messages call an image: its path, or its number in the list.

    Bytes of a file name that are no UTF-8 are written as escapes, because JSON and terminals cannot carry them.
    """
    name = str(image) if isinstance(image, (str, Path)) else str(getattr(image, "filename", "")) or f"image {index}"
    return name.encode(errors="backslashreplace").decode()


def to_canvas(image: ImageLike, name: str, spec: InputSpec) -> Pixels:
    """uint8 (h, w, 3) whose shorter side is `spec.resize` px.

    Files and bytes go the way of training; arrays are (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), tensors (C, H, W); uint8, uint16, bool,
    or floats within 0..1. Raises: UnreadableImage for a file that cannot be decoded; BadValue for an array that is no image.
    """
    if isinstance(image, (str, Path, bytes)):
        data = image if isinstance(image, bytes) else decode.read_bytes(Path(image))
        return ingest.load(data, "" if isinstance(image, bytes) else name, spec.resize, spec.interpolation)[0]
    if isinstance(image, Image.Image):
        pixels = _from_pillow(image, name)
    elif isinstance(image, Tensor):
        pixels = _from_array(image.detach().cpu().movedim(0, -1).numpy() if image.ndim == 3 else image.detach().cpu().numpy(), name)
    elif isinstance(cast(object, image), np.ndarray):
        pixels = _from_array(image, name)
    else:
        raise BadValue(
            f"{name} is a {type(image).__name__}, not an image.", mend="give a path, bytes, a Pillow image, an array or a tensor"
        )
    return resized(pixels, spec.resize, spec.interpolation)


def _from_pillow(image: Image.Image, name: str) -> Pixels:
    try:
        return np.array(to_rgb(upright(image, orientation(image.info.get("exif"))))[0])
    except (OSError, ValueError, SyntaxError) as error:
        raise UnreadableImage(name, str(error)) from error


def _from_array(values: NDArray[Any], name: str) -> Pixels:
    if values.ndim == 2:
        values = values[:, :, None]
    if values.ndim != 3 or values.shape[2] not in (1, 3, 4) or 0 in values.shape:
        raise BadValue(f"{name} has shape {values.shape}, which is no image.", mend="give (H, W), (H, W, 3) or a tensor (C, H, W)")
    eight = _eight_bits(values, name)
    if eight.shape[2] == 4:
        return np.array(to_rgb(Image.fromarray(eight, "RGBA"))[0])
    return np.ascontiguousarray(np.broadcast_to(eight, (*eight.shape[:2], 3)))


def _eight_bits(values: NDArray[Any], name: str) -> Pixels:
    match values.dtype.kind, values.dtype.itemsize:
        case "u", 1:
            return values
        case "b", _:
            return values.astype(np.uint8) * np.uint8(255)
        case "u", 2:
            return to_eight_bits(values[:, :, 0])[:, :, None] if values.shape[2] == 1 else (values >> 8).astype(np.uint8)
        case "f", _:
            return _from_floats(values, name)
        case _:
            raise BadValue(f"{name} holds {values.dtype} values.", why="their scale is not known", mend="give uint8, uint16 or floats 0..1")


def _from_floats(values: NDArray[Any], name: str) -> Pixels:
    if not np.isfinite(values).all():
        raise UnreadableImage(name, "it holds NaN or infinity")
    if values.min() < 0 or values.max() > 1:
        raise BadValue(
            f"{name} holds floats from {values.min():.4g} to {values.max():.4g}, but they must lie within 0..1.",
            why="the model scales and normalises by itself",
            mend="pass the image before any normalisation; divide 0..255 by 255",
        )
    return np.rint(values * 255).astype(np.uint8)


def names(images: Sequence[ImageLike]) -> list[str]:
    """`name_of` each."""
    return [name_of(image, i) for i, image in enumerate(images)]
