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
    be space, all that are not channels are; and where that leaves none, all behind batch and channels, or the last one.
    """
    shape = tape.values[source].shape
    axes = range(1 - len(shape), 0)
    roles = {axis: _role(tape, source, axis) for axis in axes}
    space = tuple(axis for axis in axes if roles[axis] == "space")
    if not space and "channels" in roles.values():
        space = tuple(axis for axis in axes if roles[axis] != "channels" and shape[axis] > 1)
    return space or (tuple(range(2 - len(shape), 0)) if len(shape) > 2 else (-1,))


def _role(tape: Tape, source: int, axis: int) -> str:
    """Space, channels, or nothing where neither shows."""
    lanes, fed = {source: Lane(axis, tape.values[source].shape[axis])}, {source}
    for call in tape.forward:
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
                        return "space"
                    if isinstance(move, Reduced) and lane.dim in move.dims:
                        if by_weights:
                            return "channels"
                        lane = None
                    else:
                        lane = _after(lane, move)
                if lane is not None:
                    lanes.setdefault(out, lane)
    return ""


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
