"""Operators that make one number of many along axes."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from receptron.analysis.model_import.onnx_graph.calling import Attributes, NotKnown, Rule, axes_of, axis_of, numbers, setting


def _reduce(run: Callable[[Tensor, list[int], bool], Tensor]) -> Rule:
    """Axes are an attribute or, in newer versions, an input; none means all, or with noop_with_empty_axes none."""

    def rule(x: list[Any], a: Attributes) -> Tensor:
        axes = setting(x, a, 1, "axes")
        if not axes and a.get("noop_with_empty_axes"):
            return x[0]
        return run(x[0], axes_of(axes or range(x[0].dim()), x[0].dim()), bool(a.get("keepdims", 1)))

    return rule


def _product(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    for axis in sorted(axes_of(axes, x.dim()), reverse=True):
        x = x.prod(axis, keep)
    return x


def _largest(run: Callable[..., Tensor]) -> Rule:
    def rule(x: list[Any], a: Attributes) -> Tensor:
        return run(x[0], a.get("axis", 0), bool(a.get("keepdims", 1)))

    return rule


def _running(run: Callable[[Tensor, int], Tensor], start: int) -> Rule:
    """CumSum and CumProd."""

    def rule(x: list[Any], a: Attributes) -> Tensor:
        axis = axis_of(numbers(x[1])[0], x[0].dim())
        data = x[0].flip(axis) if a.get("reverse") else x[0]
        out = run(data, axis).to(x[0].dtype)
        if a.get("exclusive"):
            first = torch.full_like(out.narrow(axis, 0, 1), start)
            out = torch.cat([first, out.narrow(axis, 0, out.shape[axis] - 1)], axis)
        return out.flip(axis) if a.get("reverse") else out

    return rule


def _top(x: list[Any], a: Attributes) -> Any:
    k = setting(x, a, 1, "k")
    if not k:
        raise NotKnown("TopK does not say how many.")
    return tuple(torch.topk(x[0], k[0], a.get("axis", -1), bool(a.get("largest", 1)), bool(a.get("sorted", 1))))


def _soft(run: Callable[[Tensor, int], Tensor]) -> Rule:
    """Before version 13 all axes from `axis` on counted as one."""

    def rule(x: list[Any], a: Attributes) -> Tensor:
        if a.version >= 13:
            return run(x[0], a.get("axis", -1))
        axis = axis_of(a.get("axis", 1), max(x[0].dim(), 1))
        return run(x[0], axis) if axis == x[0].dim() - 1 else run(x[0].flatten(axis), -1).reshape(x[0].shape)

    return rule


def _hardest(t: Tensor, axis: int) -> Tensor:
    return torch.zeros_like(t).scatter(axis, t.argmax(axis, keepdim=True), 1.0)


RULES: dict[str, Rule] = {
    "ReduceMean": _reduce(torch.mean),
    "ReduceSum": _reduce(torch.sum),
    "ReduceMax": _reduce(torch.amax),
    "ReduceMin": _reduce(torch.amin),
    "ReduceProd": _reduce(_product),
    "ReduceL1": _reduce(lambda t, axes, keep: t.abs().sum(axes, keep)),
    "ReduceL2": _reduce(lambda t, axes, keep: torch.linalg.vector_norm(t, 2, axes, keep)),
    "ReduceLogSum": _reduce(lambda t, axes, keep: t.sum(axes, keep).log()),
    "ReduceLogSumExp": _reduce(torch.logsumexp),
    "ReduceSumSquare": _reduce(lambda t, axes, keep: t.square().sum(axes, keep)),
    "ArgMax": _largest(torch.argmax),
    "ArgMin": _largest(torch.argmin),
    "CumSum": _running(torch.cumsum, 0),
    "CumProd": _running(torch.cumprod, 1),
    "TopK": _top,
    "Softmax": _soft(torch.softmax),
    "LogSoftmax": _soft(torch.log_softmax),
    "Hardmax": _soft(_hardest),
}
