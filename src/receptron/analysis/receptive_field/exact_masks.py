"""Exact windows at one input size: which pixels every single unit sees, borders and all; and which units see a pixel.

For each value and input axis an array of bit masks over the pixels of that axis, shaped to broadcast against the value, with the
words of a mask along one dimension more at the end. Most dimensions have extent 1 there, so that the arrays stay small; reshapes,
windows of attention and shifts are followed number by number. Axes are followed apart, which is exact as long as no unit sees nothing
along one of them (a row of padding alone).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from itertools import chain
from typing import Any

import numpy as np

from receptron.analysis.receptive_field.access_patterns import moves_of
from receptron.analysis.receptive_field.axis_tracking import groups
from receptron.analysis.receptive_field.index_relation import Relation, taps
from receptron.analysis.receptive_field.moves import (
    Everywhere,
    Inserted,
    Joined,
    Move,
    Normalised,
    Outside,
    Permuted,
    Rearranged,
    Reduced,
    Reshaped,
    Selected,
    Taken,
    Unfolded,
    Windowed,
)
from receptron.analysis.tape import Tape
from receptron.errors import BadValue

Masks = np.ndarray[Any, np.dtype[np.uint64]]
Parts = tuple[Masks, ...]
"""Arrays whose union is meant: the scores of attention depend on rows here and on columns there, and all pairs would be many."""
Shape = tuple[int, ...]
WORD = 64
"""Pixels to a word."""
COLLAPSE_LIMIT = 1 << 18
"""Words up to which a reshaped array is searched for dimensions along which nothing changes."""


@dataclass(frozen=True)
class Reach:
    """Masks of every value that depends on the source, for each axis of the source."""

    tape: Tape
    source: int
    axes: tuple[int, ...]
    masks: dict[int, tuple[Parts, ...]]

    def extent(self, axis: int) -> int:
        """Pixels of the input along axis number `axis`."""
        return self.tape.values[self.source].shape[self.axes[axis]]

    def widest(self, value: int, axis: int) -> int:
        """Mask of the unit whose first and last pixel lie furthest apart, brought to bit 0."""
        spans = [mask // (mask & -mask) for mask in _numbers(_whole(self.masks[value][axis])) if mask]
        return max(spans, key=int.bit_length, default=0)

    def is_global(self, value: int, axis: int) -> bool:
        """Whether every unit sees every pixel of the axis."""
        return _numbers(_whole(self.masks[value][axis])) == {(1 << self.extent(axis)) - 1}

    def seen_by(self, value: int, unit: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
        """Pixels along each input axis that a unit sees; `unit` indexes the last dimensions, all of the others count together.

        Raises: BadValue for a unit outside of the value.
        """
        shape = self.tape.values[value].shape
        last = shape[len(shape) - len(unit) :]
        if len(last) != len(unit) or any(not 0 <= i < n for i, n in zip(unit, last, strict=True)):
            raise BadValue(f"there is no unit {unit} in a value of shape {shape}.", mend="give an index below each extent")
        masks = [_at(_whole(parts), unit) for parts in self.masks[value]]
        return tuple(tuple(taps((0, mask))) if all(masks) else () for mask in masks)


def reach_of(tape: Tape, source: int, axes: tuple[int, ...]) -> Reach:
    """Follow the masks of the source's axes (dimensions counted from the end) through the forward pass."""
    shape = tape.values[source].shape
    masks: dict[int, tuple[Parts, ...]] = {source: tuple((_identity(shape, axis),) for axis in axes)}
    for call in tape.forward:
        if not any(i in masks for i in call.inputs):
            continue
        for number, out in enumerate(call.outputs):
            arrived = [
                tuple(_through(parts, moves, tape.values[operand].shape, tape.values[out].shape) for parts in masks[operand])
                for operand, moves in moves_of(tape, call, number).items()
                if operand in masks
            ]
            if arrived:
                masks[out] = tuple(_united(chain(*several)) for several in zip(*arrived, strict=True))
    return Reach(tape, source, axes, masks)


def _identity(shape: Shape, axis: int) -> Masks:
    extent = shape[axis]
    masks = np.zeros((extent, -(-extent // WORD)), dtype=np.uint64)
    for pixel in range(extent):
        masks[pixel, pixel // WORD] = 1 << pixel % WORD
    return masks.reshape([*(extent if dim - len(shape) == axis else 1 for dim in range(len(shape))), masks.shape[1]])


def _numbers(masks: Masks) -> set[int]:
    """The different masks, each as one number."""
    width = 8 * masks.shape[-1]
    data = np.ascontiguousarray(masks).astype("<u8").tobytes()
    return {int.from_bytes(data[i : i + width], "little") for i in range(0, len(data), width)}


def _at(masks: Masks, unit: tuple[int, ...]) -> int:
    last = masks.shape[masks.ndim - 1 - len(unit) : -1]
    chosen = masks[(Ellipsis, *(0 if n == 1 else i for i, n in zip(unit, last, strict=True)), slice(None))]
    return _numbers(np.bitwise_or.reduce(chosen.reshape(-1, masks.shape[-1]), axis=0)).pop()


def _united(arrays: Iterable[Masks]) -> Parts:
    """The same union in few parts: an array is put into another where that need not grow for it."""
    parts: list[Masks] = []
    for array in sorted(arrays, key=lambda array: -array.size):
        for i, part in enumerate(parts):
            if np.broadcast_shapes(array.shape, part.shape) == part.shape:
                parts[i] = np.bitwise_or(part, array)
                break
        else:
            parts.append(array)
    return tuple(parts)


def _whole(parts: Parts) -> Masks:
    return reduce(np.bitwise_or, parts)


def _through(parts: Parts, moves: tuple[Move, ...], before: Shape, after: Shape) -> Parts:
    return _united(_moved(array, moves, before, after) for array in parts)


def _moved(array: Masks, moves: tuple[Move, ...], before: Shape, after: Shape) -> Masks:
    shape = before
    for move in moves:
        array, shape = _step(array, shape, move, after)
    missing = len(after) + 1 - array.ndim
    return array.reshape((1,) * missing + array.shape) if missing > 0 else array


def _step(array: Masks, shape: Shape, move: Move, after: Shape) -> tuple[Masks, Shape]:
    match move:
        case Windowed(relations, extents):
            return _windowed(array, shape, relations, extents or {dim: after[dim] for dim in relations})
        case Normalised(dims):
            return np.bitwise_or.reduce(array, axis=tuple(d + len(shape) for d in dims), keepdims=True), shape
        case Unfolded(dim, size, step):
            return _unfolded(array, dim + len(shape), size, step, after), after
        case Rearranged(exactly, _):
            for inner in exactly:
                array, shape = _step(array, shape, inner, after)
            return array, shape
        case Reduced(dims, keep):
            axes = tuple(d + len(shape) for d in dims)
            return np.bitwise_or.reduce(array, axis=axes, keepdims=keep), _reduced_shape(shape, axes, keep)
        case Permuted(order):
            return array.transpose(*order, len(order)), tuple(shape[i] for i in order)
        case Reshaped(old, new):
            return reshaped(array, old, new), new
        case Selected(dim, index):
            axis = dim + len(shape)
            return np.take(array, 0 if array.shape[axis] == 1 else index, axis=axis), shape[:axis] + shape[axis + 1 :]
        case Taken(dim, positions, _):
            axis = dim + len(shape)
            taken = array if array.shape[axis] == 1 else np.take(array, positions, axis=axis)
            return taken, (*shape[:axis], len(positions), *shape[axis + 1 :])
        case Joined(dim, start, extent):
            return _joined(array, dim + len(shape), start, extent, after), after
        case Inserted(dim, start, step, count, extent):
            return _placed(array, dim + len(shape), slice(start, start + step * count, step), extent), after
        case Outside(sides):
            return _outside(array, sides), shape
        case Everywhere():
            everything = np.bitwise_or.reduce(array.reshape(-1, array.shape[-1]), axis=0)
            return everything.reshape((*(1,) * len(after), -1)), after


def _reduced_shape(shape: Shape, axes: tuple[int, ...], keep: bool) -> Shape:
    return tuple(1 if i in axes else n for i, n in enumerate(shape) if keep or i not in axes)


def _windowed(array: Masks, shape: Shape, relations: dict[int, Relation], extents: dict[int, int]) -> tuple[Masks, Shape]:
    sizes = list(shape)
    for dim, relation in relations.items():
        axis = dim + len(shape)
        sizes[axis] = extents[dim]
        if array.shape[axis] > 1 or shape[axis] == 1:
            array = _read(array, axis, relation, extents[dim])
    return array, tuple(sizes)


def _read(array: Masks, axis: int, relation: Relation, outputs: int) -> Masks:
    """What each output reads of a dimension, all in one; a line of nothing stands for what lies outside."""
    lines = np.moveaxis(array, axis, 0)
    rows = [[tap for tap in taps(relation.row(o)) if 0 <= tap < len(lines)] for o in range(outputs)]
    longest = max(map(len, rows), default=0)
    if longest == 1 and all(rows):
        return np.moveaxis(lines[[row[0] for row in rows]], 0, axis)
    lines = np.concatenate([lines, np.zeros_like(lines[:1])])
    read = np.array([row + [len(lines) - 1] * (longest - len(row)) for row in rows]).reshape(outputs, longest)
    out = np.zeros((outputs, *lines.shape[1:]), dtype=np.uint64)
    for tap in range(longest):
        out |= lines[read[:, tap]]
    return np.moveaxis(out, 0, axis)


def _joined(array: Masks, axis: int, start: int, extent: int, after: Shape) -> Masks:
    """Along a dimension where nothing varies the parts unite: channels are not told apart."""
    if (array.shape[axis] == 1 and extent > 1) or after[axis] == extent:
        return array
    sizes = list(array.shape)
    sizes[axis] = after[axis]
    out = np.zeros(sizes, dtype=np.uint64)
    index = [slice(None)] * array.ndim
    index[axis] = slice(start, start + extent)
    out[tuple(index)] = array
    return out


def _unfolded(array: Masks, axis: int, size: int, step: int, after: Shape) -> Masks:
    if array.shape[axis] == 1:
        return np.expand_dims(array, -2)
    places = np.arange(after[axis])[:, None] * step + np.arange(size)
    return np.moveaxis(np.take(array, places, axis=axis), axis + 1, -2)


def _placed(array: Masks, axis: int, where: slice, extent: int) -> Masks:
    """Lines of a dimension at other places, nothing between them; where that would take much room and nothing varies, as for `_joined`."""
    count = len(range(extent)[where])
    array = _written_out(array, axis, count)
    if array.shape[axis] < count:
        return array
    out = np.zeros([extent if d == axis else n for d, n in enumerate(array.shape)], dtype=np.uint64)
    out[(slice(None),) * axis + (where,)] = array
    return out


def _outside(array: Masks, sides: tuple[Inserted, ...]) -> Masks:
    """Without the lines that were written to, where they are whole; with a box of several sides all lines keep something."""
    (side, *others) = sides
    axis = side.dim + array.ndim - 1
    if others or _written_out(array, axis, side.extent).shape[axis] < side.extent:
        return array
    out = _written_out(array, axis, side.extent).copy()
    out[(slice(None),) * axis + (slice(side.start, side.start + side.step * side.count, side.step),)] = 0
    return out


def _written_out(array: Masks, axis: int, extent: int) -> Masks:
    """A dimension along which nothing varies with all its lines, if they take little room."""
    if array.shape[axis] > 1 or array.size * extent > COLLAPSE_LIMIT:
        return array
    return np.broadcast_to(array, [extent if d == axis else n for d, n in enumerate(array.shape)])


def reshaped(array: Masks, before: Shape, after: Shape) -> Masks:
    """Masks of a reshaped value: only dimensions that split or merge, and vary, are written out."""
    sizes: list[int] = []
    for old, new in groups(before, after):
        if all(array.shape[d] == 1 for d in old):
            sizes += [1] * len(new)
        else:
            full = [*(before[d] if d in old else n for d, n in enumerate(array.shape[:-1])), array.shape[-1]]
            array = np.broadcast_to(array, full)
            sizes += [after[d] for d in new]
    return _collapsed(np.ascontiguousarray(array).reshape(*sizes, array.shape[-1]))


def _collapsed(array: Masks) -> Masks:
    """Dimensions along which nothing changes brought to extent 1."""
    if array.size > COLLAPSE_LIMIT:
        return array
    for dim, extent in enumerate(array.shape[:-1]):
        if extent > 1:
            first = np.take(array, [0], axis=dim)
            if (array == first).all():
                array = first
    return array
