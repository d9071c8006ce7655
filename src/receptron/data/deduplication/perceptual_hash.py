"""What an image looks like in 4 KB: a small grey picture, a smaller one in colour, and a 64-bit perceptual hash of it.

Source of the hash: Zauner 2010, Implementation and Benchmarking of Perceptual Image Hash Functions, section 3.2.1 (DCT based).
"""

import hashlib
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from receptron.data.deduplication.orientations import ORIENTATIONS
from receptron.data.reading.pixel_formats import Canvas, Pixels

SMALLEST = 30  # px of the shorter side: below this different images (two handwritten ones) are as alike as copies, so only equal ones count
GREY, COLOUR, HASHED, KEPT = 64, 8, 32, 8  # px; px; px before the cosine transform; lowest frequencies kept per axis


@dataclass(frozen=True)
class PerceptualHash:
    """One image, small."""

    grey: Pixels  # (64, 64)
    colour: Pixels  # (8, 8, 3)
    digest: int  # 64 bits of a hash over size and pixels: equal for equal pictures in different files
    unoriented: int  # the same, equal also for pictures mirrored or turned by quarters; 0 for those that are not small
    phash: int


@dataclass(frozen=True)
class PerceptualHashes:
    """All images of a reading, small; rows of unreadable ones are zero."""

    grey: Pixels  # (N, 64, 64)
    colour: Pixels  # (N, 8, 8, 3)
    digests: NDArray[np.uint64]  # (N,)
    unoriented: NDArray[np.uint64]  # (N,)
    sides: NDArray[np.int32]  # (N,) shorter side in px, 0 if unreadable


def look(pixels: Pixels) -> PerceptualHash:
    """The look of RGB pixels (H, W, 3)."""
    image = Image.fromarray(pixels)
    grey = np.asarray(image.convert("L").resize((GREY, GREY), Image.Resampling.BOX))
    colour = np.asarray(image.resize((COLOUR, COLOUR), Image.Resampling.BOX))
    small = min(pixels.shape[:2]) < SMALLEST
    unoriented = min(_digest(way.of(pixels[None])[0]) for way in ORIENTATIONS) if small else 0
    return PerceptualHash(grey, colour, _digest(pixels), unoriented, int(hashes(grey[None])[0]))


def look_at_values(shown: Pixels, values: Canvas) -> PerceptualHash:
    """The look of an image of bands, a picture of which is `shown`: copies are those of equal values, mirrored and turned ones among them.

    What makes photos look alike is no measure for bands: all spectrograms of one instrument would be copies.
    """
    seen = look(shown)
    return replace(seen, digest=_digest(values), unoriented=min(_digest(way.of(values[None])[0]) for way in ORIENTATIONS))


def _digest(pixels: Canvas) -> int:
    digest = hashlib.blake2b(repr(pixels.shape).encode(), digest_size=8)
    digest.update(np.ascontiguousarray(pixels).data)
    return int.from_bytes(digest.digest(), "big")


def hashes(grey: NDArray[Any], window: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)) -> NDArray[np.uint64]:
    """64-bit perceptual hash (N,) of grey pictures (N, 64, 64), or of a window (left, top, right, bottom; shares of the side) of each.

    Each bit says whether one of the 8 x 8 lowest frequencies, the mean left out, lies above the median of them all.
    """
    left, top, right, bottom = window
    rows, columns = _low(top, bottom), _low(left, right)
    frequencies = (rows @ grey.astype(np.float32) @ columns.T).reshape(len(grey), KEPT * KEPT)
    bits = frequencies > np.median(frequencies[:, 1:], axis=1, keepdims=True)
    bits[:, 0] = False
    return np.packbits(bits, axis=1).view(">u8").astype(np.uint64).ravel()


def resampling(length: int, size: int, start: float, stop: float) -> NDArray[np.float32]:
    """Matrix (size, length) that averages a signal of `length` values over `size` equal parts of [start, stop], shares of its length."""
    edges = np.linspace(start, stop, size + 1) * length
    left, right = edges[:-1, None], edges[1:, None]
    cell = np.arange(length)[None]
    overlap = np.clip(np.minimum(right, cell + 1) - np.maximum(left, cell), 0, None)
    return (overlap / overlap.sum(axis=1, keepdims=True)).astype(np.float32)


@lru_cache(maxsize=64)
def _low(start: float, stop: float) -> NDArray[np.float32]:
    """Matrix (8, 64): the lowest frequencies of the part from `start` to `stop`."""
    positions = (2 * np.arange(HASHED) + 1) / (2 * HASHED)
    cosine = np.cos(np.pi * np.arange(KEPT)[:, None] * positions[None]).astype(np.float32)
    return cosine @ resampling(GREY, HASHED, start, stop)
