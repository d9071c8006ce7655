"""Receptive fields on any network: size, jump, start and padding per axis, borders aside, holes and branches included.

Branches unite; where one of them sees everything (global pooling, attention, group norm) the layer is global, and the field
along its other paths is told beside it.
"""

from dataclasses import dataclass, replace
from enum import Enum
from fractions import Fraction

from receptron.analysis.receptive_field.access_patterns import UNKNOWN_REACH, adds_up_what_it_took_apart, is_worked_out, moves_of
from receptron.analysis.receptive_field.axis_tracking import Lane, rerouted
from receptron.analysis.receptive_field.exact_masks import Reach, reach_of
from receptron.analysis.receptive_field.index_relation import IDENTITY, Relation, placed, window
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
from receptron.analysis.receptive_field.spatial_axes import spatial_axes
from receptron.analysis.tape import Tape
from receptron.errors import BadValue, NotLocal
from receptron.wording import counted


class FieldScope(Enum):
    """What a layer sees along an axis."""

    LOCAL = "local"
    GLOBAL = "global"
    SIZED = "at this size"
    NOTHING = "nothing"


@dataclass(frozen=True)
class AxisField:
    """Field along one axis, in pixels of the input.

    size: from the first to the last pixel seen. taken: pixels really seen, dilation holes left out. jump: between neighbours.
    start: centre of the first output's window, from the centre of the first pixel. padding: pixels that window reaches out
    before the input. local: size along the paths that see no whole map, None if there is none. For scope "at this size" the
    numbers are those of the widest unit of this very input size; for "global" they are its extent.
    """

    scope: str
    size: int
    taken: int
    jump: float
    start: float
    padding: int
    local: int | None


@dataclass(frozen=True)
class Field:
    """Receptive field of a layer.

    Attributes:
        layer: Its path; empty for the network's output.
        axes: One entry per spatial axis of the input.

    Example:
        >>> from torch import nn
        >>> from receptron.analysis import record
        >>> axis = receptive_field(record(nn.Conv2d(3, 8, 3, dilation=2), (3, 32, 32))).axes[0]
        >>> axis.size, axis.taken, axis.jump
        (5, 3, 1.0)
    """

    layer: str
    axes: tuple[AxisField, ...]

    @property
    def size(self) -> tuple[int, ...]:
        """Pixels along each axis. Raises: NotLocal if the layer sees everything along one."""
        for axis in self.axes:
            if axis.scope == FieldScope.GLOBAL.value:
                raise NotLocal(
                    f"{self.layer or 'the network'} sees the whole input, whatever its size.",
                    why="a global pooling, attention or a norm over the map lies before it",
                    mend="ask for a layer before that, or for the field along its local paths",
                )
        return tuple(axis.size for axis in self.axes)


State = Relation | FieldScope


@dataclass(frozen=True)
class AxisState:
    """What a value reads along one axis of the input, and where in the value that axis runs."""

    state: State
    lane: Lane


_NOTHING = AxisState(FieldScope.NOTHING, Lane(0, 0))


def receptive_field(tape: Tape, layer: str = "", source: int = 0) -> Field:
    """Window of the input that one output of a layer sees; where branches meet, the widest wins.

    Args:
        tape: A recorded network.
        layer: Path of a module; empty for the network's output.
        source: Number of the input, where there are several.

    Returns:
        Size, jump, start and padding in px, per axis.

    Raises:
        UnknownName: For a layer that did not run; near paths are told.
        BadValue: For an input that is not there.

    Source: Araujo, Norris and Sim 2019, Computing Receptive Fields of Convolutional Neural Networks, Distill; here with exact sets instead
    of their bounds, for any graph.

    Example:
        >>> from receptron import build, record
        >>> receptive_field(record(build("resnet18"), (3, 224, 224)), "stages.0").size
        (43, 43)
    """
    return field_of(Fields(tape, source), tape.output_of(layer), layer)


class Fields:
    """Receptive fields of every value of a tape, worked out once.

    Args:
        tape: A recorded network.
        source: Number of the input, where there are several.

    Raises:
        BadValue: For an input that is not there.

    Example:
        >>> from torch import nn
        >>> from receptron.analysis import record
        >>> fields = Fields(record(nn.Conv2d(3, 8, 3), (3, 24, 32)))
        >>> fields.axes, fields.extents
        ((-2, -1), (24, 32))
    """

    def __init__(self, tape: Tape, source: int = 0) -> None:
        self.tape = tape
        if not 0 <= source < len(tape.inputs):
            raise BadValue(
                f"{tape.name} has no input number {source}.", why=f"it takes {counted(len(tape.inputs), 'input')}, counted from 0"
            )
        self.source = tape.inputs[source]
        shape = tape.values[self.source].shape
        self.axes = spatial_axes(tape, self.source)
        self.extents = tuple(shape[axis] for axis in self.axes)
        self.all_paths = _propagate(tape, self.source, self.axes, through_global=True)
        self.local_paths = _propagate(tape, self.source, self.axes, through_global=False)
        self._reach: Reach | None = None

    @property
    def reach(self) -> Reach:
        """Exact windows at this size; worked out when first asked for."""
        if self._reach is None:
            self._reach = reach_of(self.tape, self.source, self.axes)
        return self._reach

    @property
    def unworked(self) -> dict[str, str]:
        """Operators on the way whose reach is taken to be larger than it may be, each with the reason."""
        found: dict[str, str] = {}
        for call in self.tape.forward:
            if not self.all_paths.keys().isdisjoint(call.inputs):
                if not is_worked_out(self.tape, call):
                    found[call.op] = UNKNOWN_REACH
                elif call.op == "col2im" and adds_up_what_it_took_apart(self.tape, call):
                    found[call.op] = "which number of its window a column holds is not followed; taken is the whole window"
        return found

    def state(self, value: int, axis: int) -> tuple[State, State]:
        """What a value reads along one axis: by all paths, and by those that see no whole map.

        Args:
            value: Its number on the tape.
            axis: Number of the input's spatial axis, from 0.

        Returns:
            A relation of positions where the field is local, otherwise its scope.

        Example:
            >>> from torch import nn
            >>> from receptron.analysis import record
            >>> tape = record(nn.Sequential(nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1)), (3, 32, 32))
            >>> Fields(tape).state(tape.outputs[0], 0)[0].name
            'GLOBAL'
        """
        nothing = (_NOTHING,) * len(self.axes)
        return self.all_paths.get(value, nothing)[axis].state, self.local_paths.get(value, nothing)[axis].state


def field_of(fields: Fields, value: int, layer: str = "") -> Field:
    """Field of one value of the tape."""
    return Field(layer, tuple(_axis_field(fields, value, i) for i in range(len(fields.axes))))


def _axis_field(fields: Fields, value: int, axis: int) -> AxisField:
    state, local = fields.state(value, axis)
    along_local = local.size if isinstance(local, Relation) and local.size else None
    extent = fields.extents[axis]
    match state:
        case Relation():
            return AxisField(
                FieldScope.LOCAL.value, state.size, state.taken, _number(state.jump), _number(state.start), max(-state.first, 0), state.size
            )
        case FieldScope.GLOBAL:
            return AxisField(FieldScope.GLOBAL.value, extent, extent, 0.0, (extent - 1) / 2, 0, along_local)
        case FieldScope.SIZED:
            widest = fields.reach.widest(value, axis)
            whole = FieldScope.GLOBAL if fields.reach.is_global(value, axis) else FieldScope.SIZED
            return AxisField(whole.value, widest.bit_length(), widest.bit_count(), 0.0, (extent - 1) / 2, 0, along_local)
        case _:
            return AxisField(FieldScope.NOTHING.value, 0, 0, 0.0, 0.0, 0, None)


def _number(value: Fraction) -> float:
    return value.numerator / value.denominator


def _propagate(tape: Tape, source: int, axes: tuple[int, ...], *, through_global: bool) -> dict[int, tuple[AxisState, ...]]:
    """State of each value that depends on the source."""
    shape = tape.values[source].shape
    states = {source: tuple(AxisState(IDENTITY, Lane(axis, shape[axis])) for axis in axes)}
    for call in tape.forward:
        if not any(i in states for i in call.inputs):
            continue
        for number, out in enumerate(call.outputs):
            moves = moves_of(tape, call, number)
            arrived = [
                tuple(_through(axis, way, tape.values[operand].shape, tape.values[out].shape, through_global) for axis in states[operand])
                for operand, way in moves.items()
                if operand in states
            ]
            patch = next((way[0] for way in moves.values() if way and isinstance(way[0], Outside)), None)
            if len(arrived) == 2 and patch and {side.dim for side in patch.sides} & {axis.lane.dim for part in arrived for axis in part}:
                written, kept = arrived
                states[out] = tuple(_wider(*pair) if patch.share < 0.5 else _wider(*pair[::-1]) for pair in zip(written, kept, strict=True))
            elif arrived:
                states[out] = tuple(_union(parts) for parts in zip(*arrived, strict=True))
    return states


def _wider(one: AxisState, other: AxisState) -> AxisState:
    """Of two parts of a map that lie beside each other the one that sees more; the first if they see the same."""
    if isinstance(one.state, Relation) and isinstance(other.state, Relation) and one.state.size and other.state.size:
        return other if other.state.size > one.state.size else one
    return _union((one, other))


def _through(axis: AxisState, moves: tuple[Move, ...], before: tuple[int, ...], after: tuple[int, ...], through_global: bool) -> AxisState:
    for move in moves:
        if not isinstance(axis.state, Relation):
            return axis
        if isinstance(move, Normalised) and not through_global:
            continue
        axis = _step(axis, axis.state, move, after)
        if axis.state is FieldScope.GLOBAL and not through_global:
            return _NOTHING
    return _broadcast(axis, before, after)


def _step(axis: AxisState, state: Relation, move: Move, after: tuple[int, ...]) -> AxisState:
    lane = axis.lane
    match move:
        case Windowed(relations, extents) if lane.dim in relations:
            return _read(axis, state, relations[lane.dim], extents[lane.dim] if extents else after[lane.dim])
        case Rearranged(_, relations) if lane.dim in relations:
            return _read(axis, state, relations[lane.dim], after[lane.dim])
        case Unfolded(dim, size, step):
            made = _read(axis, state, window(size, step), after[dim - 1]) if dim == lane.dim else axis
            return replace(made, lane=replace(made.lane, dim=made.lane.dim - 1))
        case Normalised(dims) if lane.dim in dims:
            return AxisState(FieldScope.GLOBAL, lane)
        case Reduced(dims, keep):
            if lane.dim in dims:
                return AxisState(FieldScope.GLOBAL, lane)
            return axis if keep else AxisState(state, replace(lane, dim=lane.dim + sum(1 for d in dims if d > lane.dim)))
        case Permuted(order):
            return AxisState(state, replace(lane, dim=order.index(lane.dim + len(order)) - len(order)))
        case Reshaped(old, new):
            route = rerouted(lane, old, new)
            return AxisState(FieldScope.SIZED, lane) if route is None else AxisState(state, route)
        case Selected(gone, _) if gone != lane.dim:
            return AxisState(state, replace(lane, dim=lane.dim + (1 if gone > lane.dim else 0)))
        case Taken(taken, positions, relation) if taken == lane.dim:
            return AxisState(FieldScope.SIZED, lane) if relation is None else _read(axis, state, relation, len(positions))
        case Inserted(dim, start, step, _, extent) if dim == lane.dim:
            return _read(axis, state, placed(start, step), extent)
        case Joined(joined, _, _) if joined == lane.dim:
            return AxisState(FieldScope.SIZED, lane)
        case Selected() | Everywhere():
            return AxisState(FieldScope.SIZED, lane)
        case _:
            return axis


def _read(axis: AxisState, state: Relation, relation: Relation, extent: int) -> AxisState:
    """A window along the axis; along a dimension that it shares with others a window would mix them up."""
    if axis.lane.inner > 1:
        return AxisState(FieldScope.SIZED, axis.lane)
    return AxisState(relation.after(state), replace(axis.lane, extent=extent))


def _broadcast(axis: AxisState, before: tuple[int, ...], after: tuple[int, ...]) -> AxisState:
    """A map of one position that is spread over many keeps no place of its own."""
    dim = axis.lane.dim
    spread_out = isinstance(axis.state, Relation) and axis.lane.extent == 1 and -len(after) <= dim and after[dim] > 1
    return AxisState(FieldScope.SIZED, axis.lane) if spread_out else axis


def _union(parts: tuple[AxisState, ...]) -> AxisState:
    for scope in (FieldScope.GLOBAL, FieldScope.SIZED):
        for part in parts:
            if part.state is scope:
                return part
    whole = _NOTHING
    for part in parts:
        whole = _joined(whole, part)
    return whole


def _joined(one: AxisState, other: AxisState) -> AxisState:
    if not isinstance(one.state, Relation) or not isinstance(other.state, Relation):
        return other if one.state is FieldScope.NOTHING else one
    both = one.state.joined(other.state) if one.lane == other.lane else None
    return AxisState(FieldScope.SIZED, one.lane) if both is None else AxisState(both, one.lane)
