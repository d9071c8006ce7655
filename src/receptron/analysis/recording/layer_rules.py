"""Layers that are one ATen call in eval mode, or none: the call, so that it can be written down without running the layer.

A rule sees the layer's attributes and its input. It gives the operator, or None for one that hands its input on, the layer's tensors
that go in after the input, and the settings after them; no answer where the layer is set up in a way that has to be run. The tests
hold the tape against one for which every layer ran.
"""

from collections.abc import Callable
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

Attributes = dict[str, Any]
Asked = tuple[Any, tuple[Tensor | None, ...], tuple[Any, ...]]
Rule = Callable[[Attributes, Tensor], Asked | None]

_aten = torch.ops.aten
_convolution, _batch_norm, _mean = _aten.convolution.default, _aten.native_batch_norm.default, _aten.mean.dim
_TUPLES, _WHOLE = {tuple}, {int}
_held = dict.__getitem__  # what a table holds, whatever it shows


def convolution(own: Attributes, x: Tensor) -> Asked | None:
    """aten::convolution; padding in words and other padding than zeros take more than one call."""
    window, owned = (own["stride"], own["padding"], own["dilation"]), own["_parameters"]
    if own["padding_mode"] != "zeros" or {*map(type, window)} != _TUPLES or {*map(type, chain(*window))} != _WHOLE:
        return None
    settings = *window, False, (0,) * len(window[0]), own["groups"]
    return _convolution, (_held(owned, "weight"), _held(owned, "bias")), settings


def batch_norm(dims: tuple[int, ...]) -> Rule:
    """aten::native_batch_norm with running statistics, for inputs of so many dimensions."""

    def rule(own: Attributes, x: Tensor) -> Asked | None:
        owned, seen, momentum = own["_parameters"], own["_buffers"], own["momentum"]
        mean, var = _held(seen, "running_mean"), _held(seen, "running_var")
        if mean is None or var is None or x.dim() not in dims:
            return None
        tensors = _held(owned, "weight"), _held(owned, "bias"), mean, var
        return _batch_norm, tensors, (False, momentum or 0.0, own["eps"])

    return rule


def activation(name: str, *settings: Any) -> Rule:
    """An activation, in place where the layer is; the settings are numbers, or attributes by their names."""
    plain, written = getattr(_aten, name).default, getattr(getattr(_aten, f"{name}_", None), "default", None)
    usual = [(type(argument.default_value), argument.default_value) for argument in plain._schema.arguments[1:]]

    def rule(own: Attributes, x: Tensor) -> Asked | None:
        found = [own[s] if isinstance(s, str) else s for s in settings] if settings else []
        while found and (type(found[-1]), found[-1]) == usual[len(found) - 1]:  # torch leaves out what is usual
            found.pop()
        return (written if own.get("inplace") else plain), (), tuple(found)

    return rule


def global_pool(own: Attributes, x: Tensor) -> Asked | None:
    """Average pooling to one pixel, which torch takes as a mean."""
    if own["output_size"] not in (1, (1, 1)) or x.dim() != 4:
        return None
    return _mean, (), ((-1, -2), True)


def passing(own: Attributes, x: Tensor) -> Asked:
    """Layers that do nothing in eval mode."""
    return None, (), ()


LAYERS: dict[type[nn.Module], Rule] = {
    nn.Conv1d: convolution,
    nn.Conv2d: convolution,
    nn.Conv3d: convolution,
    nn.BatchNorm1d: batch_norm((2, 3)),
    nn.BatchNorm2d: batch_norm((4,)),
    nn.BatchNorm3d: batch_norm((5,)),
    nn.ReLU: activation("relu"),
    nn.ReLU6: activation("hardtanh", 0.0, 6.0),
    nn.Hardtanh: activation("hardtanh", "min_val", "max_val"),
    nn.LeakyReLU: activation("leaky_relu", "negative_slope"),
    nn.SiLU: activation("silu"),
    nn.Sigmoid: activation("sigmoid"),
    nn.Tanh: activation("tanh"),
    nn.Hardswish: activation("hardswish"),
    nn.Hardsigmoid: activation("hardsigmoid"),
    nn.AdaptiveAvgPool2d: global_pool,
    nn.Identity: passing,
    nn.Dropout: passing,
    nn.Dropout2d: passing,
}  # fmt: skip
FORWARDS = {kind: kind.forward for kind in LAYERS}
"""What the rules stand for: a class whose forward somebody replaced is run."""
