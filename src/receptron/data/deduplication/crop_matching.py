"""Whether two small grey pictures show the same image, one perhaps cropped, judged by fine detail.

Two X-rays or two portraits agree in their large shapes, and so do their perceptual hashes. Copies agree in what remains once the large
shapes are taken away, provided both are laid over each other to about half a pixel: so the window of one that the other shows is sought.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from receptron.data.deduplication.orientations import laid
from receptron.data.deduplication.perceptual_hash import GREY, resampling

Floats = NDArray[np.float32]
Indices = NDArray[np.intp]

SIZE = 48  # px of the pictures compared
BLUR = 2.0  # px; shapes larger than this are taken away
FAINTEST = 1.0  # grey levels; with less detail than this (root mean square) a picture tells nothing
FULL = (0.0, 0.0, 1.0, 1.0)
_OFFSETS = (0.0, 0.05 / 3, 0.1 / 3, 0.05)
# Windows (left, top, right, bottom; shares of the side) that are left by crops of 5 %: anywhere, at one edge only, at every edge.
WINDOWS = (
    FULL,
    *((x, y, x + 0.95, y + 0.95) for x in _OFFSETS for y in _OFFSETS),
    *((0.05, 0.0, 1.0, 1.0), (0.0, 0.05, 1.0, 1.0), (0.0, 0.0, 0.95, 1.0), (0.0, 0.0, 1.0, 0.95)),
    (0.05, 0.05, 0.95, 0.95),
)
_STEPS = ((0.0125, 0.60), (0.0125, 0.65), (0.00625, 0.75), (0.00625, 0.80))  # how far edges move in a round, likeness to stay in the race
ENTRY, SAME = 0.45, 0.85  # likeness at the start, and after the search
_CHUNK = 512  # pictures or pairs at a time


@dataclass(frozen=True)
class Tries:
    """Pairs to be looked at closely: places of the whole and of the part, and where and how the part is supposed to lie in the whole."""

    wholes: Indices
    parts: Indices
    windows: Indices  # places in WINDOWS
    ways: Indices  # places in ORIENTATIONS

    def some(self, which: slice | Indices) -> "Tries":
        """Those chosen."""
        return Tries(self.wholes[which], self.parts[which], self.windows[which], self.ways[which])


def details(grey: NDArray[np.uint8]) -> tuple[NDArray[np.float16], NDArray[np.bool_]]:
    """Fine detail (N, 48 * 48) of grey pictures (N, 64, 64) at unit length, and which of them have enough to be compared."""
    found = np.zeros((len(grey), SIZE * SIZE), np.float16)
    clear = np.zeros(len(grey), np.bool_)
    for start in range(0, len(grey), _CHUNK):
        chunk = grey[start : start + _CHUNK]
        matrix = np.broadcast_to(resampling(GREY, SIZE, 0, 1), (len(chunk), SIZE, GREY))
        raw = _detail(chunk, matrix, matrix)
        found[start : start + _CHUNK] = _unit(raw)
        clear[start : start + _CHUNK] = np.sqrt(np.square(raw).mean(axis=1)) >= FAINTEST
    return found, clear


def likeness(grey: NDArray[np.uint8], detail: NDArray[np.float16], tries: Tries) -> Floats:
    """Best correlation (K,) found between each part, laid in its way, and a window of its whole, sought from the given window on.

    The search ends where it reaches SAME or has no hope of it, which is 0; copies reach it, different images of the same kind rarely 0.7.
    """
    found = np.zeros(len(tries.wholes), np.float32)
    for start in range(0, len(found), _CHUNK):
        some = tries.some(slice(start, start + _CHUNK))
        parts = detail[some.parts].astype(np.float32).reshape(-1, SIZE, SIZE)
        target = laid(parts, some.ways).reshape(-1, SIZE * SIZE)
        windows = np.asarray(WINDOWS, np.float32)[some.windows]
        found[start : start + _CHUNK] = _searched(grey[some.wholes], target, windows)
    return found


def _searched(grey: NDArray[np.uint8], target: Floats, windows: Floats) -> Floats:
    """Move the four edges, one at a time, wherever that makes the pictures more alike; those that lag behind drop out."""
    best = _correlation(grey, target, windows)
    best[best < ENTRY] = 0
    for step, enough in _STEPS:
        alive = np.flatnonzero((best >= ENTRY) & (best < SAME))
        best[alive], windows[alive] = _round(grey[alive], target[alive], windows[alive], best[alive], step)
        best[best < enough] = 0
    return best


def _round(grey: NDArray[np.uint8], target: Floats, windows: Floats, best: Floats, step: float) -> tuple[Floats, Floats]:
    for edge in range(4):
        for move in (-step, step):
            tried = windows.copy()
            tried[:, edge] = np.clip(tried[:, edge] + move, 0, 1)
            score = _correlation(grey, target, tried)
            better = score > best
            best, windows = np.where(better, score, best), np.where(better[:, None], tried, windows)
    return best, windows


def _correlation(grey: NDArray[np.uint8], target: Floats, windows: Floats) -> Floats:
    rows, columns = _cut(windows[:, 1], windows[:, 3]), _cut(windows[:, 0], windows[:, 2])
    return np.einsum("nd,nd->n", _unit(_detail(grey, rows, columns)), target)


def _cut(start: Floats, stop: Floats) -> Floats:
    """Matrices (N, 48, 64), each averaging over 48 equal parts of [start, stop] of one picture's side."""
    if not len(start):
        return np.zeros((0, SIZE, GREY), np.float32)
    known: dict[tuple[float, float], Floats] = {}
    keys = [(round(float(a), 5), round(float(b), 5)) for a, b in zip(start, stop, strict=True)]
    for key in set(keys):
        known[key] = _matrix(*key)
    return np.stack([known[key] for key in keys])


@lru_cache(maxsize=4096)
def _matrix(start: float, stop: float) -> Floats:
    return resampling(GREY, SIZE, start, stop)


def _detail(grey: NDArray[np.uint8], rows: Floats, columns: Floats) -> Floats:
    small = rows @ grey.astype(np.float32) @ columns.transpose(0, 2, 1)  # (N, 48, 48)
    blur = _blur()
    fine = (small - blur @ small @ blur.T).reshape(len(grey), SIZE * SIZE)
    return fine - fine.mean(axis=1, keepdims=True)


def _unit(values: Floats) -> Floats:
    return values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-6)


@lru_cache(maxsize=1)
def _blur() -> Floats:
    """Matrix of a Gaussian blur along one axis, its weights summing to one at the edges too."""
    distance = np.arange(SIZE)[:, None] - np.arange(SIZE)[None]
    weights = np.exp(-np.square(distance) / (2 * BLUR**2))
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
