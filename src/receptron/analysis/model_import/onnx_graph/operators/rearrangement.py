"""Operators that give the same numbers in other places or shapes."""

from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from receptron.analysis.model_import.onnx_graph.calling import SMALL, Attributes, NotKnown, Rule, axes_of, given, numbers, setting
from receptron.analysis.model_import.onnx_graph.operators.resizing import spatially
from receptron.analysis.model_import.onnx_graph.operators.windows import amounts
from receptron.errors import AnalysisFault

MANY = 10_000
"""Parts that a tensor may be split into."""


MOST_AXES = 64
"""Axes that a tensor of torch may have."""


def _reshape(x: list[Any], a: Attributes) -> Tensor:
    """0 keeps an extent, unless allowzero says that it means nothing left."""
    wanted = setting(x, a, 1, "shape")
    if wanted is None:
        raise NotKnown("a Reshape without a shape is not known here.")
    if len(wanted) > MOST_AXES:
        raise NotKnown(f"a Reshape to {len(wanted):,} axes is not known here.")
    return x[0].reshape([x[0].shape[i] if n == 0 and not a.get("allowzero") else n for i, n in enumerate(wanted)])


def _flatten(x: list[Any], a: Attributes) -> Tensor:
    axis = a.get("axis", 1)
    return x[0].reshape(prod(x[0].shape[:axis]), prod(x[0].shape[axis:] if axis else x[0].shape))


def _slice(x: list[Any], a: Attributes) -> Tensor:
    starts, ends = setting(x, a, 1, "starts") or [], setting(x, a, 2, "ends") or []
    axes, steps = setting(x, a, 3, "axes"), setting(x, a, 4, "steps") or [1] * len(starts)
    wanted, out = axes_of(range(len(starts)) if axes is None else axes, x[0].dim()), x[0]
    for axis, start, end, step in zip(wanted, starts, ends, steps, strict=True):
        out = _cut(out, axis, slice(start, end, step))
    return out


def _cut(x: Tensor, axis: int, wanted: slice) -> Tensor:
    """Torch has no steps back: the same places from front to back, turned around."""
    rows = range(x.shape[axis])[wanted]
    if wanted.step > 0:
        return x[(slice(None),) * axis + (wanted,)]
    forward = rows[::-1]
    return x[(slice(None),) * axis + (slice(forward.start, forward.stop, forward.step),)].flip(axis)


def _split(x: list[Any], a: Attributes) -> Any:
    axis, extent = a.get("axis", 0), x[0].shape[a.get("axis", 0)]
    sizes = setting(x, a, 1, "split") or -(-extent // a.get("num_outputs", a.outputs))
    if isinstance(sizes, int) and extent > MANY * max(sizes, 1):
        raise AnalysisFault(f"Split of the ONNX model gives more than {MANY} parts of {extent} rows.")
    return torch.split(x[0], sizes, axis)


def _squeeze(x: list[Any], a: Attributes) -> Tensor:
    axes = setting(x, a, 1, "axes")
    return x[0].squeeze(tuple(axes)) if axes else x[0].squeeze()


def _unsqueeze(x: list[Any], a: Attributes) -> Tensor:
    """Axes are those of the result."""
    axes = setting(x, a, 1, "axes") or []
    out, rank = x[0], x[0].dim() + len(axes)
    for axis in sorted(axes_of(axes, rank)):
        out = out.unsqueeze(axis)
    return out


def _expand(x: list[Any], a: Attributes) -> Tensor:
    return x[0].expand(torch.broadcast_shapes(x[0].shape, numbers(x[1])))


def _tile(x: list[Any], a: Attributes) -> Tensor:
    times = numbers(x[1])
    return (x[0] if x[0].numel() * prod(times) <= SMALL else x[0].to("meta")).repeat(times)


_MODES = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}


def _pad(x: list[Any], a: Attributes) -> Tensor:
    """Pads of all axes, or of those named; only constants go around any of them in torch, the others around the last ones."""
    pads = setting(x, a, 1, "pads") or list(a.get("paddings", []))
    rank = x[0].dim()
    axes = axes_of(setting(x, a, 3, "axes") or range(rank), rank)
    before, behind = [0] * rank, [0] * rank
    for i, axis in enumerate(axes):
        before[axis], behind[axis] = pads[i], pads[len(axes) + i]
    mode = _MODES[a.get("mode", "constant")]
    if mode == "constant":
        value = given(x, 2)
        fill = a.get("value", 0.0) if value is None else 0.0 if value.is_meta else value.item()
        return F.pad(x[0], amounts([*before, *behind]), value=fill)
    moved = [axis for axis in range(rank) if before[axis] or behind[axis]]
    pairs = amounts([before[axis] for axis in moved] + [behind[axis] for axis in moved])
    return spatially(x[0], moved, lambda t, extra: F.pad(t, [*pairs, *[0] * (2 * extra)], mode=mode)) if moved else x[0]


def _depth_to_space(x: list[Any], a: Attributes) -> Tensor:
    """Mode DCR counts channels within those of a place, CRD, which is torch's, the other way around."""
    r, data = a["blocksize"], x[0]
    if a.get("mode", "DCR") == "DCR":
        data = data.unflatten(1, (r * r, -1)).transpose(1, 2).flatten(1, 2)
    return F.pixel_shuffle(data, r)


def _space_to_depth(x: list[Any], a: Attributes) -> Tensor:
    """As `_depth_to_space`, back."""
    r = a["blocksize"]
    out = F.pixel_unshuffle(x[0], r)
    return out if a.get("mode", "DCR") == "CRD" else out.unflatten(1, (-1, r * r)).transpose(1, 2).flatten(1, 2)


def _triangle(x: list[Any], a: Attributes) -> Tensor:
    k = 0 if given(x, 1) is None else numbers(x[1])[0]
    return torch.triu(x[0], k) if a.get("upper", 1) else torch.tril(x[0], k)


def _cropped(x: list[Any], a: Attributes) -> Tensor:
    """CenterCropPad: half of what is too much goes before, and half of what is missing."""
    wanted, out = numbers(x[1]), x[0]
    for axis, size in zip(axes_of(a.get("axes", range(out.dim())), out.dim()), wanted, strict=True):
        missing = size - out.shape[axis]
        pads = [0] * 2 * out.dim()
        low = missing // 2 if missing > 0 else -(-missing // 2)
        pads[axis], pads[out.dim() + axis] = low, missing - low
        out = F.pad(out, amounts(pads))
    return out


def _turned(x: list[Any], a: Attributes) -> Tensor:
    """ReverseSequence, whose lengths may be data: every place may read any other along the time axis."""
    time, batch = a.get("time_axis", 0), a.get("batch_axis", 1)
    if x[1].is_meta:
        raise NotKnown("a ReverseSequence of lengths that are data is not known here.")
    rows = [
        torch.cat([row.narrow(time, 0, int(n)).flip(time), row.narrow(time, int(n), row.shape[time] - int(n))], time)
        for row, n in zip(x[0].split(1, batch), x[1].tolist(), strict=True)
    ]
    return torch.cat(rows, batch)


def _extents(x: list[Any], a: Attributes) -> Tensor:
    """Shape, or a part of it."""
    return torch.tensor(tuple(x[0].shape)[a.get("start", 0) : a.get("end")], dtype=torch.int64)


RULES: dict[str, Rule] = {
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Transpose": lambda x, a: x[0].permute(a.get("perm", list(reversed(range(x[0].dim()))))),
    "Concat": lambda x, a: torch.cat(x, a.get("axis", 1)),
    "Split": _split,
    "Slice": _slice,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Expand": _expand,
    "Tile": _tile,
    "Pad": _pad,
    "CenterCropPad": _cropped,
    "DepthToSpace": _depth_to_space,
    "SpaceToDepth": _space_to_depth,
    "Trilu": _triangle,
    "ReverseSequence": _turned,
    "Shape": _extents,
    "Size": lambda x, a: torch.tensor(x[0].numel()),
}
