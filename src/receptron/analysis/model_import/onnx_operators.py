"""Every ONNX operator of vision networks by its torch counterpart."""

from collections.abc import Callable
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from receptron.errors import AnalysisFault

Attributes = dict[str, Any]
Rule = Callable[[list[Any], Attributes], Any]

MANY = 10_000
"""Parts that a tensor may be split into."""
DTYPES = {
    1: torch.float32, 2: torch.uint8, 3: torch.int8, 5: torch.int16, 6: torch.int32, 7: torch.int64, 9: torch.bool, 10: torch.float16,
    11: torch.float64, 16: torch.bfloat16,
}  # fmt: skip
"""ONNX's numbers for types of tensors: onnx.proto3, TensorProto.DataType."""


def _padded(x: Tensor, attributes: Attributes, kernel: list[int], fill: float = 0.0) -> tuple[Tensor, list[int]]:
    """Symmetric padding goes to the operator, other padding before it."""
    rank = len(kernel)
    pads = _automatic(x, attributes, kernel) or list(attributes.get("pads", [0] * 2 * rank))
    if pads[:rank] == pads[rank:]:
        return x, pads[:rank]
    amounts = [amount for i in reversed(range(rank)) for amount in (pads[i], pads[rank + i])]
    return F.pad(x, amounts, value=fill), [0] * rank


def _automatic(x: Tensor, attributes: Attributes, kernel: list[int]) -> list[int] | None:
    """Pads that auto_pad SAME_UPPER or SAME_LOWER asks for, those before all axes and then those behind; None if it asks for nothing."""
    wanted = attributes.get("auto_pad", "NOTSET")
    if wanted not in ("SAME_UPPER", "SAME_LOWER"):
        return None
    ones = [1] * len(kernel)
    rows = zip(x.shape[2:], kernel, attributes.get("strides", ones), attributes.get("dilations", ones), strict=True)
    missing = [max(0, (-(-extent // s) - 1) * s + d * (k - 1) + 1 - extent) for extent, k, s, d in rows]
    less, more = [n // 2 for n in missing], [n - n // 2 for n in missing]
    return less + more if wanted == "SAME_UPPER" else more + less


def _conv(x: list[Any], a: Attributes) -> Tensor:
    rank = x[1].dim() - 2
    data, padding = _padded(x[0], a, list(x[1].shape[2:]))
    ones = [1] * rank
    run = (F.conv1d, F.conv2d, F.conv3d)[rank - 1]
    return run(data, x[1], x[2] if len(x) > 2 else None, a.get("strides", ones), padding, a.get("dilations", ones), a.get("group", 1))


def _transposed(x: list[Any], a: Attributes) -> Tensor:
    rank = x[1].dim() - 2
    ones = [1] * rank
    run = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[rank - 1]
    pads, extra = list(a.get("pads", [0] * 2 * rank)), a.get("output_padding", [0] * rank)
    even = pads[:rank] == pads[rank:]
    out = run(
        x[0], x[1], x[2] if len(x) > 2 else None, a.get("strides", ones), pads[:rank] if even else 0, extra, a.get("group", 1),
        a.get("dilations", ones),
    )  # fmt: skip
    if even:
        return out
    return out[(..., *(slice(pads[i], out.shape[i - rank] - pads[rank + i]) for i in range(rank)))]


def _max_pool(x: list[Any], a: Attributes) -> Tensor:
    data, padding = _padded(x[0], a, a["kernel_shape"], float("-inf"))
    rank = len(a["kernel_shape"])
    run = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[rank - 1]
    return run(data, a["kernel_shape"], a.get("strides", [1] * rank), padding, a.get("dilations", 1), bool(a.get("ceil_mode", 0)))


def _average_pool(x: list[Any], a: Attributes) -> Tensor:
    data, padding = _padded(x[0], a, a["kernel_shape"])
    rank = len(a["kernel_shape"])
    run = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[rank - 1]
    return run(
        data, a["kernel_shape"], a.get("strides", [1] * rank), padding, bool(a.get("ceil_mode", 0)), bool(a.get("count_include_pad", 0))
    )


def _gemm(x: list[Any], a: Attributes) -> Tensor:
    one, two = (x[0].t() if a.get("transA") else x[0]), (x[1].t() if a.get("transB") else x[1])
    return torch.addmm(x[2], one, two) if len(x) > 2 and x[2] is not None else one @ two


def _norm(x: list[Any], a: Attributes) -> Tensor:
    return F.batch_norm(x[0], x[3], x[4], x[1], x[2], eps=a.get("epsilon", 1e-5))


def _shape_of(x: Tensor) -> Tensor:
    return torch.tensor(tuple(x.shape))


def _numbers(value: Any) -> list[int]:
    return [int(v) for v in value.tolist()] if isinstance(value, Tensor) else list(value)


def _axes(x: list[Any], a: Attributes) -> list[int]:
    return _numbers(x[1]) if len(x) > 1 and x[1] is not None else list(a.get("axes", []))


def _reshape(x: list[Any], a: Attributes) -> Tensor:
    return x[0].reshape([x[0].shape[i] if n == 0 else n for i, n in enumerate(_numbers(x[1]))])


def _slice(x: list[Any], a: Attributes) -> Tensor:
    starts, ends = _numbers(x[1]), _numbers(x[2])
    axes = _numbers(x[3]) if len(x) > 3 and x[3] is not None else range(len(starts))
    steps = _numbers(x[4]) if len(x) > 4 and x[4] is not None else [1] * len(starts)
    index = [slice(None)] * x[0].dim()
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        index[axis] = slice(start, end, step)
    return x[0][tuple(index)]


def _resize(x: list[Any], a: Attributes) -> Tensor:
    sizes = _numbers(x[3])[2:] if len(x) > 3 and x[3] is not None else None
    mode = {"nearest": "nearest", "linear": "bilinear", "cubic": "bicubic"}[a.get("mode", "nearest")]
    return F.interpolate(x[0], sizes, None if sizes else [float(s) for s in x[2].tolist()[2:]], mode)


def _pad(x: list[Any], a: Attributes) -> Tensor:
    pads = _numbers(x[1]) if len(x) > 1 else list(a["pads"])
    rank = len(pads) // 2
    return F.pad(x[0], [amount for i in reversed(range(rank)) for amount in (pads[i], pads[rank + i])])


def _reduce(run: Callable[..., Tensor]) -> Rule:
    def rule(x: list[Any], a: Attributes) -> Tensor:
        axes = _axes(x, a) or list(range(x[0].dim()))
        return run(x[0], axes, bool(a.get("keepdims", 1)))

    return rule


def _unsqueeze(x: list[Any], a: Attributes) -> Tensor:
    out = x[0]
    for axis in sorted(_axes(x, a)):
        out = out.unsqueeze(axis)
    return out


def _split(x: list[Any], a: Attributes) -> Any:
    sizes = _numbers(x[1]) if len(x) > 1 and x[1] is not None else a.get("split") or -(-x[0].shape[a.get("axis", 0)] // a["num_outputs"])
    axis = a.get("axis", 0)
    if isinstance(sizes, int) and x[0].shape[axis] > MANY * max(sizes, 1):
        raise AnalysisFault(f"Split of the ONNX model gives more than {MANY} parts of {x[0].shape[axis]} rows.")
    return torch.split(x[0], sizes, axis)


def _dequantized(x: list[Any], a: Attributes) -> Tensor:
    """Scales and zero points are of the whole tensor or of one axis."""
    shape = [-1 if axis == a.get("axis", 1) % x[0].dim() else 1 for axis in range(x[0].dim())] if x[1].dim() else []
    numbers = x[0].to(x[1].dtype)
    if len(x) > 2 and x[2] is not None:
        numbers = numbers - x[2].to(x[1].dtype).reshape(shape)
    return numbers * x[1].reshape(shape)


def _gather(x: list[Any], a: Attributes) -> Tensor:
    axis = a.get("axis", 0)
    index = x[1]
    if index.dim() == 0:
        return x[0].select(axis, int(index)) if not index.is_meta else x[0].select(axis, 0)
    taken = x[0].index_select(axis, index.flatten())
    axis %= x[0].dim()
    return taken.reshape(*x[0].shape[:axis], *index.shape, *x[0].shape[axis + 1 :])


def _one(run: Callable[[Tensor], Tensor]) -> Rule:
    return lambda x, a: run(x[0])


def _two(run: Callable[[Any, Any], Any]) -> Rule:
    return lambda x, a: run(x[0], x[1])


RULES: dict[str, Rule] = {
    "Conv": _conv,
    "ConvTranspose": _transposed,
    "Gemm": _gemm,
    "MatMul": _two(torch.matmul),
    "BatchNormalization": _norm,
    "LayerNormalization": lambda x, a: F.layer_norm(x[0], x[0].shape[a.get("axis", -1) :], x[1], x[2] if len(x) > 2 else None),
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "GlobalAveragePool": _one(lambda t: t.mean(tuple(range(2, t.dim())), keepdim=True)),
    "GlobalMaxPool": _one(lambda t: t.amax(tuple(range(2, t.dim())), keepdim=True)),
    "Add": _two(torch.add),
    "Sub": _two(torch.sub),
    "Mul": _two(torch.mul),
    "Div": _two(torch.div),
    "Pow": _two(torch.pow),
    "Relu": _one(torch.relu),
    "LeakyRelu": lambda x, a: F.leaky_relu(x[0], a.get("alpha", 0.01)),
    "PRelu": lambda x, a: x[0].clamp(min=0) + x[1] * x[0].clamp(max=0),
    "Sigmoid": _one(torch.sigmoid),
    "HardSigmoid": _one(F.hardsigmoid),
    "HardSwish": _one(F.hardswish),
    "Tanh": _one(torch.tanh),
    "Erf": _one(torch.erf),
    "Gelu": _one(F.gelu),
    "Sqrt": _one(torch.sqrt),
    "Exp": _one(torch.exp),
    "Clip": _one(lambda t: t.clamp(0, 6)),
    "Softmax": lambda x, a: torch.softmax(x[0], a.get("axis", -1)),
    "Dropout": _one(lambda t: t),
    "Identity": _one(lambda t: t),
    "Flatten": lambda x, a: x[0].reshape(prod(x[0].shape[: a.get("axis", 1)]), -1),
    "Reshape": _reshape,
    "Transpose": lambda x, a: x[0].permute(a["perm"]),
    "Concat": lambda x, a: torch.cat(x, a["axis"]),
    "Split": _split,
    "Slice": _slice,
    "Squeeze": lambda x, a: x[0].squeeze(tuple(_axes(x, a))) if _axes(x, a) else x[0].squeeze(),
    "Unsqueeze": _unsqueeze,
    "Gather": _gather,
    "Shape": _one(_shape_of),
    "Cast": lambda x, a: x[0].to(DTYPES[a["to"]]) if a.get("to") in DTYPES else x[0],
    "DequantizeLinear": _dequantized,
    "Expand": lambda x, a: x[0].expand(torch.broadcast_shapes(x[0].shape, _numbers(x[1]))),
    "Resize": _resize,
    "Pad": _pad,
    "ReduceMean": _reduce(torch.mean),
    "ReduceSum": _reduce(torch.sum),
    "LRN": lambda x, a: F.local_response_norm(x[0], a["size"]),
}
