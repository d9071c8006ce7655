"""Views at prediction (test-time augmentation): the centre first, then its mirror image where training had some, then other cuts.

They hang on the number of the view alone, so that an answer depends on neither the name of an image nor what else is asked.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from receptron.data.augmentation.cutting import resized_crop
from receptron.data.preprocessing.normalize import per_channel, planes, prepare
from receptron.data.reading.pixel_formats import Canvas
from receptron.errors import BadValue
from receptron.records import short
from receptron.weights.inputs import InputSpec

MOST = 32
_LEAST_SIDE = 0.8  # of the shorter side that a cut shows
_STEPS = (0.8191725134, 0.6710436067, 0.5497004779)  # R3 sequence, Roberts 2018: evenly spread however many are taken


def check_views(views: int) -> int:
    """The number itself. Raises: BadValue."""
    if isinstance(views, bool) or not isinstance(views, int) or not 1 <= views <= MOST:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise BadValue(f"views is {short(views)}.", why=f"it may be 1, the centre of each image, to {MOST}", mend="use 1, or 8")
    return views


def prediction_view(canvases: Sequence[Canvas], spec: InputSpec, channels: int, number: int, *, mirrored: bool) -> Tensor:
    """View `number`, from 0, of canvases: float (N, channels, pixels, pixels). With `mirrored` each odd one is the mirror of the last.

    Raises: as `prepare`.
    """
    place, mirror = divmod(number, 2) if mirrored else (number, 0)
    if place == 0 or not canvases:
        images = prepare(canvases, spec, channels)
        return images.flip(3) if mirror else images
    cuts = [resized_crop(canvas, _window(canvas, place), spec.pixels, mirror=bool(mirror)) for canvas in canvases]
    return planes(torch.stack(cuts), channels).sub_(per_channel(spec.mean, channels)).div_(per_channel(spec.std, channels))


def _window(canvas: Canvas, place: int) -> tuple[int, int, int, int]:
    """Top, left, height and width of a square cut."""
    height, width = canvas.shape[:2]
    size, down, across = ((0.5 + place * step) % 1 for step in _STEPS)
    side = max(1, math.floor((_LEAST_SIDE + (1 - _LEAST_SIDE) * size) * min(height, width)))
    return int(down * (height - side + 1)), int(across * (width - side + 1)), side, side
