"""Operators on whole numbers with a scale: they multiply what their counterparts on real numbers do."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from receptron.analysis.model_import.onnx_graph.calling import Attributes, Rule, axis_of, given
from receptron.analysis.model_import.onnx_graph.operators.elementwise import RULES as ELEMENTWISE
from receptron.analysis.model_import.onnx_graph.operators.windows import RULES as WINDOWS
from receptron.analysis.model_import.onnx_graph.operators.windows import conv

_LIMITS = {torch.uint8: (0, 255), torch.int8: (-128, 127), torch.uint16: (0, 65535), torch.int16: (-32768, 32767)}


def _along(row: Tensor, x: Tensor, axis: int) -> Tensor:
    """A scale or zero point of the whole tensor, of one axis, or of every number."""
    if row.dim() == x.dim() > 1:
        return row
    if row.numel() == 1 or x.dim() == 0:
        return row.reshape([])
    return row.reshape([-1 if i == axis_of(axis, x.dim()) else 1 for i in range(x.dim())])


def real(x: Tensor, scale: Tensor, zero: Tensor | None, axis: int = 1) -> Tensor:
    """What whole numbers stand for."""
    out = x.to(scale.dtype)
    if zero is not None:
        out = out - _along(zero.to(scale.dtype), x, axis)
    return out * _along(scale, x, axis)


def whole(x: Tensor, scale: Tensor, zero: Tensor | None, axis: int = 1, kind: torch.dtype = torch.uint8) -> Tensor:
    """Real numbers as whole ones, of the zero point's type."""
    kind = kind if zero is None else zero.dtype
    if kind not in _LIMITS:
        return (x / _along(scale, x, axis)).to(kind)
    out = torch.round(x / _along(scale, x, axis))
    if zero is not None:
        out = out + _along(zero.to(x.dtype), x, axis)
    return out.clamp(*_LIMITS[kind]).to(kind)


def _of_blocks(x: list[Any], a: Attributes) -> list[Any]:
    """Scales and zero points of blocks along an axis as those of every row of it, against which they broadcast."""
    block, axis = a["block_size"], axis_of(a.get("axis", 1), x[0].dim())
    return [None if row is None else row.repeat_interleave(block, axis).narrow(axis, 0, x[0].shape[axis]) for row in (x[1], given(x, 2))]


def _dequantized(x: list[Any], a: Attributes) -> Tensor:
    if not a.get("block_size"):
        return real(x[0], x[1], given(x, 2), a.get("axis", 1))
    scale, zero = _of_blocks(x, a)
    numbers = x[0].to(scale.dtype)
    return (numbers if zero is None else numbers - zero.to(scale.dtype)) * scale


def _quantized(x: list[Any], a: Attributes) -> Tensor:
    if a.get("block_size"):
        scale, zero = _of_blocks(x, a)
        unit = torch.ones((), dtype=x[0].dtype, device=x[0].device)
        return whole(x[0] / scale, unit, zero)
    return whole(x[0], x[1], given(x, 2), a.get("axis", 1))


def _by_itself(x: list[Any], a: Attributes) -> Any:
    """DynamicQuantizeLinear: the whole range of the data on 0 to 255."""
    low, high = x[0].amin().clamp(max=0), x[0].amax().clamp(min=0)
    scale = (high - low) / 255
    zero = torch.round(-low / scale).clamp(0, 255).to(torch.uint8)
    return whole(x[0], scale, zero), scale, zero


def _quantized_conv(x: list[Any], a: Attributes) -> Tensor:
    """Weights have a scale a filter; the bias is of the input's scale times that."""
    weight = real(x[3], x[4], x[5], 0)
    bias = given(x, 8)
    added = None if bias is None else bias.to(weight.dtype) * x[1].reshape([]) * x[4].reshape(-1)
    return whole(conv([real(x[0], x[1], x[2]), weight, added], a), x[6], x[7])


def _quantized_product(x: list[Any], a: Attributes) -> Tensor:
    return whole(torch.matmul(real(x[0], x[1], x[2], -2), real(x[3], x[4], x[5], -1)), x[6], x[7])


def _integers(run: Callable[[list[Any], Attributes], Tensor], left: int, right: int) -> Rule:
    """ConvInteger and MatMulInteger: zero points are taken off, the sums stay whole."""

    def rule(x: list[Any], a: Attributes) -> Tensor:
        unit = torch.ones((), dtype=torch.float32, device=x[0].device)
        return run([real(x[0], unit, given(x, 2), left), real(x[1], unit, given(x, 3), right)], a).to(torch.int32)

    return rule


def _both(op: str) -> Rule:
    """onnxruntime's operators of two quantized inputs: A, scale, zero, B, scale, zero, scale, zero."""
    return lambda x, a: whole(ELEMENTWISE[op]([real(*x[:3]), real(*x[3:6])], a), x[6], given(x, 7))


def _alone(run: Rule) -> Rule:
    """Those of one: X, scale, zero, scale, zero."""
    return lambda x, a: whole(run([real(*x[:3])], a), x[3], given(x, 4))


def _joined(x: list[Any], a: Attributes) -> Tensor:
    """Scale and zero of the result, then all parts with theirs."""
    parts = [real(*x[i : i + 3]) for i in range(2, len(x), 3)]
    return whole(torch.cat(parts, a["axis"]), x[0], x[1])


def _quantized_gemm(x: list[Any], a: Attributes) -> Tensor:
    """A, scale, zero, B, scale, zero, C, scale, zero; without the last scale the sums are real."""
    left, right = real(x[0], x[1], x[2]), real(x[3], x[4], x[5], 0 if a.get("transB") else 1)
    sums = (left.t() if a.get("transA") else left) @ (right.t() if a.get("transB") else right) * a.get("alpha", 1.0)
    if (bias := given(x, 6)) is not None:
        sums = sums + bias.to(sums.dtype) * x[1].reshape([]) * x[4].reshape(-1)
    return sums if given(x, 7) is None else whole(sums, x[7], given(x, 8))


_MS = "com.microsoft."
RULES: dict[str, Rule] = {
    "QuantizeLinear": _quantized,
    "DequantizeLinear": _dequantized,
    "DynamicQuantizeLinear": _by_itself,
    "QLinearConv": _quantized_conv,
    "QLinearMatMul": _quantized_product,
    "ConvInteger": _integers(conv, 1, 0),
    "MatMulInteger": _integers(lambda x, a: torch.matmul(x[0], x[1]), -2, -1),
    f"{_MS}QuantizeLinear": _quantized,
    f"{_MS}DequantizeLinear": _dequantized,
    f"{_MS}QLinearAdd": _both("Add"),
    f"{_MS}QLinearMul": _both("Mul"),
    f"{_MS}QLinearSigmoid": _alone(ELEMENTWISE["Sigmoid"]),
    f"{_MS}QLinearLeakyRelu": _alone(ELEMENTWISE["LeakyRelu"]),
    f"{_MS}QLinearAveragePool": _alone(WINDOWS["AveragePool"]),
    f"{_MS}QLinearGlobalAveragePool": _alone(WINDOWS["GlobalAveragePool"]),
    f"{_MS}QLinearConcat": _joined,
    f"{_MS}QGemm": _quantized_gemm,
}
