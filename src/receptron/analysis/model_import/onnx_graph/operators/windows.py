"""Convolutions and poolings: pads before the operator where torch has none that fit."""

from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from receptron.analysis.model_import.onnx_graph.calling import Attributes, NotKnown, Rule, given, one
from receptron.analysis.model_import.onnx_graph.operators.elementwise import RULES as ELEMENTWISE
from receptron.errors import AnalysisFault, BadValue
from receptron.wording import counted

Pads = list[int]
"""Those before all axes, then those behind them."""


def amounts(pads: Pads) -> list[int]:
    """As torch wants them: last axis first, before and behind in pairs."""
    rank = len(pads) // 2
    return [amount for i in reversed(range(rank)) for amount in (pads[i], pads[rank + i])]


def pads_of(x: Tensor, a: Attributes, kernel: list[int]) -> Pads:
    """Pads that are stated, or that auto_pad asks for."""
    wanted = a.get("auto_pad", "NOTSET")
    if wanted not in ("SAME_UPPER", "SAME_LOWER"):
        pads = [0] * 2 * len(kernel) if wanted == "VALID" else list(a.get("pads", [0] * 2 * len(kernel)))
        if len(pads) != 2 * len(kernel):
            raise BadValue(f"{len(pads)} pads are not those of {len(kernel)} axes.", why="each has one before and one behind")
        return pads
    ones = [1] * len(kernel)
    rows = zip(x.shape[2:], kernel, a.get("strides", ones), a.get("dilations", ones), strict=True)
    return _halved([max(0, (-(-extent // s) - 1) * s + d * (k - 1) + 1 - extent) for extent, k, s, d in rows], upper=wanted == "SAME_UPPER")


def _halved(missing: list[int], *, upper: bool) -> Pads:
    less, more = [n // 2 for n in missing], [n - n // 2 for n in missing]
    return less + more if upper else more + less


def check_rank(x: Tensor, kernel: list[int]) -> None:
    """Raises: AnalysisFault for a kernel of more or fewer axes than the maps have; torch would take such an input for one image."""
    if x.dim() != len(kernel) + 2:
        stated = f"a kernel of {counted(len(kernel), 'dimension')}"
        raise AnalysisFault(f"{stated} does not go over an input of {'x'.join(map(str, x.shape)) or 'one number'}.", mend="export it again")


def padded(x: Tensor, a: Attributes, kernel: list[int], fill: float = 0.0, most: list[int] | None = None) -> tuple[Tensor, list[int]]:
    """Symmetric padding of at most `most` goes to the operator, other padding before it."""
    check_rank(x, kernel)
    pads = pads_of(x, a, kernel)
    rank = len(kernel)
    if pads[:rank] == pads[rank:] and (most is None or all(n <= limit for n, limit in zip(pads, most, strict=False))):
        return x, pads[:rank]
    return F.pad(x, amounts(pads), value=fill), [0] * rank


def conv(x: list[Any], a: Attributes) -> Tensor:
    """Conv."""
    rank = x[1].dim() - 2
    data, padding = padded(x[0], a, list(x[1].shape[2:]))
    ones = [1] * rank
    run = (F.conv1d, F.conv2d, F.conv3d)[rank - 1]
    return run(data, x[1], given(x, 2), a.get("strides", ones), padding, a.get("dilations", ones), a.get("group", 1))


def _fused(x: list[Any], a: Attributes) -> Tensor:
    """What onnxruntime makes of a convolution, an addition and an activation behind it."""
    end = a.get("activation", "Identity")
    if end not in ("Identity", "Relu", "Tanh", "Sigmoid", "LeakyRelu", "Clip", "HardSigmoid", "HardSwish"):
        raise NotKnown(f"a FusedConv that ends in {str(end)[:40]} is not known here.")
    out = conv(x[:3], a)
    return ELEMENTWISE[end]([out if given(x, 3) is None else out + x[3]], Attributes())


def _transposed(x: list[Any], a: Attributes) -> Tensor:
    """With uneven pads, the whole that the kernel reaches, cropped."""
    rank = x[1].dim() - 2
    ones = [1] * rank
    run = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[rank - 1]
    steps, spread, extra = a.get("strides", ones), a.get("dilations", ones), list(a.get("output_padding", [0] * rank))
    pads = _cropped(x[0], list(x[1].shape[2:]), a, extra)
    even = pads[:rank] == pads[rank:] and min(pads) >= 0
    out = run(x[0], x[1], given(x, 2), steps, pads[:rank] if even else 0, extra, a.get("group", 1), spread)
    return out if even else F.pad(out, [-n for n in amounts(pads)])


def _cropped(x: Tensor, kernel: list[int], a: Attributes, extra: list[int]) -> Pads:
    """What a transposed convolution leaves out at its ends."""
    check_rank(x, kernel)
    rank = len(kernel)
    wanted = a.get("auto_pad", "NOTSET")
    same = wanted in ("SAME_UPPER", "SAME_LOWER")
    steps, spread = a.get("strides", [1] * rank), a.get("dilations", [1] * rank)
    sizes = a.get("output_shape") or ([n * s for n, s in zip(x.shape[2:], steps, strict=True)] if same else None)
    if sizes is None:
        return [0] * 2 * rank if wanted == "VALID" else list(a.get("pads", [0] * 2 * rank))
    rows = zip(x.shape[2:], steps, kernel, spread, extra, sizes[-rank:], strict=True)
    return _halved([s * (n - 1) + o + (k - 1) * d + 1 - size for n, s, k, d, o, size in rows], upper=wanted == "SAME_UPPER")


def _max_pool(x: list[Any], a: Attributes) -> Any:
    kernel = a["kernel_shape"]
    rank = len(kernel)
    if a.get("storage_order"):
        raise NotKnown("a max pool that tells its places column by column is not known here.")
    lowest = float("-inf") if x[0].is_floating_point() else torch.iinfo(x[0].dtype).min
    data, padding = padded(x[0], a, kernel, lowest, [k // 2 for k in kernel])
    run = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[rank - 1]
    return run(data, kernel, a.get("strides", [1] * rank), padding, a.get("dilations", 1), bool(a.get("ceil_mode", 0)), a.outputs > 1)


def _average_pool(x: list[Any], a: Attributes) -> Tensor:
    """Behind uneven pads that do not count, the sum is divided by the numbers that do."""
    if any(d != 1 for d in a.get("dilations", [])):
        raise NotKnown("a dilated average pool is not known here.")
    kernel, whole = a["kernel_shape"], bool(a.get("count_include_pad", 0))
    rank = len(kernel)
    data, padding = padded(x[0], a, kernel, most=[k // 2 for k in kernel])
    run = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[rank - 1]
    ends = a.get("strides", [1] * rank), padding, bool(a.get("ceil_mode", 0)), whole
    out = run(data, kernel, *ends)
    if whole or data is x[0]:
        return out
    counted, _ = padded(torch.ones((1, 1, *x[0].shape[2:]), dtype=x[0].dtype, device=x[0].device), a, kernel, most=[0] * rank)
    return out / run(counted, kernel, *ends)


def _norm_pool(x: list[Any], a: Attributes) -> Tensor:
    """LpPool: the average of the powers, times their number, and the root."""
    p, kernel = a.get("p", 2), a["kernel_shape"]
    plain = Attributes({**a, "count_include_pad": 1}, a.version)
    return (_average_pool([x[0].abs() ** p], plain) * prod(kernel)) ** (1 / p)


def _unpool(x: list[Any], a: Attributes) -> Tensor:
    kernel = a["kernel_shape"]
    rank = len(kernel)
    check_rank(x[0], kernel)
    pads = a.get("pads", [0] * 2 * rank)
    size = None if given(x, 2) is None else [int(n) for n in x[2].tolist()]
    run = (F.max_unpool1d, F.max_unpool2d, F.max_unpool3d)[rank - 1]
    return run(x[0], x[1], kernel, a.get("strides", [1] * rank), pads[:rank], size)


def _folded_columns(x: list[Any], a: Attributes) -> Tensor:
    """Col2Im."""
    size, kernel = tuple(int(n) for n in x[1].tolist()), tuple(int(n) for n in x[2].tolist())
    pads = a.get("pads", [0] * 2 * len(kernel))
    if len(kernel) != 2 or pads[:2] != pads[2:]:
        raise NotKnown("Col2Im is known here along two axes with even pads.")
    return F.fold(x[0], size, kernel, a.get("dilations", [1, 1]), pads[:2], a.get("strides", [1, 1]))


def _places(t: Tensor) -> tuple[int, ...]:
    return tuple(range(2, t.dim()))


RULES: dict[str, Rule] = {
    "Conv": conv,
    "ConvTranspose": _transposed,
    "com.microsoft.FusedConv": _fused,
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "LpPool": _norm_pool,
    "MaxUnpool": _unpool,
    "Col2Im": _folded_columns,
    "GlobalAveragePool": one(lambda t: t.mean(_places(t), keepdim=True)),
    "GlobalMaxPool": one(lambda t: t.amax(_places(t), keepdim=True)),
    "GlobalLpPool": lambda x, a: torch.linalg.vector_norm(x[0], a.get("p", 2), _places(x[0]), keepdim=True),
}
