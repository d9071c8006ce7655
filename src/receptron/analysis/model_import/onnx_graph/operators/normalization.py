"""Norms."""

from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from receptron.analysis.model_import.onnx_graph.calling import Attributes, NotKnown, Rule, axis_of, given


def _batch(x: list[Any], a: Attributes) -> Any:
    """In training mode, by the statistics of the batch, and beside it the running ones."""
    if not a.get("training_mode", 0):
        return F.batch_norm(x[0], x[3], x[4], x[1], x[2], eps=a.get("epsilon", 1e-5))
    out = F.batch_norm(x[0], None, None, x[1], x[2], True, eps=a.get("epsilon", 1e-5))
    if a.outputs == 1:
        return out
    keep, over = a.get("momentum", 0.9), [axis for axis in range(x[0].dim()) if axis != 1]
    fresh = x[0].mean(over), x[0].var(over, correction=0)
    return out, *(old * keep + new * (1 - keep) for old, new in zip(x[3:5], fresh, strict=True))


def _layer(x: list[Any], a: Attributes) -> Any:
    """Beside the result it may give mean and inverse deviation."""
    over, epsilon = x[0].shape[a.get("axis", -1) :], a.get("epsilon", 1e-5)
    if a.outputs == 1:
        return F.layer_norm(x[0], over, x[1], given(x, 2), epsilon)
    return torch.native_layer_norm(x[0], over, x[1], given(x, 2), epsilon)


def _instance(x: list[Any], a: Attributes) -> Tensor:
    return F.instance_norm(x[0], weight=x[1], bias=x[2], eps=a.get("epsilon", 1e-5))


def _group(x: list[Any], a: Attributes) -> Tensor:
    """Before version 21 scales were those of groups."""
    scale, shift = x[1], x[2]
    if scale.shape[0] != x[0].shape[1]:
        scale, shift = (t.repeat_interleave(x[0].shape[1] // t.shape[0]) for t in (scale, shift))
    return F.group_norm(x[0], a["num_groups"], scale, shift, a.get("epsilon", 1e-5))


def _mean_variance(x: list[Any], a: Attributes) -> Tensor:
    axes = list(a.get("axes", [0, 2, 3]))
    apart = x[0] - x[0].mean(axes, keepdim=True)
    return apart / (apart.square().mean(axes, keepdim=True).sqrt() + 1e-9)


def _skipped(x: list[Any], a: Attributes) -> Tensor:
    """What onnxruntime makes of an addition and the layer norm behind it."""
    summed = x[0] + x[1] if given(x, 4) is None else x[0] + x[1] + x[4]
    return F.layer_norm(summed, summed.shape[-1:], x[2], given(x, 3), a.get("epsilon", 1e-12))


def _scaled(x: list[Any], a: Attributes) -> Tensor:
    axes = list(range(axis_of(a.get("axis", -1), x[0].dim()), x[0].dim()))
    size = prod(x[0].shape[axis] for axis in axes)
    if size == 0:
        raise NotKnown("a norm over nothing is not known here.")
    return x[0] * torch.rsqrt(x[0].square().mean(axes, keepdim=True) + a.get("epsilon", 1e-5)) * x[1]


RULES: dict[str, Rule] = {
    "BatchNormalization": _batch,
    "LayerNormalization": _layer,
    "com.microsoft.LayerNormalization": _layer,
    "InstanceNormalization": _instance,
    "GroupNormalization": _group,
    "MeanVarianceNormalization": _mean_variance,
    "RMSNormalization": _scaled,
    "LpNormalization": lambda x, a: F.normalize(x[0], a.get("p", 2), a.get("axis", -1)),
    "LRN": lambda x, a: F.local_response_norm(x[0], a["size"], a.get("alpha", 1e-4), a.get("beta", 0.75), a.get("bias", 1.0)),
    "com.microsoft.SkipLayerNormalization": _skipped,
}
