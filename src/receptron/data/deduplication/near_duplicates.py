"""Near duplicates among pictures: proposed by perceptual hash, verified on fine detail, each set of copies held together by as few pairs
as that takes.

Time follows the number of images, also where thousands are alike: neighbours in the order of reading and in orders of their hashes are
tried first, which joins most copies; what is joined is not compared again. Images that resemble many others without being their copies
(X-rays, frames by day and by night) are tried against the nearest only; that is told.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from receptron.data.deduplication.crop_matching import FULL, SAME, WINDOWS, Tries, details, likeness
from receptron.data.deduplication.disjoint_sets import DisjointSets
from receptron.data.deduplication.hash_index import NEAR, HashIndex
from receptron.data.deduplication.orientations import ORIENTATIONS, Orientation, laid
from receptron.data.deduplication.perceptual_hash import PerceptualHashes, hashes
from receptron.progress import Progress, Silent

TINT = 24.0  # levels; mean difference in colour beyond which two pictures are different, when both have colour
NEAREST = 64  # images of other sets that one image is tried against
BETWEEN_SETS = 256  # pairs tried between the same two sets
_ROTATIONS = (0, 21, 42)  # bits by which hashes are rotated for the orders in which neighbours are tried
_BLOCK = 16  # images asked for at a time
_MOST = 1 << 21  # hashes looked at in one go: 100 MB
_CHUNK = 1024  # pairs verified before sets are joined

_FULL = WINDOWS.index(FULL)


@dataclass(frozen=True)
class Link:
    """Two places, the first the smaller, whose pictures are near duplicates; `lies` is how the second differs from the first."""

    first: int
    second: int
    likeness: float
    lies: Orientation


@dataclass(frozen=True)
class _Pictures:
    """Those that can be compared, and what is known of them."""

    places: NDArray[np.intp]  # among all images
    grey: NDArray[np.uint8]
    colour: NDArray[np.uint8]
    detail: NDArray[np.float16]


def near_links(looks: PerceptualHashes, places: NDArray[np.intp], sets: DisjointSets, progress: Progress) -> list[Link]:
    """Links that join the images at `places` into sets of near duplicates; `sets`, of all images, has them joined afterwards."""
    progress.start("Comparing images", len(places), "images")
    detail, clear = details(looks.grey[places])
    kept = places[clear]
    pictures = _Pictures(kept, looks.grey[kept], looks.colour[kept], detail[clear])
    by_window = _by_window(pictures.grey)
    links = _neighbours(pictures, by_window[_FULL], sets)
    tries, cut = _proposed(pictures, by_window, sets, progress)
    if cut:
        progress.tell(f"{cut:,} images resemble more than {NEAREST} others at first sight; each was compared with the nearest {NEAREST}.")
    progress.advance(len(places) - len(kept))
    links += _closely(pictures, tries, sets, progress)
    progress.done(told(links))
    return links


def _closely(pictures: _Pictures, tries: Tries, sets: DisjointSets, progress: Progress) -> list[Link]:
    """Links among the pairs proposed; a stage of its own where that takes long."""
    count = len(tries.wholes)
    if count <= _CHUNK:
        return _verified(pictures, tries, sets)
    progress.done()
    progress.start("Comparing look-alikes", count, "pairs")
    return _verified(pictures, tries, sets, progress)


def told(links: list[Link]) -> str:
    """How many sets of near duplicates there are, in words."""
    members = Counter(_sizes(links))
    pairs, larger = members[2], sum(count for size, count in members.items() if size > 2)
    words = [f"{pairs:,} pair{'' if pairs == 1 else 's'}"] if pairs or not larger else []
    words += [f"{larger:,} larger set{'' if larger == 1 else 's'}"] if larger else []
    return f"{' and '.join(words)} of near duplicates"


def _sizes(links: list[Link]) -> list[int]:
    count = 1 + max((link.second for link in links), default=-1)
    sets = DisjointSets(count)
    for link in links:
        sets.join(link.first, link.second)
    return [size for size in Counter(sets.roots()).values() if size > 1]


def _by_window(grey: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Hashes (W, N) of each window of each picture."""
    found = np.zeros((len(WINDOWS), len(grey)), np.uint64)
    for start in range(0, len(grey), _CHUNK):
        for row, window in zip(found, WINDOWS, strict=True):
            row[start : start + _CHUNK] = hashes(grey[start : start + _CHUNK], window)
    return found


def _neighbours(pictures: _Pictures, full: NDArray[np.uint64], sets: DisjointSets) -> list[Link]:
    """Links between images that follow one another as they were read or in an order of their hashes: most of a burst or a film."""
    orders = [np.arange(len(full)), *(np.argsort(full << np.uint64(r) | full >> np.uint64(63 - r), kind="stable") for r in _ROTATIONS)]
    links: list[Link] = []
    for order in orders:
        wholes, parts = order[:-1], order[1:]
        near = np.bitwise_count(full[wholes] ^ full[parts]) <= NEAR
        still = np.zeros(int(near.sum()), np.intp)
        links += _verified(pictures, Tries(wholes[near], parts[near], still + _FULL, still), sets)
    return links


def _proposed(pictures: _Pictures, by_window: NDArray[np.uint64], sets: DisjointSets, progress: Progress) -> tuple[Tries, int]:
    """Pairs of different sets whose hashes nearly agree, the nearest of every image first; how many images have too many of them."""
    count = len(pictures.places)
    roots = np.array([sets.root(int(place)) for place in pictures.places], np.int64)
    turned = np.concatenate([_full_hashes(way.of(pictures.grey)) for way in ORIENTATIONS])
    index = HashIndex(turned, np.tile(roots, len(ORIENTATIONS)))
    found: list[NDArray[np.int64]] = []
    cut = 0
    waiting = [slice(start, min(start + _BLOCK, count)) for start in range(0, count, _BLOCK)][::-1]
    while waiting:
        block = waiting.pop()
        if block.stop - block.start > 1 and index.size(by_window[:, block].ravel()) > _MOST:
            middle = (block.start + block.stop) // 2
            waiting += [slice(middle, block.stop), slice(block.start, middle)]
            continue
        rows, over = _nearest(index, by_window[:, block], roots[block], count)
        rows[:, 1] += block.start
        found.append(rows)
        cut += over
        progress.advance(block.stop - block.start)
    rows = np.concatenate(found) if found else np.zeros((0, 5), np.int64)
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    return Tries(rows[:, 1], rows[:, 2], rows[:, 3], rows[:, 4]), cut


def _nearest(index: HashIndex, by_window: NDArray[np.uint64], roots: NDArray[np.int64], count: int) -> tuple[NDArray[np.int64], int]:
    """Rows (rank, whole, part, window, way), each whole with its nearest parts, each in the window where it is nearest."""
    windows, size = by_window.shape
    asked, entries, distance = index.near(by_window.ravel(), np.tile(roots, windows))
    window, whole = np.divmod(asked, size)
    pair = whole * (count * len(ORIENTATIONS)) + entries
    order = np.lexsort((window, distance, pair))
    order = order[np.diff(pair[order], prepend=-1) != 0]  # the best window of each pair
    order = order[np.lexsort((entries[order], distance[order], whole[order]))]
    firsts = np.searchsorted(whole[order], np.arange(size))
    rank = np.arange(len(order)) - firsts[whole[order]]
    kept = order[rank < NEAREST]
    way, part = np.divmod(entries[kept], count)
    over = int((np.bincount(whole[order], minlength=size) > NEAREST).sum())
    return np.stack([rank[rank < NEAREST], whole[kept], part, window[kept], way], axis=1), over


def _full_hashes(grey: NDArray[np.uint8]) -> NDArray[np.uint64]:
    chunks = [hashes(grey[start : start + _CHUNK]) for start in range(0, len(grey), _CHUNK)]
    return np.concatenate([np.zeros(0, np.uint64), *chunks])


def _verified(pictures: _Pictures, tries: Tries, sets: DisjointSets, progress: Progress | None = None) -> list[Link]:
    """Links among the pairs to be tried, in their order; pairs whose sets are joined by then are passed over."""
    progress = progress or Silent()
    links: list[Link] = []
    for chosen, passed in _worth_trying(pictures, tries, sets):
        links += _looked_at(pictures, tries.some(chosen), sets)
        progress.advance(passed)
    return links


def _worth_trying(pictures: _Pictures, tries: Tries, sets: DisjointSets) -> Iterator[tuple[NDArray[np.intp], int]]:
    """Places of pairs that are not joined yet, a chunk at a time, and how many pairs were gone through for it."""
    tried: Counter[tuple[int, int]] = Counter()
    chosen: list[int] = []
    begun = 0
    wholes, parts = (pictures.places[column].tolist() for column in (tries.wholes, tries.parts))
    for index, (whole, part) in enumerate(zip(wholes, parts, strict=True), start=1):
        low, high = sorted((sets.root(whole), sets.root(part)))
        if low != high and tried[low, high] < BETWEEN_SETS:
            tried[low, high] += 1
            chosen.append(index - 1)
        if len(chosen) == _CHUNK or index == len(wholes):
            yield np.array(chosen, np.intp), index - begun
            chosen.clear()
            begun = index


def _looked_at(pictures: _Pictures, tries: Tries, sets: DisjointSets) -> list[Link]:
    links: list[Link] = []
    values = likeness(pictures.grey, pictures.detail, tries)
    same = np.flatnonzero(values >= SAME)
    same = same[_same_tint(pictures.colour[tries.wholes[same]], laid(pictures.colour[tries.parts[same]], tries.ways[same]))]
    for index in same.tolist():
        whole, part = (int(pictures.places[column[index]]) for column in (tries.wholes, tries.parts))
        way = ORIENTATIONS[tries.ways[index]]
        if sets.join(whole, part):
            lies = way if whole > part else way.inverse
            links.append(Link(min(whole, part), max(whole, part), round(float(values[index]), 3), lies))
    return links


def _same_tint(some: NDArray[np.uint8], others: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether small pictures (N, 8, 8, 3) have about the same colours; one without any colour agrees with all."""
    one, other = (pictures - pictures.mean(axis=3, keepdims=True, dtype=np.float32) for pictures in (some, others))
    colourless = np.minimum(np.abs(one).mean(axis=(1, 2, 3)), np.abs(other).mean(axis=(1, 2, 3))) < 1
    return colourless | (np.abs(one - other).mean(axis=(1, 2, 3)) <= TINT)
