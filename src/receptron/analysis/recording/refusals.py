"""What every real device refuses and torch's meta device lets pass: channels, types of numbers and biases that do not fit.

A check takes an operator's arguments and raises what torch raises where numbers are real, in its words. The tests hold each against a
run with numbers. Under autocast types may differ: torch casts them then, and does not on meta.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Check = Callable[..., None]
_HALVES = (torch.float16, torch.bfloat16)


def _one_type(*tensors: Any) -> None:
    """Raises: RuntimeError if the tensors among the arguments hold numbers of several types."""
    types = list(dict.fromkeys([t.dtype for t in tensors if isinstance(t, Tensor)]))
    if len(types) > 1 and not _autocast():
        raise RuntimeError(f"expected all tensors to have the same dtype, but got {' and '.join(map(_name, types))}")


def _autocast() -> bool:
    """Whether an autocast context is open; under a dispatch mode `torch.is_autocast_enabled` says no, so its depth is asked."""
    depth = torch.autocast_increment_nesting()
    torch.autocast_decrement_nesting()
    return depth > 1


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _no_bool(*tensors: Any) -> None:
    _one_type(*tensors)
    if any([isinstance(t, Tensor) and t.dtype == torch.bool for t in tensors]):
        raise NotImplementedError("a product is not implemented for 'Bool'")


def _convolution(
    x: Tensor, weight: Tensor, bias: Tensor | None, stride: Sequence[int], _padding: Any, dilation: Sequence[int],
    transposed: bool, output_padding: Sequence[int], groups: int, *_switches: Any,
) -> None:  # fmt: skip
    """aten::convolution."""
    _one_type(x, weight, bias)
    out = weight.shape[1] * groups if transposed else weight.shape[0]
    if transposed:
        _transposed(x, weight, stride, dilation, output_padding, groups)
    if bias is not None and tuple(bias.shape) != (out,):
        given = f"Given {'transposed=1, ' * transposed}weight of size {list(weight.shape)}"
        raise RuntimeError(f"{given}, expected bias to be 1-dimensional with {out} elements, but got bias of size {list(bias.shape)}")


def _transposed(
    x: Tensor, weight: Tensor, stride: Sequence[int], dilation: Sequence[int], output_padding: Sequence[int], groups: int
) -> None:
    channels, given = x.shape[1 - weight.dim()], f"weight of size {list(weight.shape)}"
    if weight.shape[0] % groups:
        raise RuntimeError(f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got {given}")
    if channels != weight.shape[0]:
        wanted = f"to have {weight.shape[0]} channels, but got {channels} channels instead"
        raise RuntimeError(f"Given transposed=1, {given}, expected input{list(x.shape)} {wanted}")
    axes = range(weight.dim() - 2)
    steps, spreads, ends = [_spread(numbers, len(axes)) for numbers in (stride, dilation, output_padding)]
    if any([end >= max(step, spread) for step, spread, end in zip(steps, spreads, ends, strict=True)]):
        raise RuntimeError(f"output padding must be smaller than either stride or dilation, but got output_padding: {list(ends)}")


def _spread(numbers: Sequence[int], rank: int) -> Sequence[int]:
    return [numbers[0]] * rank if len(numbers) == 1 else numbers


def _norm(x: Tensor, *parameters: Any) -> None:
    """Parameters of a norm are of the input's type, or in full precision beside a half one; never real for whole numbers."""
    _real(x)
    types = {p.dtype for p in parameters if isinstance(p, Tensor)} - {x.dtype}
    if types and not (x.dtype in _HALVES and types == {torch.float32}) and not _autocast():
        raise RuntimeError(f"mixed dtype: expect parameter to have scalar type of {_name(x.dtype)}, but got {_name(min(types, key=str))}")


def _layer_norm(x: Tensor, _shape: Any, weight: Tensor | None, bias: Tensor | None, *_rest: Any) -> None:
    _norm(x, weight, bias)


def _real(x: Tensor, *_rest: Any) -> None:
    """Raises: NotImplementedError for whole numbers and truths, of which these functions have no kernel."""
    if not (x.is_floating_point() or x.is_complex()):
        raise NotImplementedError(f"it is not implemented for '{_name(x.dtype)}'; expected floating point dtype")


def _index_add(x: Tensor, dim: int, index: Tensor, source: Tensor, *_rest: Any) -> None:
    _one_type(x, source)
    dim %= max(x.dim(), 1)
    others = [tuple(extent for axis, extent in enumerate(t.shape) if axis != dim) for t in (x, source)]
    if x.dim() != source.dim() or others[0] != others[1]:
        found = f"Got self.shape = {list(x.shape)} source.shape = {list(source.shape)}"
        raise RuntimeError(f"source tensor shape must match self tensor shape, excluding the specified dimension. {found}")


def _index_put(x: Tensor, _indices: Any, values: Tensor, *_rest: Any) -> None:
    _one_type(x, values)


def _index_select(_x: Tensor, _dim: int, index: Tensor) -> None:
    if index.dtype not in (torch.int32, torch.int64):
        raise RuntimeError(f"index_select(): Expected dtype int32 or int64 for index, but got {_name(index.dtype)}")


_PRODUCTS = ("mm", "addmm", "mv", "addmv", "dot", "bmm", "baddbmm", "addbmm")
_OF_ONE_TYPE = ("_cdist_forward", "_euclidean_dist", "grid_sampler_2d", "grid_sampler_3d")
_ACTIVATIONS = ("_softmax", "_log_softmax", "gelu", "silu", "hardswish", "hardsigmoid", "mish", "softplus", "elu")
_RESIZED = (
    *("upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d", "upsample_bicubic2d"),
    *("_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa"),
)
_OF_REAL_NUMBERS = (*_ACTIVATIONS, *_RESIZED, "var", "std", "var_mean", "im2col", "_adaptive_avg_pool2d", "_adaptive_avg_pool3d")
CHECKS: dict[str, Check] = {
    "convolution": _convolution,
    "native_batch_norm": _norm,
    "native_group_norm": _norm,
    "native_layer_norm": _layer_norm,
    "index_add": _index_add,
    "index_put": _index_put,
    "index_select": _index_select,
    **dict.fromkeys(_PRODUCTS, _no_bool),
    **dict.fromkeys(_OF_ONE_TYPE, _one_type),
    **dict.fromkeys(_OF_REAL_NUMBERS, _real),
}
"""By the operator's name on the tape."""
