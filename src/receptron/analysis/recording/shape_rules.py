"""Shapes of the most frequent calls, worked out here because torch's meta kernels for them take up to two milliseconds each.

A shortcut takes the call's arguments and gives the shapes of its outputs, all contiguous and of the type of its first tensor; a tensor
in place of a shape says that the output lies in memory like it, None that it was not wanted. `WRITTEN` means that the result lies in
the first argument, no answer that torch has to be asked. The tests hold every one against torch.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

Numbers = tuple[int, ...]
Shapes = tuple[Sequence[int] | Tensor | None, ...]
Shortcut = Callable[..., Shapes | None]
WRITTEN: Shapes = ()
HARMLESS = frozenset(["alpha", "approximate"])
"""Named arguments that change numbers only."""


def convolution(x: Tensor, weight: Tensor, bias: Tensor | None, *rest: Any) -> Shapes | None:
    """aten::convolution, not transposed."""
    stride, padding, dilation, transposed, _, groups = rest
    size, kernel = x.shape, weight.shape
    if transposed or x.dtype != weight.dtype or not x.is_contiguous() or (bias is not None and bias.shape != kernel[:1]):
        return None
    return _convolved(size, kernel, tuple(stride), tuple(padding), tuple(dilation), groups)


@lru_cache(1 << 12)
def _convolved(size: Numbers, kernel: Numbers, stride: Numbers, padding: Numbers, dilation: Numbers, groups: int) -> Shapes | None:
    if len(size) != len(kernel) or size[1] != kernel[1] * groups or kernel[0] % groups:
        return None
    stride, padding, dilation = [v * (len(size) - 2) if len(v) == 1 else v for v in (stride, padding, dilation)]
    if {len(stride), len(padding), len(dilation)} != {len(size) - 2} or min(*stride, *dilation) < 1 or min(padding) < 0:
        return None
    rooms = [n + 2 * p - d * (k - 1) - 1 for n, k, p, d in zip(size[2:], kernel[2:], padding, dilation, strict=True)]
    if min(rooms) < 0:
        return None
    return ((size[0], kernel[0], *[room // s + 1 for room, s in zip(rooms, stride, strict=True)]),)


def batch_norm(
    x: Tensor, weight: Tensor | None, bias: Tensor | None, mean: Tensor | None, var: Tensor | None, training: bool, *rest: Any
) -> Shapes | None:
    """aten::native_batch_norm: the output, and statistics of the batch in train mode."""
    channels = x.shape[1:2]
    kept = channels if training else (0,)
    if not channels or {t.shape for t in (weight, bias, mean, var) if t is not None} - {channels}:
        return None
    return (x.shape, kept, kept) if x.is_contiguous() else (x, kept, kept) if _is_dense(x) else None


def group_norm(
    x: Tensor, weight: Tensor | None, bias: Tensor | None, batch: int, channels: int, rest: int, groups: int, *_: Any
) -> Shapes | None:
    """aten::native_group_norm."""
    if x.dtype != torch.float32 or not x.is_contiguous() or any([t is not None and t.shape != (channels,) for t in (weight, bias)]):
        return None
    return x.shape, (batch, groups), (batch, groups)


def elementwise(x: Tensor, *rest: Any) -> Shapes | None:
    """Calls that keep the shape of their first argument and how it lies; arguments that are tensors are left to torch."""
    if not x.is_floating_point() or any([isinstance(a, Tensor | complex) for a in rest]):
        return None
    return (x.shape,) if x.is_contiguous() else (x,) if _is_dense(x) else None


def softmax(x: Tensor, dim: int, to_float: bool = False) -> Shapes | None:
    """aten::_softmax and _safe_softmax."""
    fits = x.is_contiguous() and x.is_floating_point() and not to_float
    return (x.shape,) if fits and _are_sides(x, (dim,)) else None


def softmax_backward(grad: Tensor, out: Tensor, dim: int, dtype: torch.dtype) -> Shapes | None:
    """aten::_softmax_backward_data."""
    return elementwise_backward(grad, out) if dtype == grad.dtype and _are_sides(grad, (dim,)) else None


def rolled(x: Tensor, shifts: Sequence[int], dims: Sequence[int] = ()) -> Shapes | None:
    """aten::roll along named sides."""
    return (x.shape,) if x.is_contiguous() and len(shifts) == len(dims) and _are_sides(x, dims) else None


def in_place(x: Tensor, *rest: Any) -> Shapes | None:
    """Calls that write the result where the first argument lies."""
    return None if any([isinstance(a, Tensor | complex) for a in rest]) or not x.is_floating_point() else WRITTEN


def binary(x: Tensor, y: Any, *rest: Any) -> Shapes | None:
    """Sums and products of two tensors of one type whose shapes go together."""
    if not isinstance(y, Tensor):
        return None if isinstance(y, complex) else elementwise(x)
    if x.dtype != y.dtype or x.device != y.device or not x.is_floating_point():
        return None
    left, right = x.shape, y.shape
    if not (x.is_contiguous() and y.is_contiguous()):
        return (x,) if left == right and x.stride() == y.stride() and _is_dense(x) else None
    if left == right:
        return (left,)
    missing = len(left) - len(right)
    left, right = (1,) * -missing + tuple(left), (1,) * missing + tuple(right)
    shape = [b if a == 1 else a for a, b in zip(left, right, strict=True)]
    return None if any([b not in (1, side) for b, side in zip(right, shape, strict=True)]) else (shape,)


def binary_in_place(x: Tensor, y: Any, *rest: Any) -> Shapes | None:
    """Sums and products written into the first argument."""
    if not isinstance(y, Tensor):
        return WRITTEN if type(y) is int and x.dtype == torch.int64 else in_place(x, y)
    return WRITTEN if x.shape == y.shape and x.dtype == y.dtype and x.device == y.device else None


def mean(x: Tensor, dims: Sequence[int] | None, keep: bool = False, *rest: Any) -> Shapes | None:
    """aten::mean.dim."""
    if not x.is_contiguous() or not x.is_floating_point() or not dims or rest or not _are_sides(x, dims):
        return None
    gone = {d % x.dim() for d in dims}
    return ([1 if i in gone else size for i, size in enumerate(x.shape) if keep or i not in gone],)


def layer_norm(x: Tensor, norm: Sequence[int], weight: Tensor | None, bias: Tensor | None, *rest: Any) -> Shapes | None:
    """aten::native_layer_norm: the output, mean and inverse deviation; contiguous whatever the input is."""
    shape = x.shape
    outer, inner = shape[: -len(norm)], shape[-len(norm) :]
    if x.dtype != torch.float32 or len(inner) != len(norm) or any([t is not None and t.shape != inner for t in (weight, bias)]):
        return None
    seen = (*outer, *[1] * len(norm))
    return (shape, seen, seen) if list(inner) == list(norm) else None


def product(x: Tensor, y: Tensor) -> Shapes | None:
    """aten::mm."""
    return _multiplied(x, y, 2)


def batched_product(x: Tensor, y: Tensor) -> Shapes | None:
    """aten::bmm."""
    return _multiplied(x, y, 3)


def added_product(added: Tensor, x: Tensor, y: Tensor) -> Shapes | None:
    """aten::addmm with a vector that is added to every row."""
    return product(x, y) if added.dtype == x.dtype and added.shape == y.shape[-1:] else None


def elementwise_backward(grad: Tensor, x: Tensor, *rest: Any) -> Shapes | None:
    """Gradients of activations, from the gradient of the output and the input or output."""
    alike = grad.shape == x.shape and grad.dtype == x.dtype and grad.is_contiguous() and x.is_contiguous()
    return (grad.shape,) if alike and grad.is_floating_point() else None


def batch_norm_backward(grad: Tensor, x: Tensor, weight: Tensor | None, *rest: Any) -> Shapes | None:
    """aten::native_batch_norm_backward."""
    if x.dtype != torch.float32 or not (grad.is_contiguous() and x.is_contiguous()):
        return None
    return _wanted((x.shape, x.shape[1:2], x.shape[1:2]), rest[-1])


def layer_norm_backward(grad: Tensor, x: Tensor, norm: Sequence[int], *rest: Any) -> Shapes | None:
    """aten::native_layer_norm_backward."""
    if x.dtype != torch.float32 or not (grad.is_contiguous() and x.is_contiguous()):
        return None
    return _wanted((x.shape, norm, norm), rest[-1])


def convolution_backward(grad: Tensor, x: Tensor, weight: Tensor, bias: Sequence[int] | None, *rest: Any) -> Shapes | None:
    """aten::convolution_backward, transposed or not; `bias` is the shape of one."""
    if not (grad.is_contiguous() and x.is_contiguous() and weight.is_contiguous()):
        return None
    return _wanted((x.shape, weight.shape, bias or ()), rest[-1])


def joined(parts: Sequence[Tensor], dim: int = 0) -> Shapes | None:
    """aten::cat."""
    first = parts[0]
    if not _are_sides(first, (dim,)):
        return None
    shape, at = list(first.shape), dim % first.dim()
    for part in parts:
        sides = list(part.shape)
        if part.dtype != first.dtype or len(sides) != len(shape) or len(sides) < 2 or not part.is_contiguous():
            return None
        if sides[:at] + sides[at + 1 :] != shape[:at] + shape[at + 1 :]:
            return None
    shape[at] = sum([part.shape[at] for part in parts])
    return (shape,)


_aten = torch.ops.aten
SHORTCUTS: dict[Any, Shortcut] = (
    {
        _aten.convolution.default: convolution,
        _aten.native_batch_norm.default: batch_norm,
        _aten.native_layer_norm.default: layer_norm,
        _aten.native_group_norm.default: group_norm,
        _aten.native_batch_norm_backward.default: batch_norm_backward,
        _aten.native_layer_norm_backward.default: layer_norm_backward,
        _aten.convolution_backward.default: convolution_backward,
        _aten._softmax_backward_data.default: softmax_backward,
        _aten.mm.default: product,
        _aten.bmm.default: batched_product,
        _aten.addmm.default: added_product,
        _aten.cat.default: joined,
        _aten._softmax.default: softmax,
        _aten._safe_softmax.default: softmax,
        _aten.roll.default: rolled,
        _aten.mean.dim: mean,
        _aten.add.Tensor: binary,
        _aten.sub.Tensor: binary,
        _aten.mul.Tensor: binary,
        _aten.div.Tensor: binary,
        _aten.mul.Scalar: elementwise,
        _aten.add_.Tensor: binary_in_place,
        _aten.mul_.Tensor: binary_in_place,
    }
    | {
        op: rule
        for name in ("relu", "sigmoid", "silu", "gelu", "hardtanh", "hardswish", "hardsigmoid", "leaky_relu", "elu", "tanh")
        for op, rule in (
            (getattr(_aten, name).default, elementwise),
            (getattr(getattr(_aten, f"{name}_"), "default", None), in_place),
        )
        if op is not None
    }
    | {
        getattr(_aten, f"{name}_backward").default: elementwise_backward
        for name in ("threshold", "sigmoid", "silu", "gelu", "hardtanh", "hardswish", "hardsigmoid", "leaky_relu", "tanh")
    }
)


def _multiplied(x: Tensor, y: Tensor, rank: int) -> Shapes | None:
    if x.dtype != y.dtype or x.dim() != rank or y.dim() != rank or x.shape[-1] != y.shape[-2] or x.shape[:-2] != y.shape[:-2]:
        return None
    return ((*x.shape[:-1], y.shape[-1]),)


def _are_sides(x: Tensor, dims: Sequence[int]) -> bool:
    """Whether the numbers name sides of the tensor, each once."""
    rank = x.dim()
    return all([-rank <= dim < rank for dim in dims]) and len({dim % rank for dim in dims}) == len(dims)


def _wanted(shapes: Shapes, mask: Sequence[bool]) -> Shapes:
    return tuple([shape if asked else None for shape, asked in zip(shapes, mask, strict=True)])


def _is_dense(x: Tensor) -> bool:
    """Whether the numbers fill a piece of memory, in whatever order."""
    filled = 1
    for step, side in sorted(zip(x.stride(), x.shape, strict=True)):
        if side != 1 and step != filled:
            return False
        filled *= side
    return True
