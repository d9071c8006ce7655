"""Exact windows at one input size: which pixels every single unit sees, borders and all; and which units see a pixel.

For each value and input axis an array of bit masks over the pixels of that axis, shaped to broadcast against the value. Most
dimensions have extent 1 there, so that the arrays stay small; reshapes, windows of attention and shifts are followed number
by number. Axes are followed apart, which is exact as long as no unit sees nothing along one of them (a row of padding alone).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from receptron.analysis.receptive_field.access_patterns import (
    Everywhere,
    Joined,
    Move,
    Permuted,
    Reduced,
    Reshaped,
    Selected,
    Taken,
    Windowed,
    moves_of,
)
from receptron.analysis.receptive_field.axis_tracking import groups
from receptron.analysis.receptive_field.index_relation import Relation, taps
from receptron.analysis.tape import Tape
from receptron.errors import BadValue

Masks = np.ndarray[Any, np.dtype[np.object_]]
Shape = tuple[int, ...]
COLLAPSE_LIMIT = 1 << 18
"""Masks up to which a reshaped array is searched for dimensions along which nothing changes."""


@dataclass(frozen=True)
class Reach:
    """Masks of every value that depends on the source, for each axis of the source."""

    tape: Tape
    source: int
    axes: tuple[int, ...]
    masks: dict[int, tuple[Masks, ...]]

    def extent(self, axis: int) -> int:
        """Pixels of the input along axis number `axis`."""
        return self.tape.values[self.source].shape[self.axes[axis]]

    def widest(self, value: int, axis: int) -> int:
        """Mask of the unit whose first and last pixel lie furthest apart, brought to bit 0."""
        found: list[int] = self.masks[value][axis].ravel().tolist()
        spans = [mask // (mask & -mask) for mask in found if mask]
        return max(spans, key=int.bit_length, default=0)

    def is_global(self, value: int, axis: int) -> bool:
        """Whether every unit sees every pixel of the axis."""
        whole = (1 << self.extent(axis)) - 1
        return all(mask == whole for mask in self.masks[value][axis].ravel().tolist())

    def seen_by(self, value: int, unit: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
        """Pixels along each input axis that a unit sees; `unit` indexes the last dimensions, all of the others count together.

        Raises: BadValue for a unit outside of the value.
        """
        shape = self.tape.values[value].shape
        last = shape[len(shape) - len(unit) :]
        if len(last) != len(unit) or any(not 0 <= i < n for i, n in zip(unit, last, strict=True)):
            raise BadValue(f"there is no unit {unit} in a value of shape {shape}.", mend="give an index below each extent")
        masks = [_at(array, unit) for array in self.masks[value]]
        return tuple(tuple(taps((0, mask))) if all(masks) else () for mask in masks)

    def seeing(self, value: int, pixel: tuple[int, ...]) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which units of a value see a pixel, as an array that broadcasts against the value's shape."""
        seen: np.ndarray[Any, np.dtype[np.bool_]] = np.ones((1,) * len(self.tape.values[value].shape), dtype=bool)
        for masks, position in zip(self.masks[value], pixel, strict=True):
            bits = [bool(mask >> position & 1) for mask in masks.ravel().tolist()]
            seen = seen & np.array(bits, dtype=bool).reshape(masks.shape)
        return seen


def reach_of(tape: Tape, source: int, axes: tuple[int, ...]) -> Reach:
    """Follow the masks of the source's axes (dimensions counted from the end) through the forward pass."""
    shape = tape.values[source].shape
    masks = {source: tuple(_identity(shape, axis) for axis in axes)}
    for call in tape.forward:
        if not any(i in masks for i in call.inputs):
            continue
        for number, out in enumerate(call.outputs):
            arrived = [
                tuple(_through(array, moves, tape.values[operand].shape, tape.values[out].shape) for array in masks[operand])
                for operand, moves in moves_of(tape, call, number).items()
                if operand in masks
            ]
            if arrived:
                masks[out] = tuple(_union(list(arrays)) for arrays in zip(*arrived, strict=True))
    return Reach(tape, source, axes, masks)


def _identity(shape: Shape, axis: int) -> Masks:
    array = np.array([1 << i for i in range(shape[axis])], dtype=object)
    return array.reshape([len(array) if dim - len(shape) == axis else 1 for dim in range(len(shape))])


def _at(masks: Masks, unit: tuple[int, ...]) -> int:
    last = masks.shape[masks.ndim - len(unit) :]
    chosen = masks[(Ellipsis, *(0 if n == 1 else i for i, n in zip(unit, last, strict=True)))]
    return int(np.bitwise_or.reduce(np.asarray(chosen, dtype=object), axis=None))


def _union(arrays: list[Masks]) -> Masks:
    whole = arrays[0]
    for array in arrays[1:]:
        whole = np.bitwise_or(whole, array)
    return whole


def _through(array: Masks, moves: tuple[Move, ...], before: Shape, after: Shape) -> Masks:
    shape = before
    for move in moves:
        array, shape = _step(array, shape, move, after)
    missing = len(after) - array.ndim
    return array.reshape((1,) * missing + array.shape) if missing > 0 else array


def _step(array: Masks, shape: Shape, move: Move, after: Shape) -> tuple[Masks, Shape]:
    match move:
        case Windowed(relations):
            return _windowed(array, shape, relations, after)
        case Reduced(dims, keep):
            axes = tuple(d + array.ndim for d in dims)
            return np.bitwise_or.reduce(array, axis=axes, keepdims=keep), _reduced_shape(shape, axes, keep)
        case Permuted(order):
            return array.transpose(order), tuple(shape[i] for i in order)
        case Reshaped(old, new):
            return reshaped(array, old, new), new
        case Selected(dim, index):
            place = dim + array.ndim
            return np.take(array, 0 if array.shape[place] == 1 else index, axis=place), shape[:place] + shape[place + 1 :]
        case Taken(dim, positions, _):
            place = dim + array.ndim
            taken = array if array.shape[place] == 1 else np.take(array, positions, axis=place)
            return taken, (*shape[:place], len(positions), *shape[place + 1 :])
        case Joined(dim, start, extent):
            return _joined(array, dim + array.ndim, start, extent, after), after
        case Everywhere():
            everything = np.bitwise_or.reduce(array, axis=None)
            return np.array(everything, dtype=object).reshape((1,) * len(after)), after


def _reduced_shape(shape: Shape, axes: tuple[int, ...], keep: bool) -> Shape:
    return tuple(1 if i in axes else n for i, n in enumerate(shape) if keep or i not in axes)


def _windowed(array: Masks, shape: Shape, relations: dict[int, Relation], after: Shape) -> tuple[Masks, Shape]:
    sizes = list(shape)
    for dim, relation in relations.items():
        place = dim + array.ndim
        sizes[place] = after[dim]
        if array.shape[place] == 1 and shape[place] > 1:
            continue
        lines = np.moveaxis(array, place, 0)
        out = np.empty((after[dim], *lines.shape[1:]), dtype=object)
        for o in range(after[dim]):
            found = [lines[tap] for tap in taps(relation.row(o)) if 0 <= tap < shape[place]]
            out[o] = np.bitwise_or.reduce(np.array(found, dtype=object), axis=0) if found else 0
        array = np.moveaxis(out, 0, place)
    return array, tuple(sizes)


def _joined(array: Masks, place: int, start: int, extent: int, after: Shape) -> Masks:
    """Along a dimension where nothing varies the parts unite: channels are not told apart."""
    if (array.shape[place] == 1 and extent > 1) or after[place] == extent:
        return array
    sizes = list(array.shape)
    sizes[place] = after[place]
    out = np.zeros(sizes, dtype=object)
    index = [slice(None)] * array.ndim
    index[place] = slice(start, start + extent)
    out[tuple(index)] = array
    return out


def reshaped(array: Masks, before: Shape, after: Shape) -> Masks:
    """Masks of a reshaped value: only dimensions that split or merge, and vary, are written out."""
    sizes: list[int] = []
    for old, new in groups(before, after):
        if all(array.shape[d] == 1 for d in old):
            sizes += [1] * len(new)
        else:
            full = [before[d] if d in old else n for d, n in enumerate(array.shape)]
            array = np.broadcast_to(array, full)
            sizes += [after[d] for d in new]
    return _collapsed(np.ascontiguousarray(array).reshape(sizes))


def _collapsed(array: Masks) -> Masks:
    """Dimensions along which nothing changes brought to extent 1."""
    if array.size > COLLAPSE_LIMIT:
        return array
    for dim, extent in enumerate(array.shape):
        if extent > 1:
            first = np.take(array, [0], axis=dim)
            if (array == first).all():
                array = first
    return array
