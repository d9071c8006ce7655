"""Shapes of the most frequent calls, worked out here because torch's meta kernels for them take up to two milliseconds each.

A shortcut answers only where the result is plain and contiguous, otherwise None; the tests hold every one against torch.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Shortcut = Callable[..., Any]


def convolution(x: Tensor, weight: Tensor, bias: Tensor | None, *rest: Any) -> Tensor | None:
    """aten::convolution, not transposed."""
    stride, padding, dilation, transposed = rest[:4]
    if transposed or not x.is_contiguous() or x.dim() != weight.dim():
        return None
    shape = [x.shape[0], weight.shape[0]]
    for i, (size, kernel) in enumerate(zip(x.shape[2:], weight.shape[2:], strict=True)):
        reach = _each(dilation, i) * (kernel - 1) + 1
        room = size + 2 * _each(padding, i) - reach
        if room < 0:
            return None
        shape.append(room // _each(stride, i) + 1)
    if x.shape[1] != weight.shape[1] * rest[5] or x.dtype != weight.dtype:
        return None
    return _empty(shape, x)


def batch_norm(
    x: Tensor, weight: Tensor | None, bias: Tensor | None, mean: Tensor | None, var: Tensor | None, training: bool, *rest: Any
) -> tuple[Tensor, Tensor, Tensor] | None:
    """aten::native_batch_norm: the output, and statistics of the batch in train mode."""
    channels = x.shape[1] if x.dim() > 1 else -1
    if not x.is_contiguous() or any(t is not None and t.shape != (channels,) for t in (weight, bias, mean, var)):
        return None
    kept = [channels] if training else [0]
    return _empty(x.shape, x), _empty(kept, x), _empty(kept, x)


def elementwise(x: Tensor, *rest: Any) -> Tensor | None:
    """Calls that keep the shape of their first argument; arguments that are tensors are left to torch."""
    if not x.is_contiguous() or not x.is_floating_point() or any(isinstance(a, Tensor) for a in rest):
        return None
    return _empty(x.shape, x)


def in_place(x: Tensor, *rest: Any) -> Tensor | None:
    """Calls that write the result where the first argument lies."""
    return None if any(isinstance(a, Tensor) for a in rest) or not x.is_floating_point() else x


def binary(x: Any, y: Any, *rest: Any) -> Tensor | None:
    """Sums and products of two tensors of one type whose shapes go together."""
    if not (isinstance(x, Tensor) and isinstance(y, Tensor)):
        return elementwise(x, y) if isinstance(x, Tensor) and not isinstance(y, complex) else None
    if x.dtype != y.dtype or x.dim() != y.dim() or not (x.is_contiguous() and y.is_contiguous()) or x.device != y.device:
        return None
    shape = [b if a == 1 else a for a, b in zip(x.shape, y.shape, strict=True)]
    if any(b not in (1, s) for b, s in zip(y.shape, shape, strict=True)):
        return None
    return _empty(shape, x)


def binary_in_place(x: Tensor, y: Any, *rest: Any) -> Tensor | None:
    """Sums and products written into the first argument."""
    if not isinstance(y, Tensor):
        return in_place(x)
    return x if x.shape == y.shape and x.dtype == y.dtype and x.device == y.device else None


def mean(x: Tensor, dims: Sequence[int] | None, keep: bool = False, *rest: Any) -> Tensor | None:
    """aten::mean.dim."""
    if not x.is_contiguous() or not x.is_floating_point() or not dims or rest:
        return None
    gone = {d % x.dim() for d in dims}
    shape = [1 if i in gone else size for i, size in enumerate(x.shape) if keep or i not in gone]
    return _empty(shape, x)


_aten = torch.ops.aten
SHORTCUTS: dict[Any, Shortcut] = {
    _aten.convolution.default: convolution,
    _aten.native_batch_norm.default: batch_norm,
    _aten.mean.dim: mean,
    _aten.add.Tensor: binary,
    _aten.mul.Tensor: binary,
    _aten.add_.Tensor: binary_in_place,
    _aten.mul_.Tensor: binary_in_place,
} | {
    op: rule
    for name in ("relu", "sigmoid", "silu", "gelu", "hardtanh", "hardswish", "hardsigmoid", "leaky_relu", "elu", "tanh")
    for op, rule in (
        (getattr(_aten, name).default, elementwise),
        (getattr(getattr(_aten, f"{name}_"), "default", None), in_place),
    )
    if op is not None
}


def _each(values: Sequence[int], i: int) -> int:
    return values[i] if len(values) > 1 else values[0]


def _empty(shape: Sequence[int], like: Tensor) -> Tensor:
    return torch.empty(shape, dtype=like.dtype, device=like.device)
