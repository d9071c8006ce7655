"""Whether two small grey pictures show the same image, one perhaps cropped, judged by fine detail.

Two X-rays or two portraits agree in their large shapes, and so do their perceptual hashes. Copies agree in what remains once the large
shapes are taken away, provided both are laid over each other to about half a pixel: so the window of one that the other shows is sought.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

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
_CHUNK = 2048  # pairs searched at a time


def details(grey: NDArray[np.uint8]) -> tuple[Floats, NDArray[np.bool_]]:
    """Fine detail (N, 48 * 48) of grey pictures (N, 64, 64) at unit length, and which of them have enough to be compared."""
    matrix = np.broadcast_to(resampling(GREY, SIZE, 0, 1), (len(grey), SIZE, GREY))
    raw = _detail(grey, matrix, matrix)
    return _unit(raw), np.sqrt(np.square(raw).mean(axis=1)) >= FAINTEST


def likeness(grey: NDArray[np.uint8], detail: Floats, wholes: Indices, parts: Indices, windows: Floats) -> Floats:
    """Best correlation found between picture `parts[k]` and a window of picture `wholes[k]`, sought from `windows[k]` on.

    `windows` is (K, 4). 0 where the search gave up; -1 to 1; copies reach 0.9 and more, different images of the same kind rarely 0.7.
    """
    found = np.zeros(len(wholes), np.float32)
    for start in range(0, len(wholes), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        found[chunk] = _searched(grey[wholes[chunk]], detail[parts[chunk]], windows[chunk].copy())
    return found


def _searched(grey: NDArray[np.uint8], target: Floats, windows: Floats) -> Floats:
    """Move the four edges, one at a time, wherever that makes the pictures more alike; those that lag behind drop out."""
    best = _correlation(grey, target, windows)
    for step, enough in ((0.0, ENTRY), *_STEPS):
        alive = np.flatnonzero(best >= (enough if step == 0 else ENTRY))
        if step:
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
