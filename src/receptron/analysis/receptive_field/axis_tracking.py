"""Which dimensions of two shapes with equally many numbers hold the same numbers."""

from dataclasses import dataclass
from math import prod

Shape = tuple[int, ...]
Group = tuple[tuple[int, ...], tuple[int, ...]]
"""Dimensions before and the dimensions after that hold the same numbers."""


def groups(before: Shape, after: Shape) -> list[Group]:
    """The finest matching groups, in order; dimensions of extent 1 go with the group that is open.

    >>> groups((2, 3, 4), (6, 4))
    [((0, 1), (0,)), ((2,), (1,))]
    """
    found: list[Group] = []
    i = j = 0
    while i < len(before) or j < len(after):
        first_i, first_j = i, j
        i, j = min(i + 1, len(before)), min(j + 1, len(after))
        while prod(before[first_i:i]) != prod(after[first_j:j]):
            if prod(before[first_i:i]) < prod(after[first_j:j]):
                i += 1
            else:
                j += 1
        found.append((tuple(range(first_i, i)), tuple(range(first_j, j))))
    return found


@dataclass(frozen=True)
class Lane:
    """Where an axis runs through a tensor: position i along dimension `dim` is index (i // inner) % extent of the axis.

    A lane of its own dimension has inner 1 and the dimension's extent; a merged one shares its dimension with others.
    """

    dim: int
    extent: int
    inner: int = 1


def rerouted(lane: Lane, before: Shape, after: Shape) -> Lane | None:
    """Where the lane runs after a reshape; None if it is split up. Dimensions are counted from the end."""
    dim = lane.dim + len(before)
    for old, new in groups(before, after):
        if dim in old:
            inner = lane.inner * prod(before[d] for d in old if d > dim)
            for d in new:
                behind = prod(after[e] for e in new if e > d)
                if inner % behind == 0 and after[d] % (inner // behind * lane.extent) == 0 and after[d] > 1:
                    return Lane(d - len(after), lane.extent, inner // behind)
            return Lane(new[-1] - len(after), 1) if lane.extent == 1 and new else None
    return None
