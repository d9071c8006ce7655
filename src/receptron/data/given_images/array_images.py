"""Arrays and tensors to RGB pixels: only where their scale is known."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from receptron.data.reading.depth_scale import DepthScale, OutOfScale, check_fits, range_of
from receptron.data.reading.pixel_formats import Pixels, deep_to_rgb, to_rgb
from receptron.errors import BadValue, UnreadableImage
from receptron.fault_kind import FaultKind

_BANDS = (1, 3, 4)


def from_tensor(image: Tensor, name: str, depth: DepthScale | None) -> Pixels:
    """(C, H, W) or (H, W) to (H, W, 3). Raises: as `from_array`."""
    try:
        plain = image.detach().cpu()
        if plain.is_floating_point() and plain.dtype not in (torch.float32, torch.float64):
            plain = plain.float()  # NumPy knows no bfloat16
        values = (plain.movedim(0, -1) if plain.ndim == 3 else plain).numpy()
    except (TypeError, RuntimeError, NotImplementedError) as error:  # sparse, quantised, on the meta device
        why = f"its type is {image.dtype}, its layout {image.layout}, its device {image.device}"
        raise BadValue(f"{name} is a tensor that cannot be read.", why=why, mend="give a dense tensor of uint8 or floats 0..1") from error
    return from_array(values, name, depth)


def from_array(values: NDArray[Any], name: str, depth: DepthScale | None) -> Pixels:
    """(H, W), (H, W, 1), (H, W, 3) or (H, W, 4) to (H, W, 3). Raises: BadValue for what is no image; UnreadableImage."""
    if values.ndim == 2:
        values = values[:, :, None]
    if values.ndim != 3 or values.shape[2] not in _BANDS or 0 in values.shape:
        raise BadValue(f"{name} has shape {values.shape}, which is no image.", mend="give (H, W), (H, W, 3) or a tensor (C, H, W)")
    if (values.dtype.kind, values.dtype.itemsize) == ("u", 2):
        return np.array(_from_sixteen_bits(values, name, depth))
    eight = _eight_bits(values, name)
    if eight.shape[2] == 4:
        return np.array(to_rgb(Image.fromarray(eight, "RGBA"))[0])
    return np.ascontiguousarray(np.broadcast_to(eight, (*eight.shape[:2], 3)))


def _from_sixteen_bits(values: NDArray[Any], name: str, depth: DepthScale | None) -> Image.Image:
    colours = values[..., :3]
    found = range_of(colours)
    scale = depth.of(found) if depth else None
    try:
        if scale:
            check_fits(colours, found, scale)
    except OutOfScale as error:
        raise UnreadableImage(name, str(error), FaultKind.UNSUPPORTED) from error
    return deep_to_rgb(values[..., 0] if values.shape[2] == 1 else values, scale)[0]


def _eight_bits(values: NDArray[Any], name: str) -> Pixels:
    match values.dtype.kind, values.dtype.itemsize:
        case "u", 1:
            return values
        case "b", _:
            return values.astype(np.uint8) * np.uint8(255)
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
