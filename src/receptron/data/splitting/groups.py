"""Images that must stay on one side: copies of one another and images of one group, put together."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from receptron.data.deduplication.duplicates import Clusters, joined
from receptron.data.records import Entry
from receptron.wording import counted


@dataclass(frozen=True)
class Unit:
    """Places of images that stay together, and the name that decides where they go."""

    places: tuple[int, ...]
    anchor: str  # the first group name, or the smallest digest

    def draw(self, seed: int) -> float:
        """A number in [0, 1) that follows from the seed and the anchor alone."""
        digest = hashlib.sha256(f"{seed}:{self.anchor}".encode(errors="surrogateescape")).digest()
        return int.from_bytes(digest[:8], "big") / 2**64


def units(entries: Sequence[Entry], clusters: Clusters) -> list[Unit]:
    """All readable images as units, in the order of their first image."""
    members: dict[int, list[int]] = {}
    for place, first in enumerate(linked(entries, clusters)):
        if entries[place].good:
            members.setdefault(first, []).append(place)
    return [Unit(tuple(places), _anchor([entries[place] for place in places])) for places in members.values()]


def linked(entries: Sequence[Entry], clusters: Clusters) -> tuple[int, ...]:
    """For each image the place of the first one that it must stay with."""
    leader: dict[str, int] = {}
    links = [(place, first) for place, first in enumerate(clusters.of)]
    for place, entry in enumerate(entries):
        if entry.item.group is not None and entry.good:
            links.append((place, leader.setdefault(entry.item.group, place)))
    return joined(len(entries), links)


def in_groups(images: str, groups: Sequence[int] | NDArray[np.int64] | None, noun: str) -> str:
    """How many images, and how many groups they are from; with `noun` empty the groups are copies of one photo.

    >>> in_groups("40 images", [0, 0, 1, 2], "patient"), in_groups("4 images", [0, 0, 1, 2], ""), in_groups("2 images", [0, 1], "")
    ('40 images from 3 patients', '4 images (3 counting copies once)', '2 images')
    """
    if groups is None:
        return images
    count = len(set(groups if isinstance(groups, Sequence) else groups.tolist()))
    if noun:
        return f"{images} from {counted(count, noun)}"
    return images if count == len(groups) else f"{images} ({count:,} counting copies once)"


def _anchor(entries: Sequence[Entry]) -> str:
    groups = [entry.item.group for entry in entries if entry.item.group is not None]
    return f"group {min(groups)}" if groups else min(entry.sha256 for entry in entries)
