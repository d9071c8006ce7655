"""Which images are copies of one another: the same file, the same pixels in another file, or the same picture resized, recompressed,
cropped by a few per cent or made lighter or darker.

Near duplicates are proposed by perceptual hash, of the whole picture against windows of the other, and verified on fine detail.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from receptron.data.deduplication.crop_matching import FULL, SAME, WINDOWS, details, likeness
from receptron.data.deduplication.perceptual_hash import PerceptualHashes, hashes
from receptron.data.ingest import Ingested
from receptron.progress import Progress, Silent

SMALLEST = 30  # px of the shorter side: below this different images (two handwritten ones) are as alike as copies, so only equal ones count
HASH_BITS = 8  # of 64 that may differ for a pair to be looked at
TINT = 24.0  # levels; mean difference in colour beyond which two pictures are different, when both have colour
_BLOCK = 256  # rows compared at a time


@dataclass(frozen=True)
class CopyPair:
    """Two images that are copies, by their places in the reading; `first` is less than `second`."""

    first: int
    second: int
    kind: str  # "same file", "same pixels" or "near"
    likeness: float  # 1 for equal ones


@dataclass(frozen=True)
class Clusters:
    """Pairs of copies, and the sets that they make when copies of copies are put together."""

    pairs: tuple[CopyPair, ...]
    of: tuple[int, ...]  # cluster number of each entry; its smallest member's place

    @property
    def sets(self) -> tuple[tuple[int, ...], ...]:
        """Clusters of two images or more, each as places in the reading."""
        members: dict[int, list[int]] = {}
        for place, cluster in enumerate(self.of):
            members.setdefault(cluster, []).append(place)
        return tuple(tuple(places) for places in members.values() if len(places) > 1)


def find_duplicates(reading: Ingested, progress: Progress | None = None) -> Clusters:
    """Pairs and clusters of copies among the readable images of a reading."""
    progress = progress or Silent()
    good = [place for place, entry in enumerate(reading.entries) if entry.good]
    pairs = _equal(good, [reading.entries[place].sha256 for place in good], "same file")
    known = {(pair.first, pair.second) for pair in pairs}
    same = _equal(good, [int(reading.looks.digests[place]) for place in good], "same pixels")
    pairs += [pair for pair in same if (pair.first, pair.second) not in known]
    pairs += _near(reading.looks, {(pair.first, pair.second) for pair in pairs}, progress)
    return Clusters(tuple(sorted(pairs, key=lambda pair: (pair.first, pair.second))), joined(len(reading.entries), pairs))


def joined(count: int, pairs: Iterable[CopyPair] | Iterable[tuple[int, int]]) -> tuple[int, ...]:
    """Smallest place that each of `count` places is linked with, directly or through others (union-find)."""
    parent = list(range(count))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for pair in pairs:
        first, second = (pair.first, pair.second) if isinstance(pair, CopyPair) else pair
        low, high = sorted((root(first), root(second)))
        parent[high] = low
    return tuple(root(place) for place in range(count))


def _equal(places: list[int], keys: list[str] | list[int], kind: str) -> list[CopyPair]:
    """Each image that has the key of an earlier one, paired with the first of that key."""
    first: dict[str | int, int] = {}
    pairs: list[CopyPair] = []
    for place, key in zip(places, keys, strict=True):
        if first.setdefault(key, place) != place:
            pairs.append(CopyPair(first[key], place, kind, 1.0))
    return pairs


def _near(looks: PerceptualHashes, known: set[tuple[int, int]], progress: Progress) -> list[CopyPair]:
    places = np.flatnonzero(looks.sides >= SMALLEST)
    progress.start("Comparing images", len(places), "images")
    grey = looks.grey[places]
    detail, clear = details(grey)
    wholes, parts, windows = _proposed(grey, clear, progress)
    score = likeness(grey, detail, wholes, parts, windows)
    best: dict[tuple[int, int], float] = {}
    for whole, part, value in zip(places[wholes], places[parts], score, strict=True):
        pair = (int(min(whole, part)), int(max(whole, part)))
        if value >= SAME and pair not in known and _same_tint(looks.colour[pair[0]], looks.colour[pair[1]]):
            best[pair] = max(best.get(pair, 0.0), float(value))
    progress.done(f"{len(best):,} pairs of near duplicates")
    return [CopyPair(*pair, "near", round(value, 3)) for pair, value in best.items()]


def _proposed(
    grey: NDArray[np.uint8], clear: NDArray[np.bool_], progress: Progress
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Pairs whose hashes nearly agree: place of the whole, place of the part, and the window (4,) of the whole in which they agree best."""
    by_window = np.stack([hashes(grey, window) for window in WINDOWS])  # (W, N)
    full = by_window[WINDOWS.index(FULL)]
    found: list[tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]] = []
    for start in range(0, len(grey), _BLOCK):
        distance, window = _nearest_window(by_window[:, start : start + _BLOCK], full)
        near = (distance <= HASH_BITS) & clear[None] & clear[start : start + _BLOCK, None]
        near[np.arange(len(near)), np.arange(start, start + len(near))] = False
        whole, part = np.nonzero(near)
        found.append((whole + start, part, window[whole, part]))
        progress.advance(len(near))
    if not found:
        return np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros((0, 4), np.float32)
    wholes, parts, chosen = (np.concatenate(columns) for columns in zip(*found, strict=True))
    return wholes, parts, np.asarray(WINDOWS, np.float32)[chosen]


def _nearest_window(by_window: NDArray[np.uint64], full: NDArray[np.uint64]) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
    """Least number of differing bits (B, N) between any window of B pictures and N full ones, and the window (B, N) that has it."""
    best = np.full((by_window.shape[1], len(full)), 65, np.uint8)
    which = np.zeros(best.shape, np.intp)
    for index, row in enumerate(by_window):
        distance = np.bitwise_count(row[:, None] ^ full[None])
        better = distance < best
        best[better], which[better] = distance[better], index
    return best, which


def _same_tint(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    """Whether two small pictures (8, 8, 3) have about the same colours; one without any colour agrees with all."""
    tints = [picture.astype(np.float32) - picture.mean(axis=2, keepdims=True) for picture in (one, other)]
    if min(float(np.abs(tint).mean()) for tint in tints) < 1:
        return True
    return float(np.abs(tints[0] - tints[1]).mean()) <= TINT
