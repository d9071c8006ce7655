"""Random numbers without a state: drawn from a key, so that any step of a run can be made again from its name alone.

A sampler or augmentation that keeps no state needs no state saved: resuming, the number of workers and the order of
work change nothing.
"""

import hashlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def keyed(*parts: int | str) -> np.random.Generator:
    """A generator that depends on `parts` alone: Philox (Salmon et al. 2011) under a BLAKE2b key of them.

    >>> float(keyed(7, "crop", 3, "a.jpg").random()) == float(keyed(7, "crop", 3, "a.jpg").random())
    True
    """
    return np.random.Generator(np.random.Philox(key=int.from_bytes(_digest(parts, 16), "little")))


def order(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Permutation of 0..count-1 in which epoch `epoch` visits the images."""
    return keyed(seed, "order", epoch).permutation(count)


def uniforms(names: Sequence[str], seed: int, epoch: int, columns: int) -> NDArray[np.float64]:
    """Numbers in [0, 1), shape (names, columns), each row drawn from (seed, epoch, name) alone.

    A whole batch at once: SplitMix64 (Steele et al. 2014) over the key of each name and the number of the column.
    """
    base = np.array([_key(name) for name in names], np.uint64) ^ np.uint64(int.from_bytes(_digest((seed, epoch), 8), "little"))
    with np.errstate(over="ignore"):
        state = _mix(base)[:, None] + _GOLDEN * np.arange(1, columns + 1, dtype=np.uint64)
        return (_mix(state) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _mix(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finaliser."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@lru_cache(maxsize=200_000)
def _key(name: str) -> int:
    return int.from_bytes(_digest((name,), 8), "little")


def _digest(parts: Sequence[int | str], size: int) -> bytes:
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in parts)
    return hashlib.blake2b(text.encode(errors="surrogateescape"), digest_size=size).digest()
