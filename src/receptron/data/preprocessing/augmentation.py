"""Augmented views of canvases, each drawn from a key alone: (seed, epoch, image) always gives the same view.

A canvas is a uint8 array (H, W, 3) whose shorter side has been resized; a view is cut from it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from receptron.data.preprocessing.normalize import centre, per_channel
from receptron.data.reading.pixel_formats import Pixels
from receptron.data.stateless_random import uniforms
from receptron.weights.inputs import InputSpec


@dataclass(frozen=True)
class Recipe:
    """How far views stray from the image; the numbers are ends of uniform ranges."""

    area: tuple[float, float] = (1.0, 1.0)  # share of the canvas that the cut shows (random resized crop)
    aspect: float = 1.0  # width / height of the cut lies in [1 / aspect, aspect], log-uniform
    flip: bool = False  # mirror left to right, every second time
    light: float = 0.0  # brightness and contrast change by up to this share
    turn: float = 0.0  # rotation, degrees either way
    shift: float = 0.0  # translation, share of the side either way
    zoom: float = 0.0  # scale change, share either way
    shear: float = 0.0  # degrees either way

    @property
    def cuts(self) -> bool:
        """Whether views show a part of the canvas or its mirror image; if not, they are its centre."""
        return self.flip or self.aspect != 1.0 or self.area != (1.0, 1.0)

    @property
    def warps(self) -> bool:
        """Whether views are turned, shifted, zoomed or sheared, which costs an interpolation."""
        return any((self.turn, self.shift, self.zoom, self.shear))


# Which of the numbers drawn for an image decide what.
_CUT, _WARP, _LIGHT, _COLUMNS = slice(0, 5), slice(5, 11), slice(11, 13), 13

# Photographs: random resized crop and mirror (Szegedy et al. 2015, section 6), milder than for ImageNet because few images are given.
PHOTO = Recipe(area=(0.35, 1.0), aspect=4 / 3, flip=True, light=0.2)
# Small pictures with a fixed orientation, such as digits: small affine changes (Simard et al. 2003) and no mirror image.
SMALL = Recipe(turn=12.0, shift=0.1, zoom=0.12, shear=8.0)


def recipe_for(pixels: int, *, grey: bool) -> Recipe:
    """The default: crops for photographs, affine changes for small pictures; only colour pictures are mirrored.

    Grey images are left as they face, because writing and anatomy have a left and a right.
    """
    chosen = PHOTO if pixels >= 64 else SMALL
    return replace(chosen, flip=not grey)


def augmented(
    canvases: Sequence[Pixels], names: Sequence[str], spec: InputSpec, recipe: Recipe, *, channels: int, seed: int, epoch: int
) -> Tensor:
    """A training batch, ready for the network: float (N, channels, pixels, pixels), normalised as `spec` says.

    `names` tell the images apart: view and light of an image depend on (seed, epoch, name) and on nothing else.
    """
    drawn = uniforms(names, seed, epoch, _COLUMNS)
    if recipe.cuts:
        views = torch.stack([_cut(canvas, spec.pixels, recipe, row) for canvas, row in zip(canvases, drawn[:, _CUT], strict=True)])
    else:
        views = torch.from_numpy(np.stack([centre(canvas, spec.pixels) for canvas in canvases])).permute(0, 3, 1, 2)
    images = views.to(torch.float32, memory_format=torch.contiguous_format)  # one plane per colour: twice as fast to work on
    if channels == 1:
        images = images.mean(1, keepdim=True)
    if recipe.warps:
        grid = F.affine_grid(_affine(recipe, drawn[:, _WARP]), list(images.shape), align_corners=False)
        images = F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
    gain, lift = _light(images, recipe, drawn[:, _LIGHT])
    mean, std = (per_channel(values, channels) for values in (spec.mean, spec.std))
    return torch.addcmul((lift / 255 - mean) / std, images, gain / (255 * std), out=images)


def _cut(canvas: Pixels, pixels: int, recipe: Recipe, drawn: NDArray[np.float64]) -> Tensor:
    """Part of one canvas, perhaps mirrored: uint8 (H, W, 3) -> uint8 (3, pixels, pixels). `drawn`: area, aspect, top, left, flip."""
    height, width = canvas.shape[:2]
    area = _between(recipe.area, drawn[0]) * min(height, width) ** 2
    ratio = recipe.aspect ** float(2 * drawn[1] - 1)
    tall = min(height, max(1, round(math.sqrt(area / ratio))))
    wide = min(width, max(1, round(math.sqrt(area * ratio))))
    top, left = int(drawn[2] * (height - tall + 1)), int(drawn[3] * (width - wide + 1))
    window = canvas[top : top + tall, left : left + wide]
    part = torch.from_numpy(window if window.flags.writeable else window.copy()).permute(2, 0, 1)[None]
    if (tall, wide) != (pixels, pixels):
        part = F.interpolate(part, (pixels, pixels), mode="bilinear", antialias=True)
    return part[0].flip(2) if recipe.flip and drawn[4] < 0.5 else part[0]


def _light(images: Tensor, recipe: Recipe, drawn: NDArray[np.float64]) -> tuple[Tensor, Tensor]:
    """Per image the factor and the summand (N, 1, 1, 1) that change its contrast about its mean, and its brightness."""
    if not recipe.light:
        return torch.ones(1, 1, 1, 1), torch.zeros(1, 1, 1, 1)
    change = torch.from_numpy(1 + recipe.light * (2 * drawn - 1)).float()[:, :, None, None, None]
    gain, brightness = change[:, 0], change[:, 1]
    return gain, images.mean((1, 2, 3), keepdim=True) * (brightness - gain)


def _affine(recipe: Recipe, drawn: NDArray[np.float64]) -> Tensor:
    """Inverse maps (N, 2, 3), in the -1..1 coordinates of `affine_grid`. `drawn`: turn, shear, zoom x and y, shift x and y."""
    either = 2 * drawn - 1
    turn, shear = np.radians(recipe.turn * either[:, 0]), np.tan(np.radians(recipe.shear * either[:, 1]))
    zoom_x, zoom_y = 1 / (1 + recipe.zoom * either[:, 2]), 1 / (1 + recipe.zoom * either[:, 3])
    shift_x, shift_y = 2 * recipe.shift * either[:, 4], 2 * recipe.shift * either[:, 5]
    cos, sin = np.cos(turn), np.sin(turn)
    rows = [[cos * zoom_x, (shear * cos - sin) * zoom_y, shift_x], [sin * zoom_x, (shear * sin + cos) * zoom_y, shift_y]]
    return torch.from_numpy(np.array(rows, dtype=np.float32)).permute(2, 0, 1)


def _between(ends: tuple[float, float], share: float) -> float:
    return ends[0] + (ends[1] - ends[0]) * float(share)
