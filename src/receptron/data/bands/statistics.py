"""Mean and standard deviation of each band, from the canvases of the training side alone."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from receptron.data.reading.pixel_formats import Canvas

SILENT = 1e12  # deviation of a band that is the same everywhere: whatever it holds later becomes nothing


@dataclass(frozen=True)
class BandStatistics:
    """One number for each band, in the file's own units, and which bands say nothing (from 1)."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    constant: tuple[int, ...]


def statistics_of(canvases: Iterable[Canvas]) -> BandStatistics:
    """Of canvases (h, w, C), each pixel counting once; two passes' precision by shifting to the first canvas's mean."""
    total = squares = shift = np.zeros(0)
    count = 0
    for canvas in canvases:
        pixels = canvas.reshape(-1, canvas.shape[2]).astype(np.float64)
        if not count:
            shift = pixels.mean(0)
            total, squares = np.zeros_like(shift), np.zeros_like(shift)
        total, squares = total + (pixels - shift).sum(0), squares + ((pixels - shift) ** 2).sum(0)
        count += len(pixels)
    mean = shift + total / count
    std = np.sqrt(np.maximum(squares / count - (total / count) ** 2, 0))
    constant = std <= 1e-6 * np.maximum(np.abs(mean), 1e-12)
    return BandStatistics(
        tuple(mean.tolist()), tuple(np.where(constant, SILENT, std).tolist()), tuple(int(i) + 1 for i in np.flatnonzero(constant))
    )
