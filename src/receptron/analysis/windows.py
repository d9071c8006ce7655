"""Relations along each axis for operators that read windows: convolutions, poolings, resizing."""

from collections.abc import Callable

from receptron.analysis.relation import Relation, adaptive, linear, nearest, spread, window
from receptron.analysis.tape import Argument, Call, Tape

Relations = dict[int, Relation]


def relations_of(tape: Tape, call: Call) -> Relations | None:
    """Relation for each spatial dimension, counted from the end; None where the window cannot be told."""
    return RULES[call.op](tape, call)


def _convolution(tape: Tape, call: Call) -> Relations:
    kernel = tape.shape(call.args[1])[2:]
    stride, padding, dilation = (_ints(call.args[i]) for i in (3, 4, 5))
    kind = spread if call.args[6] else window
    rank = len(kernel)
    return {
        i - rank: kind(k, _each(stride, i), _each(padding, i), _each(dilation, i)) for i, k in enumerate(kernel)
    }  # fmt: skip


def _pool(rank: int, *, dilated: bool) -> Callable[[Tape, Call], Relations]:
    def rule(tape: Tape, call: Call) -> Relations:
        kernel = _ints(call.args[1])
        stride = _ints(call.arg(2, "stride")) or kernel
        padding = _ints(call.arg(3, "padding")) or (0,)
        dilation = (_ints(call.arg(4, "dilation")) or (1,)) if dilated else (1,)
        return {i - rank: window(_each(kernel, i), _each(stride, i), _each(padding, i), _each(dilation, i)) for i in range(rank)}

    return rule


def _sized(rank: int, relation: Callable[[int, int], Relation]) -> Callable[[Tape, Call], Relations]:
    """Operators whose windows follow from the sizes before and after."""

    def rule(tape: Tape, call: Call) -> Relations:
        before, after = tape.values[call.inputs[0]].shape, tape.values[call.outputs[0]].shape
        return {i - rank: relation(before[i - rank], after[i - rank]) for i in range(rank)}

    return rule


def _interpolated(rank: int, *, cubic: bool = False) -> Callable[[Tape, Call], Relations]:
    def rule(tape: Tape, call: Call) -> Relations:
        before, after = tape.values[call.inputs[0]].shape, tape.values[call.outputs[0]].shape
        corners = call.arg(2, "align_corners") is True
        return {i - rank: linear(before[i - rank], after[i - rank], align_corners=corners, cubic=cubic) for i in range(rank)}

    return rule


def _unworked(tape: Tape, call: Call) -> None:
    """Antialiased resizing and sampling at computed points: the window depends on more than sizes."""


RULES: dict[str, Callable[[Tape, Call], Relations | None]] = {
    "convolution": _convolution,
    "_convolution": _convolution,
    "max_pool2d_with_indices": _pool(2, dilated=True),
    "max_pool3d_with_indices": _pool(3, dilated=True),
    "avg_pool1d": _pool(1, dilated=False),
    "avg_pool2d": _pool(2, dilated=False),
    "avg_pool3d": _pool(3, dilated=False),
    "_adaptive_avg_pool2d": _sized(2, adaptive),
    "_adaptive_avg_pool3d": _sized(3, adaptive),
    "adaptive_max_pool2d": _sized(2, adaptive),
    "adaptive_max_pool3d": _sized(3, adaptive),
    "upsample_nearest1d": _sized(1, nearest),
    "upsample_nearest2d": _sized(2, nearest),
    "upsample_nearest3d": _sized(3, nearest),
    "upsample_linear1d": _interpolated(1),
    "upsample_bilinear2d": _interpolated(2),
    "upsample_trilinear3d": _interpolated(3),
    "upsample_bicubic2d": _interpolated(2, cubic=True),
    "_upsample_bilinear2d_aa": _unworked,
    "_upsample_bicubic2d_aa": _unworked,
    "grid_sampler_2d": _unworked,
    "grid_sampler_3d": _unworked,
}


def _ints(argument: Argument) -> tuple[int, ...]:
    if isinstance(argument, tuple):
        return tuple(int(v) for v in argument if isinstance(v, int))
    return (argument,) if isinstance(argument, int) else ()


def _each(values: tuple[int, ...], i: int) -> int:
    return values[0] if len(values) == 1 else values[i]
