"""Operators that put numbers in other places: pixels into channels and back, windows into columns and back."""

from receptron.analysis.receptive_field.index_relation import nearest, spread, window
from receptron.analysis.receptive_field.moves import Moves, Permuted, Rearranged, Reduced, Reshaped, Unfolded, Windowed, from_end, only
from receptron.analysis.tape import Call, Tape
from receptron.analysis.tape.views import numbers, whole


def pixel_shuffled(tape: Tape, call: Call, output: int) -> dict[int, Moves]:
    """Channels become places: r x r of them fill a square of pixels."""
    *lead, channels, height, width = tape.values[call.inputs[0]].shape
    r = whole(call, 1, "upscale_factor", 1)
    n = len(lead)
    apart = (*lead, channels // r**2, r, r, height, width)
    steps = (
        Reshaped((*lead, channels, height, width), apart),
        Permuted((*range(n), n, n + 3, n + 1, n + 4, n + 2)),
        Reshaped((*lead, channels // r**2, height, r, width, r), (*lead, channels // r**2, height * r, width * r)),
    )
    return only(call, (Rearranged(steps, dict.fromkeys((-2, -1), nearest(1, r))),))


def pixel_unshuffled(tape: Tape, call: Call, output: int) -> dict[int, Moves]:
    """Places become channels: each square of r x r pixels fills as many channels of one."""
    *lead, channels, height, width = tape.values[call.inputs[0]].shape
    r = whole(call, 1, "downscale_factor", 1)
    n, high, wide = len(lead), height // r, width // r
    steps = (
        Reshaped((*lead, channels, height, width), (*lead, channels, high, r, wide, r)),
        Permuted((*range(n), n, n + 2, n + 4, n + 1, n + 3)),
        Reshaped((*lead, channels, r, r, high, wide), (*lead, channels * r**2, high, wide)),
    )
    return only(call, (Rearranged(steps, dict.fromkeys((-2, -1), window(r, r))),))


def channels_shuffled(tape: Tape, call: Call, output: int) -> dict[int, Moves]:
    """Channels in another order; places stay."""
    batch, channels, *places = tape.values[call.inputs[0]].shape
    groups = whole(call, 1, "groups", 1)
    apart, rest = (batch, groups, channels // groups, *places), range(3, 3 + len(places))
    together = (batch, channels // groups, groups, *places)
    steps = Reshaped((batch, channels, *places), apart), Permuted((0, 2, 1, *rest)), Reshaped(together, (batch, channels, *places))
    return only(call, (Rearranged(steps, {}),))


def columns(tape: Tape, call: Call, output: int) -> dict[int, Moves]:
    """im2col, every window of a map as a column, and col2im, which adds columns up into a map."""
    back = call.op == "col2im"
    first = 2 if back else 1
    args = [numbers(call.arg(first + i, name)) for i, name in enumerate(("kernel_size", "dilation", "padding", "stride"))]
    kernel, dilation, padding, stride = args
    whole_map, columns = (
        (tape.values[n].shape for n in (call.outputs[0], call.inputs[0]))
        if back
        else (tape.values[n].shape for n in (call.inputs[0], call.outputs[0]))
    )
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    spots = tuple((n + 2 * p - r) // s + 1 for n, p, r, s in zip(whole_map[-2:], padding, reach, stride, strict=True))
    kind = spread if back else window
    relations = {i - 2: kind(*each) for i, each in enumerate(zip(kernel, stride, padding, dilation, strict=True))}
    if back:
        apart = (*columns[:-1], *spots)
        return only(call, (Reshaped(columns, apart), Reduced((-3,)), Windowed(relations)))
    one = (*whole_map[:-3], 1)
    extents = {i - 2: n for i, n in enumerate(spots)}
    return only(call, (Reduced((-3,)), Windowed(relations, extents), Reshaped((*one, *spots), (*one, columns[-1]))))


def unfolded(tape: Tape, call: Call, output: int) -> dict[int, Moves]:
    """Windows along one dimension, each a row of a new one."""
    shape = tape.values[call.inputs[0]].shape
    dim, size, step = (whole(call, i, name, 1) for i, name in ((1, "dimension"), (2, "size"), (3, "step")))
    return only(call, (Unfolded(from_end(dim, shape), size, step),))
