"""Operators that make tensors of settings."""

from typing import Any

import torch
from torch import Tensor

from receptron.analysis.model_import.onnx_graph.calling import DTYPES, Attributes, Rule, numbers, place_for


def _constant(x: list[Any], a: Attributes) -> Tensor:
    """ConstantOfShape."""
    extents, value = numbers(x[0]), a.get("value")
    if value is None:
        return torch.zeros(extents, device=place_for(extents))
    fill = 0 if value.is_meta else value.reshape(-1)[0].item()
    return torch.full(extents, fill, dtype=value.dtype, device=place_for(extents))


def _range(x: list[Any], a: Attributes) -> Tensor:
    start, limit, step = (row.item() for row in x[:3])
    count = max(-int((start - limit) // step), 0) if step else 0
    return torch.arange(start, limit, step, dtype=x[0].dtype, device=place_for([count]))


def _kind(a: Attributes, like: Tensor | None = None) -> torch.dtype:
    return DTYPES.get(a.get("dtype", 0), torch.float32 if like is None else like.dtype)


def _diagonal(x: list[Any], a: Attributes) -> Tensor:
    k = a.get("k", 0)
    return torch.ones(x[0].shape, dtype=_kind(a, x[0]), device=place_for(list(x[0].shape))).triu(k).tril(k)


def _drawn(x: list[Any], a: Attributes) -> Tensor:
    """RandomNormal and RandomUniform: their numbers are nobody's."""
    return torch.empty(list(a["shape"]), dtype=_kind(a), device="meta")


def _drawn_like(x: list[Any], a: Attributes) -> Tensor:
    return torch.empty_like(x[0], dtype=_kind(a, x[0]), device="meta")


RULES: dict[str, Rule] = {
    "ConstantOfShape": _constant,
    "Range": _range,
    "EyeLike": _diagonal,
    "RandomNormal": _drawn,
    "RandomUniform": _drawn,
    "RandomNormalLike": _drawn_like,
    "RandomUniformLike": _drawn_like,
    "Bernoulli": _drawn_like,
}
