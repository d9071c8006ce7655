"""Reckoning with constants within bounds: no file asks for more memory than it has itself."""

from collections.abc import Iterable
from math import prod
from typing import Any

import torch
from torch import Tensor

from receptron.analysis.model_import.onnx_graph.calling import SMALL
from receptron.analysis.model_import.onnx_graph.operators import elementwise, making, reduction

ROOM = 1 << 21
"""Numbers that all results made of constants may have together and keep."""
_SPREAD = frozenset(elementwise.RULES)
"""Operators whose result has the extents of all inputs together."""
_NO_LARGER = frozenset(
    [
        "Shape",
        "Size",
        "Concat",
        "Slice",
        "Unsqueeze",
        "Squeeze",
        "Reshape",
        "Flatten",
        "Transpose",
        "Split",
        "Trilu",
        "GatherElements",
        "ScatterND",
        "ScatterElements",
        "Scatter",
        "NonZero",
        "Expand",
        "Tile",
    ]
) | {*making.RULES, *reduction.RULES}
"""Operators whose result has no more numbers than their inputs, or lies on no device where it has."""
_CHOSEN = frozenset(["Gather", "GatherND"])


def bounded(op: str, values: list[Any]) -> list[Any]:
    """Inputs as they are where the result is small and may be looked at, otherwise the first of them without numbers."""
    if not isinstance(values[0] if values else None, Tensor) or values[0].is_meta:
        return values
    tensors = [value for value in values if isinstance(value, Tensor)]
    counts = [t.numel() for t in tensors]
    if max(counts) <= SMALL and sum(counts) <= 2 * SMALL and _result(op, tensors) <= 4 * SMALL:
        return values
    return [values[0].to("meta"), *values[1:]]


def _result(op: str, tensors: list[Tensor]) -> float:
    """How many numbers an operator gives at most."""
    if op in _NO_LARGER:
        return 0
    if op in _SPREAD:
        try:
            return prod(torch.broadcast_shapes(*[t.shape for t in tensors]))
        except RuntimeError:  # they do not fit, which the operator itself tells
            return 0
    return prod(t.numel() for t in tensors) if op in _CHOSEN else float("inf")


def let_go(results: Iterable[Any], room: int) -> tuple[list[Any], int]:
    """Results without numbers where they are large or the room for all is used up; and the room that is left."""
    kept: list[Any] = []
    for made in results:
        if isinstance(made, Tensor) and not made.is_meta:
            room -= made.numel()
            made = made if made.numel() <= SMALL and room >= 0 else made.to("meta")
        kept.append(made)
    return kept, room
