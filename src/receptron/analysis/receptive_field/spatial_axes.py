"""Which axes of an input are space: those along which windows move, not the one that convolutions and products sum up as channels."""

from receptron.analysis.receptive_field.access_patterns import moves_of
from receptron.analysis.receptive_field.axis_tracking import Lane, rerouted
from receptron.analysis.receptive_field.moves import Move, Permuted, Rearranged, Reduced, Reshaped, Selected, Unfolded, Windowed
from receptron.analysis.receptive_field.windows import WINDOWED
from receptron.analysis.tape import Tape
from receptron.analysis.tape.operators import MULTIPLIED

_MOVING = frozenset([*WINDOWED, "im2col", "col2im", "pixel_shuffle", "pixel_unshuffle"])
"""Operators whose windows move over places; a slice reads along any dimension."""


def spatial_axes(tape: Tape, source: int) -> tuple[int, ...]:
    """Axes of an input counted from the end, the batch never among them.

    An axis along which a window moves is space, one that a product with weights sums up before that is channels. Where no axis is known to
    be space, all that are not channels are; and where that leaves none, all behind batch and channels, or the last one. An axis of which
    parts are summed up before any window moves is space too.
    """
    shape = tape.values[source].shape
    axes = range(1 - len(shape), 0)
    roles = {axis: _role(tape, source, axis) for axis in axes}
    first = min((call for role, call in roles.values() if role == "space"), default=None)
    if first is not None:
        return tuple(axis for axis, (role, call) in roles.items() if role == "space" or (role == "lost" and call < first))
    if any(role == "channels" for role, _ in roles.values()):
        space = tuple(axis for axis, (role, _) in roles.items() if role != "channels" and shape[axis] > 1)
        if space:
            return space
    return tuple(range(2 - len(shape), 0)) if len(shape) > 2 else (-1,)


def _role(tape: Tape, source: int, axis: int) -> tuple[str, int]:
    """Space, channels, lost where something else than a product sums it up, or nothing; and the number of the call that shows it."""
    lanes, fed = {source: Lane(axis, tape.values[source].shape[axis])}, {source}
    lost: int | None = None
    for place, call in enumerate(tape.forward):
        if not fed & {*call.inputs}:
            continue
        by_weights = call.op in MULTIPLIED and len(fed & {*call.inputs}) == 1
        fed |= {*call.outputs}
        for number, out in enumerate(call.outputs):
            for operand, moves in moves_of(tape, call, number).items():
                lane = lanes.get(operand)
                for move in moves:
                    if lane is None:
                        break
                    if call.op in _MOVING and isinstance(move, Windowed | Rearranged) and lane.dim in move.relations:
                        return "space", place
                    if isinstance(move, Reduced) and lane.dim in move.dims:
                        if by_weights:
                            return "channels", place
                        lane = None
                    else:
                        lane = _after(lane, move)
                    lost = place if lane is None and lost is None else lost
                if lane is not None:
                    lanes.setdefault(out, lane)
    return ("", -1) if lost is None else ("lost", lost)


def _after(lane: Lane, move: Move) -> Lane | None:
    """Where an axis runs after a move; None where it is lost."""
    match move:
        case Reduced(dims, False):
            return Lane(lane.dim + sum(1 for d in dims if d > lane.dim), lane.extent, lane.inner)
        case Permuted(order):
            return Lane(order.index(lane.dim + len(order)) - len(order), lane.extent, lane.inner)
        case Reshaped(before, after):
            return rerouted(lane, before, after)
        case Selected(gone, _):
            return None if gone == lane.dim else Lane(lane.dim + (1 if gone > lane.dim else 0), lane.extent, lane.inner)
        case Unfolded():
            return Lane(lane.dim - 1, lane.extent, lane.inner)
        case _:
            return lane
