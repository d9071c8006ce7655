"""Augmented views of canvases, each drawn from a key alone: (seed, epoch, image) always gives the same view.

A canvas is a uint8 array (H, W, 3) whose shorter side has been resized; a view is cut from it.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from receptron.data.augmentation import automatic, color_jitter
from receptron.data.augmentation.blurring import gaussian_blur
from receptron.data.augmentation.cutting import cut
from receptron.data.augmentation.erasing import drawn_windows, erase
from receptron.data.augmentation.mixing import Mixes, drawn_mixes
from receptron.data.augmentation.policy import Policy
from receptron.data.augmentation.warping import drawn_warp, warp
from receptron.data.preprocessing.normalize import centre, per_channel, planes
from receptron.data.reading.pixel_formats import Canvas
from receptron.data.stateless_random import uniforms
from receptron.weights.inputs import InputSpec

# Which of the numbers drawn for an image decide what.
CUT, WARP, COLOR, BLUR, ERASE, MIX = slice(0, 5), slice(5, 18), slice(18, 22), slice(22, 24), slice(24, 29), slice(29, 34)
AUTOMATIC = slice(34, 34 + automatic.COLUMNS)
COLUMNS = AUTOMATIC.stop
BLUR_SIGMAS, BLUR_SIDE = (0.1, 2.0), 224  # px, on images of 224 px
PART = 4  # images that are worked on at once: they fit a processor's cache, and any number gives the same
_BLUR_REACH = 3  # sigmas


def augmented(
    canvases: Sequence[Canvas], names: Sequence[str], spec: InputSpec, policy: Policy, *, channels: int, seed: int, epoch: int
) -> Tensor:
    """A training batch, ready for the network: float (N, channels, pixels, pixels), normalised as `spec` says, and not yet mixed.

    `names` tell the images apart: the view of an image depends on (seed, epoch, name) and on nothing else.
    """
    drawn = uniforms(names, seed, epoch, COLUMNS)
    parts = (slice(start, start + PART) for start in range(0, len(canvases), PART))
    return torch.cat([_part(canvases[part], spec, policy, channels, drawn[part]) for part in parts])


def _part(canvases: Sequence[Canvas], spec: InputSpec, policy: Policy, channels: int, drawn: NDArray[np.float64]) -> Tensor:
    size = (spec.pixels, spec.pixels)
    if policy.cuts:
        views = torch.stack([cut(canvas, spec.pixels, policy, row) for canvas, row in zip(canvases, drawn[:, CUT], strict=True)])
    else:
        views = torch.from_numpy(np.stack([centre(canvas, spec.pixels) for canvas in canvases])).permute(0, 3, 1, 2)
    images = planes(views, channels)
    if policy.warps:
        images = warp(images, drawn_warp(policy, drawn[:, WARP], size))
    images = _colored(images, policy, drawn[:, COLOR])
    if policy.automatic:
        images = automatic.automatic(images, policy, drawn[:, AUTOMATIC])
    images = _blurred(images, policy, drawn[:, BLUR])
    mean, std = per_channel(spec.mean, channels), per_channel(spec.std, channels)
    return erase(images.sub_(mean).div_(std), drawn_windows(policy, drawn[:, ERASE], size))


def mixes(names: Sequence[str], spec: InputSpec, policy: Policy, *, count: int, seed: int, epoch: int) -> Mixes:
    """With which of `count` images each of the images `names` is mixed in `epoch`, and how."""
    return drawn_mixes(policy, uniforms(names, seed, epoch, COLUMNS)[:, MIX], count, (spec.pixels, spec.pixels))


def _colored(images: Tensor, policy: Policy, drawn: NDArray[np.float64]) -> Tensor:
    either = torch.from_numpy(2 * drawn - 1).float()
    if policy.brightness:
        images = color_jitter.brightness(images, 1 + policy.brightness * either[:, 0])
    if policy.contrast:
        images = color_jitter.contrast(images, 1 + policy.contrast * either[:, 1])
    if policy.saturation:
        images = color_jitter.saturation(images, 1 + policy.saturation * either[:, 2])
    return color_jitter.hue(images, policy.hue * either[:, 3]) if policy.hue else images


def _blurred(images: Tensor, policy: Policy, drawn: NDArray[np.float64]) -> Tensor:
    rows = np.flatnonzero(drawn[:, 0] < policy.blur)
    if not len(rows):
        return images
    (least, most), size = BLUR_SIGMAS, images.shape[3] / BLUR_SIDE
    sigmas = torch.from_numpy((least + (most - least) * drawn[rows, 1]) * size).float()
    images[rows] = gaussian_blur(images[rows], sigmas, round(_BLUR_REACH * most * size))
    return images
