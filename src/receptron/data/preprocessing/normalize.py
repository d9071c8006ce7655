"""Canvases to the tensor that a network reads: the one place where pixels become numbers when nothing is to be varied."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from receptron.data.reading.pixel_formats import Canvas
from receptron.errors import BadValue, ImageTooSmall
from receptron.weights.inputs import InputSpec


def prepare(canvases: Sequence[Canvas], spec: InputSpec, channels: int) -> Tensor:
    """uint8 canvases (h, w, 3) of any sizes -> float32 (N, channels, spec.pixels, spec.pixels), centre-cut and normalised as `spec` says.

    A network of one channel gets the mean of red, green and blue; bands (float32) stay in their own units until they are normalised.
    Raises: ImageTooSmall for a canvas smaller than the cut; BadValue.
    """
    if not canvases:
        return torch.empty(0, channels, spec.pixels, spec.pixels)
    views = torch.from_numpy(np.stack([centre(canvas, spec.pixels) for canvas in canvases]))
    images = planes(views.permute(0, 3, 1, 2), channels)
    mean, std = per_channel(spec.mean, channels), per_channel(spec.std, channels)
    return images.sub_(mean).div_(std)


def planes(views: Tensor, channels: int) -> Tensor:
    """uint8 (N, 3, h, w) of photos -> float32 (N, channels, h, w) in 0..1; float32 bands as they are. Raises: BadValue."""
    images = views.to(torch.float32, memory_format=torch.contiguous_format)  # one plane per channel: twice as fast to work on
    if views.is_floating_point():
        if views.shape[1] != channels:
            raise BadValue(f"a network of {channels} channels cannot be fed with images of {views.shape[1]} bands.")
        return images.clone() if images.data_ptr() == views.data_ptr() else images
    if channels == 1:
        images = images.mean(1, keepdim=True)
    elif channels != 3:
        raise BadValue(f"a network of {channels} channels cannot be fed with photos.", why="images come as grey (1) or colour (3)")
    return images.div_(255)


def centre(canvas: Canvas, pixels: int) -> Canvas:
    """The central `pixels` x `pixels` of a canvas (h, w, 3); where it cannot be halved evenly, nearer to the top left.

    Raises: ImageTooSmall.
    """
    height, width = canvas.shape[:2]
    if min(height, width) < pixels:
        raise ImageTooSmall(f"a canvas of {width}x{height} has no centre of {pixels}x{pixels}.", mend="resize it to the input's side first")
    top, left = (height - pixels) // 2, (width - pixels) // 2
    return canvas[top : top + pixels, left : left + pixels]


def per_channel(values: tuple[float, ...], channels: int) -> Tensor:
    """(1, channels, 1, 1); where the counts differ, the mean of `values` for every channel."""
    numbers = torch.tensor(values, dtype=torch.float32)
    return (numbers if len(numbers) == channels else numbers.mean().expand(channels)).view(1, -1, 1, 1)
