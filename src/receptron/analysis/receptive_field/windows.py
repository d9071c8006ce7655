"""Relations along each axis for operators that read windows: convolutions, poolings, resizing."""

from collections.abc import Callable
from dataclasses import dataclass

from receptron.analysis.receptive_field.index_relation import Relation, adaptive, linear, nearest, spread, window
from receptron.analysis.tape import Argument, Call, Tape

Relations = dict[int, Relation]


def relations_of(tape: Tape, call: Call) -> Relations | None:
    """Relation for each spatial dimension, counted from the end; None where the window cannot be told."""
    return RULES[call.op](tape, call)


@dataclass(frozen=True)
class Geometry:
    """Window of a convolution or pooling, one number per axis."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]


def geometry_of(tape: Tape, call: Call) -> Geometry:
    """Window of a convolution, or of a pooling whose name tells its axes."""
    if call.op == "convolution":
        kernel = tape.shape(call.args[1])[2:]
        stride, padding, dilation = (_ints(call.args[i]) for i in (3, 4, 5))
    else:
        kernel = _ints(call.args[1])
        stride, padding = _ints(call.arg(2, "stride")) or kernel, _ints(call.arg(3, "padding")) or (0,)
        dilation = (_ints(call.arg(4, "dilation")) or (1,)) if call.op.startswith("max_pool") else (1,)
    rank = len(tape.values[call.outputs[0]].shape) - 2 if call.op == "convolution" else int(call.op.split("pool")[1][0])
    return Geometry(*(values * rank if len(values) == 1 else values for values in (kernel, stride, padding, dilation)))


def _windows(tape: Tape, call: Call) -> Relations:
    geometry = geometry_of(tape, call)
    kind = spread if call.op == "convolution" and call.args[6] else window
    rank = len(geometry.kernel)
    numbers = zip(geometry.kernel, geometry.stride, geometry.padding, geometry.dilation, strict=True)
    return {i - rank: kind(*each) for i, each in enumerate(numbers)}


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
    **dict.fromkeys(("convolution", "max_pool2d_with_indices", "max_pool3d_with_indices"), _windows),
    **dict.fromkeys(("avg_pool1d", "avg_pool2d", "avg_pool3d"), _windows),
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
