"""Which images are copies of one another: the same file, the same pixels in another file, or the same picture resized, recompressed,
cropped by a few per cent, made lighter or darker, mirrored or turned by quarters.

Small images are compared by their pixels only, in all eight orientations.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from receptron.data.deduplication.disjoint_sets import DisjointSets
from receptron.data.deduplication.near_duplicates import near_links
from receptron.data.deduplication.orientations import ORIENTATIONS, UPRIGHT, Orientation
from receptron.data.deduplication.perceptual_hash import SMALLEST, PerceptualHashes
from receptron.data.ingest import Ingested
from receptron.progress import Progress, Silent

NOT_SEARCHED = (
    "copies turned by other angles than quarters, or cropped by more than 5 %",
    f"altered copies of images under {SMALLEST} px, unless mirrored or turned by quarters without any other change",
)
OF_BANDS = ("altered copies of images of bands, unless mirrored or turned by quarters without any other change",)


@dataclass(frozen=True)
class CopyPair:
    """Two images that are copies, by their places in the reading; `first` is less than `second`."""

    first: int
    second: int
    kind: str  # "same file", "same pixels" or "near"
    likeness: float  # 1 for equal ones; for others as far as it was followed, which was far enough
    lies: Orientation = UPRIGHT  # how the second differs from the first


@dataclass(frozen=True)
class Clusters:
    """The sets that copies and copies of copies make, and pairs that link them: enough to hold each set together, not every pair."""

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
    good = [place for place, entry in enumerate(reading.entries) if entry.good]
    sets = DisjointSets(len(reading.entries))
    pairs = _equal(good, [reading.entries[place].sha256 for place in good], "same file", sets)
    pairs += _equal(good, [int(reading.looks.digests[place]) for place in good], "same pixels", sets)
    small = [place for place in good if reading.looks.sides[place] < SMALLEST]
    turned = _equal(small, [int(reading.looks.unoriented[place]) for place in small], "near", sets)
    pairs += [CopyPair(pair.first, pair.second, "near", 1.0, _turned(reading.looks, pair)) for pair in turned]
    links = near_links(reading.looks, np.flatnonzero(reading.looks.sides >= SMALLEST), sets, progress or Silent())
    pairs += [CopyPair(link.first, link.second, "near", link.likeness, link.lies) for link in links]
    return Clusters(tuple(sorted(pairs, key=lambda pair: (pair.first, pair.second))), sets.roots())


def joined(count: int, pairs: Iterable[CopyPair] | Iterable[tuple[int, int]]) -> tuple[int, ...]:
    """Smallest place that each of `count` places is linked with, directly or through others."""
    sets = DisjointSets(count)
    for pair in pairs:
        first, second = (pair.first, pair.second) if isinstance(pair, CopyPair) else pair
        sets.join(first, second)
    return sets.roots()


def _equal(places: list[int], keys: list[str] | list[int], kind: str, sets: DisjointSets) -> list[CopyPair]:
    """Each image that has the key of an earlier one, linked with the first of that key unless it was linked before."""
    first: dict[str | int, int] = {}
    pairs: list[CopyPair] = []
    for place, key in zip(places, keys, strict=True):
        if sets.join(first.setdefault(key, place), place):
            pairs.append(CopyPair(first[key], place, kind, 1.0))
    return pairs


def _turned(looks: PerceptualHashes, pair: CopyPair) -> Orientation:
    """The way in which the first has to be laid to become the second."""
    first, second = looks.grey[[pair.first]].astype(np.float32), looks.grey[[pair.second]]
    return min(ORIENTATIONS, key=lambda way: float(np.abs(way.of(first) - second).sum()))
