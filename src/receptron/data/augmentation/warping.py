"""Moves in the plane and tilts as one 3x3 matrix for each image, so that however many there are cost one interpolation.

A matrix takes a point of the view to the point of the image that is shown there, in px, where the centre of the first pixel is (0.5, 0.5).
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from receptron.data.augmentation.policy import Policy

Numbers = NDArray[np.float64]


def affine(degrees: Numbers, translation: Numbers, scale: Numbers, shear: Numbers, size: tuple[int, int]) -> Numbers:
    """Matrices (N, 3, 3) of a rotation (clockwise), translation in px (N, 2), scale and shear in degrees (N, 2) along x and y, about the
    centre of images of `size` (height, width), as torchvision's `affine` means them.
    """
    turn, along, across = np.radians(degrees), np.radians(shear[:, 0]), np.radians(shear[:, 1])
    one, zero = np.ones_like(turn), np.zeros_like(turn)
    a, b = np.cos(turn - across) / np.cos(across), -np.cos(turn - across) * np.tan(along) / np.cos(across) - np.sin(turn)
    c, d = np.sin(turn - across) / np.cos(across), -np.sin(turn - across) * np.tan(along) / np.cos(across) + np.cos(turn)
    forward = np.moveaxis(
        np.array([[scale * a, scale * b, translation[:, 0]], [scale * c, scale * d, translation[:, 1]], [zero, zero, one]]), 2, 0
    )
    height, width = size
    to_centre = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1]])
    return np.asarray(np.linalg.inv(np.linalg.inv(to_centre) @ forward @ to_centre), np.float64)


def perspective(corners: Numbers, ends: Numbers) -> Numbers:
    """Matrices (N, 3, 3) of the views in which the `corners` (N, 4, 2), x before y, of an image lie at `ends`."""
    x, y, u, v = ends[..., 0], ends[..., 1], corners[..., 0], corners[..., 1]
    one, zero = np.ones_like(x), np.zeros_like(x)
    rows_u = np.stack([x, y, one, zero, zero, zero, -x * u, -y * u], 2)
    rows_v = np.stack([zero, zero, zero, x, y, one, -x * v, -y * v], 2)
    found = np.linalg.solve(np.concatenate([rows_u, rows_v], 1), np.concatenate([u, v], 1)[..., None])[..., 0]
    return np.asarray(np.concatenate([found, np.ones((len(found), 1))], 1).reshape(-1, 3, 3), np.float64)


def warp(images: Tensor, matrices: Numbers, *, border: bool = True) -> Tensor:
    """Images (N, C, H, W) seen through matrices (N, 3, 3), bilinearly; outside lies the nearest pixel of the border, or black."""
    height, width = images.shape[2:]
    to_pixels = np.array([[width / 2, 0, width / 2], [0, height / 2, height / 2], [0, 0, 1]])
    normal = torch.from_numpy(np.linalg.inv(to_pixels) @ matrices @ to_pixels).float()  # in the -1..1 coordinates of `grid_sample`
    x, y = ((2 * torch.arange(length, dtype=torch.float32) + 1) / length - 1 for length in (width, height))
    u, v, w = (normal[:, i, 0, None, None] * x + (normal[:, i, 1, None, None] * y[:, None] + normal[:, i, 2, None, None]) for i in range(3))
    tilted = bool((normal[:, 2, :2] != 0).any())
    grid = torch.stack([u / w, v / w] if tilted else [u, v], 3)  # sums pixel by pixel, so that they are the same in any batch
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border" if border else "zeros", align_corners=False)


def drawn_warp(policy: Policy, drawn: Numbers, size: tuple[int, int]) -> Numbers:
    """Matrices (N, 3, 3) of a policy; `drawn` (N, 13) in [0, 1): rotation, shear, scale, translation (x, y), and two for each corner."""
    either, (height, width) = 2 * drawn - 1, size
    translation = policy.translation * either[:, 3:5] * np.array([width, height])
    shear = np.stack([policy.shear * either[:, 1], np.zeros(len(drawn))], 1)
    moved = affine(policy.rotation * either[:, 0], translation, 1 + policy.scale * either[:, 2], shear, size)
    if not policy.perspective:
        return moved
    corners = np.array([[0.0, 0.0], [width, 0.0], [width, height], [0.0, height]])
    inwards = np.array([[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]]) * np.array([width, height]) / 2 * policy.perspective
    ends = corners + inwards * drawn[:, 5:13].reshape(-1, 4, 2)
    return moved @ perspective(np.broadcast_to(corners, ends.shape), ends)
