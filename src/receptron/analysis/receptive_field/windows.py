"""Relations along each axis for operators that read windows: convolutions, poolings, resizing."""

from collections.abc import Callable
from fractions import Fraction

import torch

from receptron.analysis.receptive_field.index_relation import Relation, adaptive, linear, spread, window
from receptron.analysis.tape import Call, Tape
from receptron.analysis.tape.views import POOLINGS, Convolution, Pooling, Window, view_of

Relations = dict[int, Relation]
MEANT = 1000  # largest denominator of a factor that a person writes: 1.7 is 17/10


def relations_of(tape: Tape, call: Call) -> Relations | None:
    """Relation for each spatial dimension, counted from the end; None where the window cannot be told."""
    match view_of(tape, call):
        case Convolution(window=read, transposed=transposed):
            return _windows(read, spread if transposed else window)
        case Pooling(window=read):
            return _windows(read, window)
        case _:
            return SIZED[call.op](tape, call)


def _windows(read: Window, kind: Callable[[int, int, int, int], Relation]) -> Relations:
    rank = len(read.kernel)
    return {i - rank: kind(*each) for i, each in enumerate(zip(*read, strict=True))}


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
        scales = [None if corners else scale_of(call, 3 + i) for i in range(rank)]
        return {i - rank: linear(before[i - rank], after[i - rank], scales[i], align_corners=corners, cubic=cubic) for i in range(rank)}

    return rule


def scale_of(call: Call, position: int) -> Fraction | None:
    """The factor that resizing was asked for along one axis, as the fraction that is meant; None where sizes decide."""
    found = call.args[position] if position < len(call.args) else None
    return Fraction(found).limit_denominator(MEANT) if isinstance(found, float | int) and found > 0 else None


def nearest_places(extent: int, size: int, scale: Fraction | None, *, exact: bool) -> tuple[int, ...]:
    """Which positions nearest-neighbour resizing takes along an axis of `extent`."""
    line = torch.arange(extent, dtype=torch.float64)[None, None]
    resize = torch.ops.aten._upsample_nearest_exact1d if exact else torch.ops.aten.upsample_nearest1d
    return tuple(int(place) for place in resize(line, [size], None if scale is None else float(scale))[0, 0].tolist())


def _unworked(tape: Tape, call: Call) -> None:
    """Antialiased resizing and sampling at computed points: the window depends on more than sizes."""


SIZED: dict[str, Callable[[Tape, Call], Relations | None]] = {
    "_adaptive_avg_pool2d": _sized(2, adaptive),
    "_adaptive_avg_pool3d": _sized(3, adaptive),
    "adaptive_max_pool2d": _sized(2, adaptive),
    "adaptive_max_pool3d": _sized(3, adaptive),
    "upsample_linear1d": _interpolated(1),
    "upsample_bilinear2d": _interpolated(2),
    "upsample_trilinear3d": _interpolated(3),
    "upsample_bicubic2d": _interpolated(2, cubic=True),
    "_upsample_bilinear2d_aa": _unworked,
    "_upsample_bicubic2d_aa": _unworked,
    "grid_sampler_2d": _unworked,
    "grid_sampler_3d": _unworked,
}
UNWORKED = frozenset(op for op, rule in SIZED.items() if rule is _unworked)
"""Operators whose windows are not known here."""
NEAREST = tuple(f"{kind}{n}d" for kind in ("upsample_nearest", "_upsample_nearest_exact") for n in (1, 2, 3))
"""Operators that take the nearest place."""
WINDOWED = ("convolution", *POOLINGS, *SIZED)
"""Operators that read windows."""
