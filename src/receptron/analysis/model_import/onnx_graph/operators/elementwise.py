"""Operators that work number by number."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from receptron.analysis.model_import.onnx_graph.calling import DTYPES, Attributes, NotKnown, Rule, axis_of, folded, given, one, two


def _spread(run: Callable[[Any, Any], Any]) -> Rule:
    """Before version 7 the second input was laid along `axis` of the first."""

    def rule(x: list[Any], a: Attributes) -> Any:
        other = x[1]
        if a.get("broadcast") and "axis" in a and isinstance(other, Tensor):
            behind = x[0].dim() - axis_of(a["axis"], x[0].dim()) - other.dim()
            other = other.reshape(*other.shape, *[1] * behind)
        return run(x[0], other)

    return rule


def _quotient(left: Tensor, right: Tensor) -> Tensor:
    whole = not left.is_floating_point() and not left.is_complex()
    return torch.div(left, right, rounding_mode="trunc" if whole else None)


def _remainder(x: list[Any], a: Attributes) -> Tensor:
    return torch.fmod(x[0], x[1]) if a.get("fmod") else torch.remainder(x[0], x[1])


def _clip(x: list[Any], a: Attributes) -> Tensor:
    """A bound left out does not bind; of one that is data, torch wants both as tensors."""
    low, high = (given(x, i) if given(x, i) is not None else a.get(name) for i, name in ((1, "min"), (2, "max")))
    if low is None and high is None:
        return x[0]
    if isinstance(low, Tensor) or isinstance(high, Tensor):
        out = x[0] if low is None else torch.maximum(x[0], torch.as_tensor(low, dtype=x[0].dtype))
        return out if high is None else torch.minimum(out, torch.as_tensor(high, dtype=x[0].dtype))
    return x[0].clamp(low, high)


def _cast(x: list[Any], a: Attributes) -> Tensor:
    if a.get("to") not in DTYPES:
        raise NotKnown(f"Cast to type number {a.get('to')} is not known here.")
    return x[0].to(DTYPES[a["to"]])


def _shrink(x: list[Any], a: Attributes) -> Tensor:
    limit, bias = a.get("lambd", 0.5), a.get("bias", 0.0)
    return torch.where(x[0] < -limit, x[0] + bias, torch.where(x[0] > limit, x[0] - bias, torch.zeros_like(x[0])))


def _shifted(x: list[Any], a: Attributes) -> Tensor:
    return x[0] << x[1] if a.get("direction") == "LEFT" else x[0] >> x[1]


def _infinite(x: list[Any], a: Attributes) -> Tensor:
    found = torch.isinf(x[0])
    if not a.get("detect_negative", 1):
        found = found & (x[0] > 0)
    return found if a.get("detect_positive", 1) else found & (x[0] < 0)


def _gelu(x: list[Any], a: Attributes) -> Tensor:
    return F.gelu(x[0], approximate=a.get("approximate", "none"))


def _dropped(x: list[Any], a: Attributes) -> Any:
    """Nothing is dropped where a network is only run."""
    return x[0] if a.outputs == 1 else (x[0], torch.ones_like(x[0], dtype=torch.bool))


_ONE: dict[str, Callable[[Tensor], Tensor]] = {
    "Abs": torch.abs, "Acos": torch.acos, "Acosh": torch.acosh, "Asin": torch.asin, "Asinh": torch.asinh, "Atan": torch.atan,
    "Atanh": torch.atanh, "Ceil": torch.ceil, "Cos": torch.cos, "Cosh": torch.cosh, "Erf": torch.erf, "Exp": torch.exp,
    "Floor": torch.floor, "HardSwish": F.hardswish, "IsNaN": torch.isnan, "Log": torch.log, "Mish": F.mish, "Neg": torch.neg,
    "Reciprocal": torch.reciprocal, "Relu": torch.relu, "Round": torch.round, "Sigmoid": torch.sigmoid, "Sign": torch.sign,
    "Sin": torch.sin, "Sinh": torch.sinh, "Softplus": F.softplus, "Softsign": F.softsign, "Sqrt": torch.sqrt, "Tan": torch.tan,
    "Tanh": torch.tanh, "Not": torch.logical_not, "BitwiseNot": torch.bitwise_not,
    "com.microsoft.Gelu": F.gelu, "com.microsoft.QuickGelu": lambda t: t * torch.sigmoid(1.702 * t),
}  # fmt: skip
_TWO: dict[str, Callable[[Any, Any], Any]] = {
    "Add": torch.add, "Sub": torch.sub, "Mul": torch.mul, "Div": _quotient, "Equal": torch.eq, "Greater": torch.gt,
    "GreaterOrEqual": torch.ge, "Less": torch.lt, "LessOrEqual": torch.le, "And": torch.logical_and, "Or": torch.logical_or,
    "Xor": torch.logical_xor,
    "BitwiseAnd": torch.bitwise_and, "BitwiseOr": torch.bitwise_or, "BitwiseXor": torch.bitwise_xor,
}  # fmt: skip

RULES: dict[str, Rule] = {
    **{name: one(run) for name, run in _ONE.items()},
    **{name: _spread(run) for name, run in _TWO.items()},
    "Pow": _spread(lambda base, power: torch.pow(base, power).to(base.dtype)),
    "Mod": _remainder,
    "Max": folded(torch.maximum),
    "Min": folded(torch.minimum),
    "Sum": folded(torch.add),
    "Mean": lambda x, a: folded(torch.add)(x, a) / len(x),
    "Where": lambda x, a: torch.where(x[0].bool(), x[1], x[2]),
    "PRelu": lambda x, a: x[0].clamp(min=0) + x[1] * x[0].clamp(max=0),
    "LeakyRelu": lambda x, a: F.leaky_relu(x[0], a.get("alpha", 0.01)),
    "Elu": lambda x, a: F.elu(x[0], a.get("alpha", 1.0)),
    "Celu": lambda x, a: F.celu(x[0], a.get("alpha", 1.0)),
    "Selu": lambda x, a: a.get("gamma", 1.0507009873554805) * F.elu(x[0], a.get("alpha", 1.6732632423543772)),
    "ThresholdedRelu": lambda x, a: F.threshold(x[0], a.get("alpha", 1.0), 0.0),
    "HardSigmoid": lambda x, a: (x[0] * a.get("alpha", 0.2) + a.get("beta", 0.5)).clamp(0, 1),
    "Swish": lambda x, a: x[0] * torch.sigmoid(x[0] * a.get("alpha", 1.0)),
    "Shrink": _shrink,
    "Gelu": _gelu,
    "com.microsoft.FastGelu": lambda x, a: F.gelu(x[0] if given(x, 1) is None else x[0] + x[1], approximate="tanh"),
    "com.microsoft.BiasGelu": lambda x, a: F.gelu(x[0] + x[1]),
    "Clip": _clip,
    "Cast": _cast,
    "CastLike": two(lambda t, like: t.to(like.dtype)),
    "BitShift": _shifted,
    "IsInf": _infinite,
    "Dropout": _dropped,
    "Identity": one(lambda t: t),
}
