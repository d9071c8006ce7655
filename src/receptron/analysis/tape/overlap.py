"""Where one view of a storage lies within another: what writing to a slice of a tensor changes of the tensor.

Views are told by sizes, strides and offset, as torch has them. What is found is a box: along each dimension of the outer view from
where, in which steps and how many of its positions belong to the inner one, and which dimension of that runs there.
"""

from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

Numbers = tuple[int, ...]


class Strided(NamedTuple):
    """How a tensor lies in its storage: strides and offset in its own numbers, of `bytes_each`."""

    shape: Numbers
    stride: Numbers
    offset: int
    bytes_each: int = 4


class Side(NamedTuple):
    """One dimension of the outer view: the positions start, start + step, ... that belong to the inner one, and its dimension there.

    `inner` is -1 where the inner view has no dimension there and lies at one position.
    """

    start: int
    step: int
    length: int
    inner: int


Box = tuple[Side, ...]
"""One side for each dimension of the outer view."""


class Overwritten(NamedTuple):
    """What two views of a storage have to do with each other: the box that the written one fills of the read one, or the other way round.

    Without either they overlap in a way that is not worked out.
    """

    within: Box | None
    around: Box | None


def overwritten(written: Strided | None, read: Strided | None) -> Overwritten:
    """How a view that was written to lies to one that is read afterwards; None stands for tensors without strides."""
    if written is None or read is None:
        return Overwritten(None, None)
    within = box_of(written, read)
    return Overwritten(within, box_of(read, written) if within is None else None)


def box_of(inner: Strided, outer: Strided) -> Box | None:
    """The box that `inner` fills of `outer`; None if it lies elsewhere, or not along the outer dimensions.

    >>> row_of_columns = box_of(Strided((2, 3), (4, 1), 1), Strided((2, 4), (4, 1), 0))  # x[:, 1:4]
    >>> [tuple(side) for side in row_of_columns]
    [(0, 1, 2, 0), (1, 1, 3, 1)]
    """
    if inner.bytes_each != outer.bytes_each:
        return None
    rest = inner.offset - outer.offset
    starts: dict[int, int] = {}
    wide = sorted((d for d, n in enumerate(outer.shape) if n > 1), key=lambda d: -outer.stride[d])
    for dim in wide:
        if outer.stride[dim] <= 0 or rest < 0:
            return None
        starts[dim], rest = divmod(rest, outer.stride[dim])
        if starts[dim] >= outer.shape[dim]:
            return None
    if rest:
        return None
    sides = [Side(starts.get(d, 0), 1, 1, -1) for d in range(len(outer.shape))]
    for dim, (count, stride) in sorted(enumerate(zip(inner.shape, inner.stride, strict=True)), key=lambda row: row[1][0] == 1):
        if count == 1:  # lies at one position; its dimension is the one in the same place, where there is one
            if len(inner.shape) == len(outer.shape) and sides[dim].inner < 0:
                sides[dim] = sides[dim]._replace(inner=dim)
            continue
        at = next((d for d in wide if _runs(count, stride, outer.shape[d] - starts[d], outer.stride[d])), None)
        if at is None or sides[at].inner >= 0:
            return None
        sides[at] = Side(starts[at], stride // outer.stride[at], count, dim)
    return tuple(sides)


@lru_cache(1 << 10)
def apart(one: Strided, other: Strided) -> bool:
    """Whether two views of a storage share no number, as far as their strides tell: those of both nest within each other.

    >>> apart(Strided((6, 4), (12, 1), 0), Strided((6, 4), (12, 1), 4))  # two parts of a split
    True
    """
    steps = sorted({1, *[s for view in (one, other) for n, s in zip(view.shape, view.stride, strict=True) if n > 1]}, reverse=True)
    if one.bytes_each != other.bytes_each or any(step < 1 or wide % step for wide, step in pairwise([*steps, 1])):
        return False
    runs = _places(one, steps), _places(other, steps)
    return all(runs) and any(a.stop <= b.start or b.stop <= a.start for a, b in zip(*runs, strict=True))


def _places(view: Strided, steps: list[int]) -> list[range]:
    """Where a view lies along each of the nested strides; none where two of its dimensions share one, or a run leaves its turn."""
    lengths = {stride: 1 for stride in steps}
    for count, stride in zip(view.shape, view.stride, strict=True):
        if count != 1 and lengths[stride] > 1:
            return []
        if count != 1:
            lengths[stride] = count
    found: list[range] = []
    rest = view.offset
    for wide, step in zip([0, *steps], steps, strict=False):
        start, rest = divmod(rest, step)
        if wide and start + lengths[step] > wide // step:
            return []
        found.append(range(start, start + lengths[step]))
    return found


def _runs(count: int, stride: int, room: int, outer: int) -> bool:
    """Whether steps of `stride` stay on the positions of a dimension of that stride, of which `room` are left."""
    return stride > 0 and stride % outer == 0 and (count - 1) * (stride // outer) < room
