"""Operators that take numbers by their places, or put them there."""

from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from receptron.analysis.model_import.onnx_graph.calling import Attributes, NotKnown, Rule, axis_of, places_of

RUNS = 64
"""Runs of places that are taken as slices, which say what they read; more are taken as a table."""


def taken(x: Tensor, axis: int, index: Tensor) -> Tensor:
    """Rows along an axis, where their places are known by slices: those of one step, put together."""
    if index.is_meta or index.numel() == 0:
        return x.index_select(axis, index)
    places = places_of(index, x.shape[axis])
    runs = _runs([int(place) for place in places.tolist()])
    if len(runs) > RUNS:
        return x.index_select(axis, places)
    parts = [_run(x, axis, run) for run in runs]
    return parts[0] if len(parts) == 1 else torch.cat(parts, axis)


def _runs(places: list[int]) -> list[range]:
    """Places as ranges of one step; of two steps that are equal a range is made."""
    found: list[range] = []
    at = 0
    while at < len(places):
        step = places[at + 1] - places[at] if at + 1 < len(places) else 0
        count = 1
        while step and at + count < len(places) and places[at + count] - places[at + count - 1] == step:
            count += 1
        if count == 2 and abs(step) > 1 and at + 2 < len(places):  # two places alone are no run
            count = 1
        found.append(range(places[at], places[at] + (step or 1) * count, step or 1) if count > 1 else range(places[at], places[at] + 1))
        at += count
    return found


def _run(x: Tensor, axis: int, run: range) -> Tensor:
    rows = run if run.step > 0 else run[::-1]
    if rows == range(x.shape[axis]):
        part = x
    else:
        part = x[(slice(None),) * axis + (slice(rows.start, rows.stop, rows.step),)]
    return part if run.step > 0 else part.flip(axis)


def _gather(x: list[Any], a: Attributes) -> Tensor:
    axis, index = axis_of(a.get("axis", 0), max(x[0].dim(), 1)), x[1]
    if index.dim() == 0:
        return x[0].select(axis, 0 if index.is_meta else int(places_of(index, x[0].shape[axis])))
    if isinstance(x[0], nn.Parameter) and x[0].dim() == 2 and axis == 0 and index.is_meta:  # a table of words, asked by the input
        return F.embedding(index, x[0])
    rows = taken(x[0], axis, index.flatten())
    return rows.reshape(*x[0].shape[:axis], *index.shape, *x[0].shape[axis + 1 :])


def _gather_elements(x: list[Any], a: Attributes) -> Tensor:
    axis = axis_of(a.get("axis", 0), x[0].dim())
    return torch.gather(x[0], axis, places_of(x[1], x[0].shape[axis]))


def _gather_nd(x: list[Any], a: Attributes) -> Tensor:
    """The last axis of the second input names a place; with batch_dims, within rows of the same batch."""
    data, index, batch = x[0], x[1], a.get("batch_dims", 0)
    lead = data.shape[:batch]
    if not batch:
        return data[index.unbind(-1)]
    flat = data.reshape(prod(lead), *data.shape[batch:])
    places = index.reshape(prod(lead), -1, index.shape[-1])
    rows = torch.arange(prod(lead)).unsqueeze(1).expand(places.shape[:-1])
    return flat[(rows, *places.unbind(-1))].reshape(*index.shape[:-1], *data.shape[batch + index.shape[-1] :])


_REDUCTIONS = {"add": "sum", "mul": "prod", "max": "amax", "min": "amin"}


def _scatter_elements(x: list[Any], a: Attributes) -> Tensor:
    axis, way = axis_of(a.get("axis", 0), x[0].dim()), a.get("reduction", "none")
    index = places_of(x[1], x[0].shape[axis])
    if way == "none":
        return torch.scatter(x[0], axis, index, x[2])
    return torch.scatter_reduce(x[0], axis, index, x[2], _REDUCTIONS[way])


def _scatter_nd(x: list[Any], a: Attributes) -> Tensor:
    data, index, updates = x[:3]
    way = a.get("reduction", "none")
    if way == "none" and (box := _box(data, index)) is not None:
        return _written(data, box, updates)
    if way in ("none", "add"):
        return torch.index_put(data, index.unbind(-1), updates, accumulate=way == "add")
    lead = data.shape[: index.shape[-1]]
    steps = [prod(lead[i + 1 :]) for i in range(len(lead))]
    parts = [places_of(part, n) * step for part, n, step in zip(index.unbind(-1), lead, steps, strict=True)]
    rows = torch.stack(parts).sum(0).reshape(-1, 1)
    flat, fresh = data.reshape(prod(lead), -1), updates.reshape(rows.shape[0], -1)
    return torch.scatter_reduce(flat, 0, rows.expand(fresh.shape), fresh, _REDUCTIONS[way]).reshape(data.shape)


def _box(data: Tensor, index: Tensor) -> list[range] | None:
    """The slices that the places amount to, as exporters write `z[:, 2:6] = y`; None for other places."""
    rank = index.shape[-1]
    if index.is_meta or index.dim() != rank + 1 or index.numel() == 0:
        return None
    sides: list[range] = []
    for axis in range(rank):
        line = index[(0,) * axis + (slice(None),) + (0,) * (rank - axis - 1) + (axis,)] % data.shape[axis]
        runs = _runs(line.tolist())
        if len(runs) != 1 or runs[0].step < 1:
            return None
        sides.append(runs[0])
    grid = torch.cartesian_prod(*[torch.tensor(side) for side in sides]).reshape(index.shape)
    extents = torch.tensor(data.shape[:rank])
    return sides if torch.equal(grid, index % extents) else None


def _written(data: Tensor, box: list[range], updates: Tensor) -> Tensor:
    """A copy in which a box is written over."""
    out = data.clone()
    out[tuple(slice(side.start, side.stop, side.step) for side in box)] = updates
    return out


def _one_hot(x: list[Any], a: Attributes) -> Tensor:
    depth, axis = int(x[1].reshape(-1)[0]), a.get("axis", -1)
    off, on = x[2].unbind(0)
    places = torch.arange(depth, device=x[0].device)
    hot = torch.where(x[0] < 0, x[0] + depth, x[0]).unsqueeze(axis) == places.reshape(
        [-1] + [1] * ((x[0].dim() - axis) if axis >= 0 else (-axis - 1))
    )
    return torch.where(hot, on, off)


def _compressed(x: list[Any], a: Attributes) -> Tensor:
    if x[1].is_meta:
        raise NotKnown("a Compress by data is not known here.")
    rows = torch.nonzero(x[1]).flatten()
    return taken(x[0], axis_of(a["axis"], x[0].dim()), rows) if "axis" in a else taken(x[0].flatten(), 0, rows)


def _sampled(x: list[Any], a: Attributes) -> Tensor:
    said = str(a.get("mode", "linear"))
    mode = {"linear": "bilinear", "cubic": "bicubic"}.get(said, said)
    return F.grid_sample(x[0], x[1], mode, a.get("padding_mode", "zeros"), bool(a.get("align_corners", 0)))


def _grid(x: list[Any], a: Attributes) -> Tensor:
    return F.affine_grid(x[0], [int(n) for n in x[1].tolist()], bool(a.get("align_corners", 0)))


RULES: dict[str, Rule] = {
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "GatherND": _gather_nd,
    "Scatter": _scatter_elements,
    "ScatterElements": _scatter_elements,
    "ScatterND": _scatter_nd,
    "OneHot": _one_hot,
    "Compress": _compressed,
    "NonZero": lambda x, a: torch.nonzero(x[0]).t(),
    "GridSample": _sampled,
    "AffineGrid": _grid,
}
