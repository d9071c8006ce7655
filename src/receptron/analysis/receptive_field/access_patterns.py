"""How each operator's output positions depend on the positions of its operands, as a few kinds of moves.

Dimensions are counted from the end (-1 is the last), so that broadcasting needs no bookkeeping.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import cast

from receptron.analysis.receptive_field import rearrangements, windows
from receptron.analysis.receptive_field.index_relation import nearest, shifted, spread
from receptron.analysis.receptive_field.moves import (
    Everywhere,
    Inserted,
    Joined,
    Move,
    Moves,
    Normalised,
    Outside,
    Permuted,
    Reduced,
    Reshaped,
    Selected,
    Taken,
    Windowed,
    from_end,
    only,
)
from receptron.analysis.tape import Call, Tape
from receptron.analysis.tape.operators import ELEMENTWISE, MADE, REDUCED
from receptron.analysis.tape.overlap import Overwritten
from receptron.analysis.tape.views import BATCH_NORMS, OTHER_NORMS, PRODUCTS, Normalization, Pooling, Product, numbers, view_of, whole

Rule = Callable[[Tape, Call, int], dict[int, Moves]]
"""From tape, call and output number to the moves of each operand's value; an operand left out has no influence."""

POINTWISE: Moves = ()


def moves_of(tape: Tape, call: Call, output: int = 0) -> dict[int, Moves]:
    """Moves from each value that output number `output` of a call depends on."""
    rule = RULES.get(call.op)
    if rule is not None:
        return rule(tape, call, output)
    if call.op in ELEMENTWISE or call.op in _LIKE_ELEMENTWISE:
        return dict.fromkeys(call.inputs, POINTWISE)
    if call.op in REDUCED:
        return _reduced(tape, call, output)
    return {} if call.op in MADE else dict.fromkeys(call.inputs, (Everywhere(),))


def is_worked_out(tape: Tape, call: Call) -> bool:
    """Whether it is known which positions an operator reads; else it is taken to read all."""
    if call.op in windows.UNWORKED:
        return False
    if call.op in ("index_select", "index"):
        return "places" in call.kwargs
    if call.op == "as_strided":
        return _is_line(tape, call)
    if call.op in _MAY_READ_ALL and not all(_is_known(moves) for moves in moves_of(tape, call).values()):
        return False
    groups = RULES, ELEMENTWISE, _LIKE_ELEMENTWISE, REDUCED, MADE
    return any(call.op in group for group in groups)


UNKNOWN_REACH = "what it reads is not known; taken is all of it"
"""What is told of an operator that is not worked out."""


def adds_up_what_it_took_apart(tape: Tape, call: Call) -> bool:
    """Whether columns that a fold adds up are those of an unfold, with nothing between that mixes the numbers of a column."""
    makers = {out: one for one in tape.forward for out in one.outputs}
    open_ones, seen = [call.inputs[0]], set[int]()
    while open_ones:
        value = open_ones.pop()
        maker = makers.get(value)
        if maker is None or value in seen:
            continue
        seen.add(value)
        if maker.op == "im2col":
            return True
        if maker.op in ELEMENTWISE or maker.op in _LIKE_ELEMENTWISE or RULES.get(maker.op) in (_reshape, _permute):
            open_ones += maker.inputs
    return False


def _is_known(moves: Moves) -> bool:
    return not any(isinstance(move, Everywhere) for move in moves)


_MAY_READ_ALL = frozenset(["overwritten", "max_unpool2d", "max_unpool3d", *PRODUCTS])
"""Operators that are worked out in some cases alone."""
_LIKE_ELEMENTWISE = frozenset(["expand", "expand_as", "set", "resize_as"])


def _normalised(tape: Tape, call: Call, output: int) -> dict[int, Moves]:
    """Each number reads those that share its statistics; with statistics from before, itself."""
    view = view_of(tape, call)
    over = view.over if isinstance(view, Normalization) else ()
    return only(call, (Normalised(over),) if over else POINTWISE) | _computed(call)


def _reduced(tape: Tape, call: Call, output: int) -> dict[int, Moves]:
    """Over the dimensions that the second argument names, over all if it names none; kept where the output has as many."""
    rank = len(tape.values[call.inputs[0]].shape)
    out_rank = len(tape.values[call.outputs[output]].shape)
    named = call.arg(2 if call.op in ("linalg_vector_norm", "norm", "topk") else 1, "dim")
    dims = tuple(d - rank if d >= 0 else d for d in numbers(named)) or tuple(range(-rank, 0))
    return only(call, (Reduced(dims, keep=out_rank == rank),))


def _product(tape: Tape, call: Call, output: int) -> dict[int, Moves]:
    """The left operand is summed along its columns, the right along its rows; what is not rows by columns is not worked out."""
    view = view_of(tape, call)
    if not isinstance(view, Product) or not view.rows_by_columns:
        return {call.inputs[0]: (Reduced((-1,)),)} if call.op == "linear" else dict.fromkeys(call.inputs, (Everywhere(),))
    flat = len(tape.shape(view.right)) == 1
    moves: dict[int, Moves] = {view.left: (Reduced((-1,), keep=not flat),)}
    moves[view.right] = (Reduced((-1,), keep=False),) if flat else (Reduced((-2,)),)
    if view.added is not None:
        moves[view.added] = POINTWISE
    return moves


def _reshape(tape: Tape, call: Call, output: int) -> dict[int, Moves]:
    return only(call, (Reshaped(tape.values[call.inputs[0]].shape, tape.values[call.outputs[0]].shape),))


def _permute(tape: Tape, call: Call, output: int) -> dict[int, Moves]:
    rank = len(tape.values[call.inputs[0]].shape)
    if call.op == "permute":
        order = [d % rank for d in numbers(call.arg(1, "dims"))]
    else:
        order = list(range(rank))
        one, two = (whole(call, 1, "dim0", 0) % rank, whole(call, 2, "dim1", 0) % rank) if call.op == "transpose" else (0, rank - 1)
        order[one], order[two] = order[two], order[one]
    return only(call, (Permuted(tuple(order)),))


def _slice(tape: Tape, call: Call, output: int) -> dict[int, Moves]:
    shape = tape.values[call.inputs[0]].shape
    dim, start, step = (whole(call, i, name, default) for i, name, default in ((1, "dim", 0), (2, "start", 0), (4, "step", 1)))
    extent = shape[dim]
    begin = min(max(start + extent if start < 0 else start, 0), extent)
    return only(call, (Windowed({from_end(dim, shape): shifted(begin, step)}),))


def _select(tape: Tape, call: Call, output: int) -> dict[int, Moves]:
    shape = tape.values[call.inputs[0]].shape
    dim, index = whole(call, 1, "dim", 0), whole(call, 2, "index", 0)
    return only(call, (Selected(from_end(dim, shape), index % shape[dim]),))


def _split(tape: Tape, call: Call, output: int) -> dict[int, Moves]:
    shape = tape.values[call.inputs[0]].shape
    dim = whole(call, 2 if call.op != "unbind" else 1, "dim", 0)
    if call.op == "unbind":
        return only(call, (Selected(from_end(dim, shape), output),))
    before = sum(tape.values[o].shape[dim] for o in call.outputs[:output])
    return only(call, (Windowed({from_end(dim, shape): shifted(before)}),))


def _cat(tape: Tape, call: Call, output: int) -> dict[int, Moves]:
    shape = tape.values[call.outputs[0]].shape
    dim = from_end(whole(call, 1, "dim", 0), shape)
    moves: dict[int, Moves] = {}
    start = 0
    for operand in call.inputs:
        extent = tape.values[operand].shape[dim] if len(tape.values[operand].shape) == len(shape) else 0
        moves[operand] = (*moves.get(operand, ()), Joined(dim, start, extent))
        start += extent
    return moves


def _stack(tape: Tape, call: Call, output: int) -> dict[int, Moves]:
    dim = from_end(whole(call, 1, "dim", 0), tape.values[call.outputs[0]].shape)
    moves: dict[int, Moves] = {}
    for start, operand in enumerate(call.inputs):
        shape = tape.values[operand].shape
        at = len(shape) + 1 + dim
        moves[operand] = (Reshaped(shape, (*shape[:at], 1, *shape[at:])), Joined(dim, start, 1))
    return moves


def _chosen(tape: Tape, call: Call, output: int) -> dict[int, Moves]:
    """Rows by a table of places; where the tape does not keep its numbers, any row of the dimension, along the others itself."""
    shape = tape.values[call.inputs[0]].shape
    if (found := call.kwargs.get("places")) is not None:
        dim, listed = cast(tuple[int, tuple[int, ...]], found)
        places = [place % shape[dim] for place in listed]
        steps = {after - before for before, after in pairwise(places)}
        even = len(steps) == 1 and min(steps) > 0
        return only(call, (Taken(from_end(dim, shape), tuple(places), shifted(places[0], steps.pop()) if even else None),))
    if call.op == "index":
        return dict.fromkeys(call.inputs, (Everywhere(),))
    return only(call, (Reduced((from_end(whole(call, 1, "dim", 0), tape.values[call.inputs[0]].shape),)),))


def _taken(tape: Tape, call: Call, output: int) -> dict[int, Moves]:
    """flip and roll."""
    shape = tape.values[call.inputs[0]].shape
    if call.op == "flip":
        return only(call, tuple(Taken(from_end(d, shape), tuple(range(shape[d] - 1, -1, -1))) for d in numbers(call.arg(1, "dims"))))
    shifts, dims = numbers(call.arg(1, "shifts")), numbers(call.arg(2, "dims"))
    return only(
        call,
        tuple(Taken(from_end(d, shape), tuple((i - s) % shape[d] for i in range(shape[d]))) for s, d in zip(shifts, dims, strict=False)),
    )


def _overwritten(tape: Tape, call: Call, output: int) -> dict[int, Moves]:
    """What was written to a view lands where it covers the tensor, and nothing else of the tensor changes."""
    (stale, writer), found = call.inputs, call.args[2]
    if not isinstance(found, Overwritten) or (box := found.within or found.around) is None:
        return dict.fromkeys(call.inputs, (Everywhere(),))
    shape, after = tape.values[writer].shape, tape.values[call.outputs[0]].shape
    sides = {d - len(box): side for d, side in enumerate(box)}
    matched = [side.inner for side in box if side.inner >= 0]
    if found.within is None:  # the tensor lies in what was written: a part of that, in another order perhaps
        kept = tuple(after[inner] for inner in sorted(matched))
        back = (Permuted(tuple(matched.index(inner) for inner in sorted(matched))), Reshaped(kept, after))
        cut = [Taken(d, tuple(range(s.start, s.start + s.step * s.length, s.step)), shifted(s.start, s.step)) for d, s in sides.items()]
        return {writer: (*cut, *(Selected(d, s.start) for d, s in sides.items() if s.inner < 0), *back)}
    kept, lengths = tuple(shape[inner] for inner in sorted(matched)), tuple(side.length for side in box)
    turned = Reshaped(shape, kept), Permuted(tuple(sorted(matched).index(inner) for inner in matched))
    placed = [Inserted(d, s.start, s.step, s.length, after[d]) for d, s in sides.items() if s.length < after[d]]
    moves: dict[int, Moves] = {writer: (*turned, Reshaped(tuple(side.length for side in box if side.inner >= 0), lengths), *placed)}
    return moves | ({stale: (Outside(tuple(placed)),)} if placed else {})


def _unpooled(tape: Tape, call: Call, output: int) -> dict[int, Moves]:
    """A number goes back to where its pooling took it from, which is anywhere in the window."""
    indices = call.inputs[1]
    pooling = next((one for one in tape.forward if indices in one.outputs[1:] and isinstance(view_of(tape, one), Pooling)), None)
    found = None if pooling is None else view_of(tape, pooling)
    if not isinstance(found, Pooling):
        return dict.fromkeys(call.inputs, (Everywhere(),))
    rank = len(found.window.kernel)
    relations = {i - rank: spread(*each) for i, each in enumerate(zip(*found.window, strict=True))}
    return dict.fromkeys(call.inputs, (Windowed(relations),))


def _nearest(tape: Tape, call: Call, output: int) -> dict[int, Moves]:
    """Places that torch itself takes, from a line of numbers resized by it: how it rounds is its own affair."""
    shape, after = tape.values[call.inputs[0]].shape, tape.values[call.outputs[0]].shape
    rank, exact = len(shape) - 2, "exact" in call.op
    moves: list[Move] = []
    for i in range(rank):
        scale = windows.scale_of(call, 2 + i)
        places = windows.nearest_places(shape[i - rank], after[i - rank], scale, exact=exact)
        moves.append(Taken(i - rank, places, nearest(shape[i - rank], after[i - rank], scale, exact=exact)))
    return only(call, tuple(moves))


def _padded(tape: Tape, call: Call, output: int) -> dict[int, Moves]:
    amounts = numbers(call.arg(1, "pad" if call.op == "constant_pad_nd" else "padding"))
    if call.op == "constant_pad_nd":
        return only(call, (Windowed({-1 - i: shifted(-before) for i, before in enumerate(amounts[::2])}),))
    shape = tape.values[call.inputs[0]].shape
    return only(call, tuple(_mirrored(call.op, -1 - i, shape[-1 - i], *amounts[2 * i : 2 * i + 2]) for i in range(len(amounts) // 2)))


def _mirrored(op: str, dim: int, extent: int, before: int, after: int) -> Taken:
    positions = range(-before, extent + after)
    if op.startswith("reflection"):
        found = [-p if p < 0 else 2 * (extent - 1) - p if p >= extent else p for p in positions]
    else:
        found = [min(max(p, 0), extent - 1) for p in positions]
    return Taken(dim, tuple(found), shifted(-before))


def _windowed(tape: Tape, call: Call, output: int) -> dict[int, Moves]:
    relations = windows.relations_of(tape, call)
    if relations is None:
        return dict.fromkeys(call.inputs, (Everywhere(),))
    rank = len(relations)
    if call.op != "convolution":
        return only(call, (Windowed(relations),))
    return only(call, (Reduced((-rank - 1,)), Windowed(relations))) | _computed(call)


def _computed(call: Call) -> dict[int, Moves]:
    """Weights and biases that are computed from the input: every position reads all of them."""
    return dict.fromkeys(call.inputs[1:], (Everywhere(),))


def _is_line(tape: Tape, call: Call) -> bool:
    """Whether strides are given to numbers along one dimension alone, in their shape: as poolings of a whole map do."""
    shape = tape.values[call.outputs[0]].shape
    return shape == tape.values[call.inputs[0]].shape and sum(extent > 1 for extent in shape) < 2


def _strided(tape: Tape, call: Call, output: int) -> dict[int, Moves]:
    return only(call, POINTWISE if _is_line(tape, call) else (Everywhere(),))


def _repeated(tape: Tape, call: Call, output: int) -> dict[int, Moves]:
    """Copies side by side: along a dimension with several of them a position is one of as many."""
    shape, after = tape.values[call.inputs[0]].shape, tape.values[call.outputs[0]].shape
    full = (*(1,) * (len(after) - len(shape)), *shape)
    several = [d for d in range(len(full)) if after[d] != full[d]]
    copies = [Taken(d - len(full), tuple(i % full[d] for i in range(after[d]))) for d in several]
    return only(call, (*([Reshaped(shape, full)] if full != shape else []), *copies))


def _put(tape: Tape, call: Call, output: int) -> dict[int, Moves]:
    """Numbers put where a table or a mask says: what is not written stays; a mask of the whole decides each position by itself."""
    target, *others = call.inputs
    shape = tape.values[target].shape
    mask = [i for i in others if tape.values[i].dtype == "bool"]
    alone = [i for i in others if (i in mask and tape.values[i].shape == shape) or (mask and tape.values[i].numel == 1)]
    return dict.fromkeys(others, (Everywhere(),)) | dict.fromkeys((target, *alone), POINTWISE)


RULES: dict[str, Rule] = {
    **dict.fromkeys(windows.WINDOWED, _windowed),
    **dict.fromkeys((*BATCH_NORMS, *OTHER_NORMS), _normalised),
    **dict.fromkeys(PRODUCTS, _product),
    **dict.fromkeys(("view", "_unsafe_view", "reshape", "_reshape_alias", "squeeze", "unsqueeze", "flatten", "unflatten"), _reshape),
    **dict.fromkeys(("permute", "transpose", "t"), _permute),
    "slice": _slice,
    "select": _select,
    **dict.fromkeys(("split", "split_with_sizes", "chunk", "unbind", "unsafe_split", "unsafe_split_with_sizes", "unsafe_chunk"), _split),
    "copy": lambda tape, call, output: {call.inputs[-1]: POINTWISE},
    "overwritten": _overwritten,
    "cat": _cat,
    "stack": _stack,
    **dict.fromkeys(("flip", "roll"), _taken),
    **dict.fromkeys(("index_select", "index"), _chosen),
    "repeat": _repeated,
    "as_strided": _strided,
    "index_put": _put,
    **dict.fromkeys(windows.NEAREST, _nearest),
    "pixel_shuffle": rearrangements.pixel_shuffled,
    "pixel_unshuffle": rearrangements.pixel_unshuffled,
    **dict.fromkeys(("channel_shuffle", "native_channel_shuffle"), rearrangements.channels_shuffled),
    **dict.fromkeys(("im2col", "col2im"), rearrangements.columns),
    "unfold": rearrangements.unfolded,
    **dict.fromkeys(("max_unpool2d", "max_unpool3d"), _unpooled),
    **dict.fromkeys(("constant_pad_nd", *(f"{kind}_pad{n}d" for kind in ("reflection", "replication") for n in (1, 2, 3))), _padded),
    "embedding": lambda tape, call, output: {},
}
