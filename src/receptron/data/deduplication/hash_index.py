"""Which hashes lie within a few bits of one another, found without looking at all pairs.

Two hashes that differ in at most 8 of 63 bits differ in at most 2 of the 21 bits of one of three bands. So each band is a table of buckets,
and a hash is looked for in the 232 buckets that differ from its own in up to two bits. Nothing within reach is missed.
Source: Norouzi, Punjani and Fleet 2012, Fast Search in Hamming Space with Multi-Index Hashing, CVPR.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

NEAR = 8  # bits that may differ
_BITS, _BANDS = 21, 3
_KEYS = 1 << _BITS
_REACH = NEAR // _BANDS  # bits that differ at most in the band that differs least
_PROBES = np.array([sum(1 << bit for bit in bits) for reach in range(_REACH + 1) for bits in combinations(range(_BITS), reach)], np.int64)

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class _Band:
    shift: int
    starts: NDArray[np.int32]  # (keys + 1,) where each bucket begins
    entries: NDArray[np.int32]  # places in the index by bucket, within it by set
    keyed: Integers  # bucket and set of each, in one ascending number


class HashIndex:
    """Hashes (N,) of 63 bits, each belonging to a set; hashes are not compared with those of their own set."""

    def __init__(self, hashes: NDArray[np.uint64], sets: Integers) -> None:
        self._hashes = hashes
        self._bands = [_band(hashes, sets, shift) for shift in range(0, _BANDS * _BITS, _BITS)]

    def size(self, hashes: NDArray[np.uint64]) -> int:
        """How many hashes `near` would look at for these, at most."""
        total = 0
        for band in self._bands:
            key = _keys(hashes, band.shift)[:, None] ^ _PROBES
            total += int((band.starts[key + 1] - band.starts[key]).sum())
        return total

    def near(self, hashes: NDArray[np.uint64], sets: Integers) -> tuple[Integers, Integers, NDArray[np.uint8]]:
        """Places in `hashes`, places in the index, and the number of bits in which they differ; a pair may come several times."""
        found: list[tuple[Integers, Integers, NDArray[np.uint8]]] = []
        for band in self._bands:
            asked, places = _candidates(band, _keys(hashes, band.shift), sets)
            distance = np.bitwise_count(hashes[asked] ^ self._hashes[places])
            near = distance <= NEAR
            found.append((asked[near], places[near], distance[near]))
        asked, places, distance = (np.concatenate(column) for column in zip(*found, strict=True))
        return asked, places, distance


def _band(hashes: NDArray[np.uint64], sets: Integers, shift: int) -> _Band:
    keyed = _keys(hashes, shift) << 32 | sets
    order = np.argsort(keyed, kind="stable")
    counts = np.bincount(keyed >> 32, minlength=_KEYS)
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return _Band(shift, starts, order.astype(np.int32), keyed[order])


def _keys(hashes: NDArray[np.uint64], shift: int) -> Integers:
    return (hashes >> np.uint64(shift)).astype(np.int64) & (_KEYS - 1)


def _candidates(band: _Band, keys: Integers, sets: Integers) -> tuple[Integers, Integers]:
    """All in the buckets within reach of each key, but for those of its own set, which lie together."""
    probed = keys[:, None] ^ _PROBES
    asked, which = np.nonzero(band.starts[probed + 1] > band.starts[probed])
    bucket = probed[asked, which]
    own = bucket << 32 | sets[asked]
    before, after = (np.searchsorted(band.keyed, own, side).astype(np.int64) for side in ("left", "right"))
    start = np.concatenate([band.starts[bucket].astype(np.int64), after])
    stop = np.concatenate([before, band.starts[bucket + 1].astype(np.int64)])
    places = band.entries[_ranges(start, stop)].astype(np.int64)
    return np.repeat(np.concatenate([asked, asked]), stop - start), places


def _ranges(start: Integers, stop: Integers) -> Integers:
    """All numbers of each range [start, stop), one range after the other."""
    length = stop - start
    ends = np.cumsum(length)
    return np.arange(int(ends[-1]) if len(ends) else 0) + np.repeat(start - (ends - length), length)
