"""Resize and Upsample: which torch resizing a mode is, and the places themselves where torch has none."""

from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from receptron.analysis.model_import.onnx_graph.calling import Attributes, NotKnown, Rule, axes_of, given, numbers
from receptron.analysis.model_import.onnx_graph.operators.selection import taken

Asked = list[int] | list[float]
"""Extents of the result, or factors."""
MEANT = 1000
"""Largest denominator of a factor that is meant."""
_HALF, _CORNERS = ("half_pixel", "pytorch_half_pixel"), "align_corners"


def spatially(x: Tensor, axes: list[int], run: Callable[[Tensor, int], Tensor]) -> Tensor:
    """`run` on the axes as the last ones behind two others; told how many axes more stand before them there."""
    rest = [axis for axis in range(x.dim()) if axis not in axes]
    extra = max(len(rest) - 2, 0)
    order = rest[: len(rest) - extra] + rest[len(rest) - extra :] + axes
    plain = order == list(range(x.dim()))
    missing = max(2 - len(rest), 0)
    moved = (x if plain else x.permute(order))[(None,) * missing]
    out = run(moved, extra)[(0,) * missing]
    return out if plain else out.permute([order.index(axis) for axis in range(x.dim())])


def _resize(x: list[Any], a: Attributes) -> Tensor:
    data = x[0]
    sizes, factors, scaled = _asked(x, a)
    axes = [axis for axis in range(data.dim()) if sizes[axis] != data.shape[axis] or factors[axis] != 1]
    if not axes:
        return data
    mode, place = a.get("mode", "nearest"), a.get("coordinate_transformation_mode", _default(a))
    if place == "tf_crop_and_resize" or a.get("exclude_outside") or mode not in ("nearest", "linear", "cubic"):
        raise NotKnown(f"a Resize by {mode}, {place} is not known here.")
    if mode == "nearest":
        rounding = a.get("nearest_mode", "floor" if a.version < 11 else "round_prefer_floor")
        return _nearest(data, axes, [sizes[i] for i in axes], [factors[i] for i in axes], place, rounding, scaled)
    if len(axes) > 3:
        raise NotKnown("a Resize along more than three axes is not known here.")
    if place == "asymmetric" and mode == "linear":
        return _from_corner(data, axes, sizes, factors)
    whole = all(sizes[i] == data.shape[i] * factors[i] for i in axes)
    if place not in (*_HALF, _CORNERS) or (place == _CORNERS and not whole) or (place == _HALF[1] and 1 in [sizes[i] for i in axes]):
        raise NotKnown(f"a Resize by {mode}, {place} is not known here.")
    asked: Asked = [float(factors[i]) for i in axes] if scaled and place != _CORNERS else [sizes[i] for i in axes]
    return spatially(data, axes, lambda t, extra: _interpolated(t, extra, asked, mode, place, bool(a.get("antialias", 0))))


def _default(a: Attributes) -> str:
    return "asymmetric" if a.version < 11 else "half_pixel"


def _asked(x: list[Any], a: Attributes) -> tuple[list[int], list[Fraction], bool]:
    """Extents of the result and factors, for every axis, and whether factors were given."""
    data, rank = x[0], x[0].dim()
    axes = axes_of(a.get("axes", range(rank)), rank)
    wanted = given(x, 3)
    scales = a.get("scales") if len(x) == 1 else x[1] if a.version < 11 or len(x) == 2 else x[2]
    sizes, factors = list(data.shape), [Fraction(1)] * rank
    if wanted is not None and wanted.numel():
        exact = {axis: Fraction(size, data.shape[axis]) for axis, size in zip(axes, numbers(wanted), strict=True)}
        if (policy := a.get("keep_aspect_ratio_policy", "stretch")) != "stretch":
            exact = dict.fromkeys(exact, (min if policy == "not_larger" else max)(exact.values()))
        for axis, factor in exact.items():
            sizes[axis], factors[axis] = floor(data.shape[axis] * factor + Fraction(1, 2)), factor
        return sizes, factors, False
    said = scales.tolist() if isinstance(scales, Tensor) else list(scales or [])
    for axis, scale in zip(axes, said, strict=True):
        factors[axis] = Fraction(scale).limit_denominator(MEANT)
        sizes[axis] = floor(data.shape[axis] * factors[axis])
    return sizes, factors, True


def _interpolated(t: Tensor, extra: int, asked: Asked, mode: str, place: str, antialias: bool) -> Tensor:
    rank = len(asked) + extra
    if rank > 3 or (mode == "cubic" and rank != 2):
        raise NotKnown(f"a Resize by {mode} of {rank} axes is not known here.")
    kind = "bicubic" if mode == "cubic" else ("linear", "bilinear", "trilinear")[rank - 1]
    sizes, scales = _sizes_or_scales(t, extra, asked)
    return F.interpolate(t, sizes, scales, kind, place == _CORNERS, antialias=antialias)


def _sizes_or_scales(t: Tensor, extra: int, asked: Asked) -> tuple[list[int] | None, list[float] | None]:
    """As torch takes them, for the axes more that stand before as well."""
    scales = [n for n in asked if isinstance(n, float)]
    return (None, [1.0] * extra + scales) if scales else ([*t.shape[2 : 2 + extra], *[n for n in asked if isinstance(n, int)]], None)


def _nearest(x: Tensor, axes: list[int], sizes: list[int], factors: list[Fraction], place: str, rounding: str, scaled: bool) -> Tensor:
    """Torch's own resizing where it takes the same places, otherwise rows axis by axis."""
    wanted = [_places(x.shape[axis], size, factor, place, rounding) for axis, size, factor in zip(axes, sizes, factors, strict=True)]
    asked: Asked = [float(factor) for factor in factors] if scaled else [*sizes]
    if len(axes) <= 3:
        for kind, shift in (("nearest", Fraction(0)), ("nearest-exact", Fraction(1, 2))):
            rows = zip(axes, factors, wanted, strict=True)
            if all(places == [min(floor((i + shift) / f), x.shape[axis] - 1) for i in range(len(places))] for axis, f, places in rows):
                return spatially(x, axes, lambda t, extra, kind=kind: F.interpolate(t, *_sizes_or_scales(t, extra, asked), kind))
    for axis, places in zip(axes, wanted, strict=True):
        x = taken(x, axis, torch.tensor(places))
    return x


LONGEST = 1 << 15
"""Places along an axis that are worked out one by one."""


def _places(extent: int, size: int, factor: Fraction, place: str, rounding: str) -> list[int]:
    """Which places along an axis are taken: onnx's Resize, coordinate_transformation_mode and nearest_mode."""
    half = Fraction(1, 2)
    if size > LONGEST:
        raise NotKnown(f"a Resize to {size:,} places along an axis is not worked out.")
    match place:
        case "asymmetric":
            found = [i / factor for i in map(Fraction, range(size))]
        case "align_corners":
            found = [i * Fraction(extent - 1, max(size - 1, 1)) for i in range(size)]
        case "tf_half_pixel_for_nn":
            found = [(i + half) / factor for i in range(size)]
        case "half_pixel" | "pytorch_half_pixel":
            found = [Fraction(0) if size == 1 and place != "half_pixel" else (i + half) / factor - half for i in range(size)]
        case _:
            raise NotKnown(f"a Resize by nearest, {place[:40]} is not known here.")
    rounded = {"floor": floor, "ceil": ceil, "round_prefer_floor": lambda v: ceil(v - half), "round_prefer_ceil": lambda v: floor(v + half)}
    if rounding not in rounded:
        raise NotKnown(f"a Resize that rounds by {rounding[:40]} is not known here.")
    return [min(max(rounded[rounding](v), 0), extent - 1) for v in found]


def _from_corner(x: Tensor, axes: list[int], sizes: list[int], factors: list[Fraction]) -> Tensor:
    """Linear from the first place on, as TensorFlow 1 did: the corners aligned over a smaller result, its end repeated."""
    if any(factors[axis].denominator != 1 for axis in axes):
        raise NotKnown("a Resize by linear, asymmetric is known here for whole factors.")
    inner = [(x.shape[axis] - 1) * int(factors[axis]) + 1 for axis in axes]
    tails = [sizes[axis] - n for axis, n in zip(axes, inner, strict=True)]
    pads = [amount for tail in reversed(tails) for amount in (0, tail)]

    def run(t: Tensor, extra: int) -> Tensor:
        return F.pad(_interpolated(t, extra, inner, "linear", _CORNERS, False), pads, mode="replicate")

    return spatially(x, axes, run)


RULES: dict[str, Rule] = {"Resize": _resize, "Upsample": _resize}
