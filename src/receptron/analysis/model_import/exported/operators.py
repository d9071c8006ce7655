"""Which operator a target of the file names: one of a list, or one of `torch.ops.aten` that takes tensors and plain settings.

No target is walked or imported. An ATen operator is taken only if its schema shows that it computes: it gives tensors or sizes, and every
argument is of a kind listed here. That leaves out `aten::from_file` and `aten::save`, which open files, and all that handle storages,
streams and generators.
"""

import math
import operator
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import torch

from receptron.errors import AnalysisFault

WIDEST = 2**63
"""Whole numbers beyond it are no sizes."""
MANY = 10_000
"""Tensors that one call may give, and steps of a recurrence."""


def _on_sizes(run: Callable[..., Any]) -> Callable[..., Any]:
    """`run` on numbers alone: Python's operators also repeat and format text and lists, and multiply numbers without end."""

    def reckoned(*values: Any) -> Any:
        if not all(isinstance(value, int | float) for value in values):
            kinds = ", ".join(type(value).__name__ for value in values)
            raise AnalysisFault(f"the exported program reckons with what is no number: {run.__name__} of {kinds[:100]}.")
        try:
            made = run(*values)
        except (ArithmeticError, TypeError, ValueError) as error:
            raise AnalysisFault(f"the exported program reckons with sizes that give no number: {error}.") from error
        if isinstance(made, int) and not -WIDEST <= made < WIDEST:
            raise AnalysisFault(f"the exported program reckons with sizes beyond 64 bits: {run.__name__}.")
        return made

    return reckoned


_ARITHMETIC: dict[str, Callable[..., Any]] = {
    **{f"_operator.{f.__name__}": f for f in (operator.eq, operator.ne, operator.le, operator.ge, operator.lt, operator.gt)},
    **{f"_operator.{f.__name__}": f for f in (operator.neg, operator.pos, operator.mul, operator.add, operator.sub, operator.floordiv)},
    **{f"_operator.{f.__name__}": f for f in (operator.mod, operator.truediv, operator.and_, operator.or_)},
    "math.trunc": math.trunc,
    "torch.sym_not": operator.not_,
    "torch.sym_int": int,
    "torch.sym_float": float,
    "torch.sym_max": max,
    "torch.sym_min": min,
}
SIZES = {name: _on_sizes(run) for name, run in _ARITHMETIC.items()}
"""Arithmetic on sizes. Powers and shifts are left out: they make numbers without end."""
INLINED = "torch.ops.higher_order.wrap_with_set_grad_enabled"
"""Calls its graph with gradients on or off, which changes nothing of what is computed."""
ASSERTIONS = re.compile(r"torch\.ops\.aten\.(_assert_\w+|sym_constrain_range\w*|_check_\w+)\.\w+")
"""Statements about numbers that nothing here has."""
_ATEN = re.compile(r"torch\.ops\.aten\.(\w{1,100})\.(\w{1,100})")
_PLAIN = {"int", "float", "bool", "number", "Tensor", "Device", "Generator"}
_TEXTS = {"padding", "approximate", "rounding_mode", "mode", "pad_mode", "equation", "reduce", "indexing", "interpolation", "norm"}
_RESULTS = {"Tensor", "List[Tensor]", "int", "float", "bool", "number"}
_WRAPPED = re.compile(r"(?:Optional|List)\[(.*)\]")


def find(target: str) -> Callable[..., Any] | None:
    """The operator of a target; None for one that only asserts. Raises: AnalysisFault naming a target that is not known here."""
    if ASSERTIONS.fullmatch(target):
        return None
    if target in SIZES:
        return SIZES[target]
    named = _ATEN.fullmatch(target)
    found = _aten(*named.groups()) if named else None
    if found is None:
        raise AnalysisFault(
            f"the exported program uses an operator that is not known here: {target[:120]!r}.",
            why="only operators of torch.ops.aten on tensors and sizes are run",
            mend="export it with standard operators, or give its Python file",
        )
    return found


DTYPES = {
    1: torch.uint8, 2: torch.int8, 3: torch.int16, 4: torch.int32, 5: torch.int64, 6: torch.float16, 7: torch.float32, 8: torch.float64,
    9: torch.complex32, 10: torch.complex64, 11: torch.complex128, 12: torch.bool, 13: torch.bfloat16, 28: torch.uint16,
    29: torch.float8_e4m3fn, 30: torch.float8_e5m2, 31: torch.float8_e4m3fnuz, 32: torch.float8_e5m2fnuz,
}  # fmt: skip
"""Numbers of torch's schema for types of tensors."""
FORMATS = {1: torch.contiguous_format, 2: torch.channels_last, 3: torch.channels_last_3d, 4: torch.preserve_format}
STRIDED = 7


def dtype_of(number: int) -> torch.dtype:
    """The type of a tensor by its number. Raises: AnalysisFault."""
    return _coded("type of tensor", DTYPES, number)


def setting(kind: str, value: Any) -> Any:
    """A value of the file as torch takes it: types and layouts by their numbers, infinities by their names."""
    match kind:
        case "as_none" | "as_graph":
            return None
        case "as_scalar_type":
            return dtype_of(value)
        case "as_memory_format":
            return _coded("memory format", FORMATS, value)
        case "as_layout":
            return _coded("layout", {STRIDED: torch.strided}, value)
        case "as_device":
            return torch.device("meta")
        case "as_complex":
            return complex(value.real, value.imag)
        case "as_float" | "as_floats":
            return [_float(item) for item in value] if isinstance(value, list) else _float(value)  # pyright: ignore[reportUnknownVariableType]
        case _:
            return value


def _coded(what: str, table: dict[int, Any], number: int) -> Any:
    if number not in table:
        raise AnalysisFault(f"the exported program has a {what} that is not known here: number {number}.")
    return table[number]


def _float(value: float | str) -> float:
    if isinstance(value, str) and value not in ("Infinity", "-Infinity", "NaN"):
        raise AnalysisFault(f"the exported program has a number that is none: {value[:40]!r}.")
    return float(value)


def arguments(found: Callable[..., Any], given: list[tuple[str, Any]]) -> tuple[list[Any], Mapping[str, Any]]:
    """Positional and named arguments of an operator; what it makes, it makes on the meta device."""
    schema = getattr(found, "_schema", None)
    if schema is None:
        return [value for _, value in given], {}
    named = dict(given)
    takes = [argument.name for argument in schema.arguments]
    named.pop("generator", None)
    if "device" in takes:
        named["device"] = torch.device("meta")
    if "pin_memory" in takes:
        named.pop("pin_memory", None)
    positional: list[Any] = []
    for argument in schema.arguments:
        if argument.kwarg_only or argument.name not in named:
            break
        positional.append(named.pop(argument.name))
    return positional, named


# what takes a tensor apart along an axis, by a number that is stated, and step by step
_BY_EXTENT = {"unbind", "split", "unsafe_split", "unbind_copy", "split_copy"}
_COUNTED = {"chunk", "unsafe_chunk", "tensor_split", "hsplit", "vsplit", "dsplit", "diff", "combinations"}
_RECURRENT = {"lstm", "gru", "rnn_tanh", "rnn_relu"}


def check_parts(found: Callable[..., Any], given: list[tuple[str, Any]]) -> None:
    """Refuse a call that would give, or step through, more tensors than any network has. Raises: AnalysisFault."""
    schema = getattr(found, "_schema", None)
    if schema is None:
        return
    name, values = schema.name.removeprefix("aten::"), dict(given)
    tensor = next((value for _, value in given if isinstance(value, torch.Tensor)), None)
    counts = [values[key] for key in ("chunks", "sections", "n", "r") if isinstance(values.get(key), int) and name in _COUNTED]
    if tensor is not None and tensor.dim():
        if name in _BY_EXTENT:
            each = values.get("split_size", 1)
            counts.append(tensor.shape[values.get("dim", 0)] // max(each, 1) if isinstance(each, int) else 0)
        if name in _RECURRENT:
            counts += tensor.shape[:2]
    if any(count > MANY for count in counts):
        raise AnalysisFault(f"{name} of the exported program works on {max(counts)} parts one by one; at most {MANY} are looked at.")


def _aten(name: str, overload: str) -> Callable[..., Any] | None:
    if f"aten::{name}" + ("" if overload == "default" else f".{overload}") not in _registered():
        return None
    found = getattr(getattr(torch.ops.aten, name), overload)
    return found if _computes(found._schema) else None


@cache
def _registered() -> frozenset[str]:
    """Operators of torch's dispatcher; those of TorchScript (print, save, format) are not among them."""
    return frozenset(torch._C._dispatch_get_all_op_names())  # pyright: ignore[reportPrivateUsage] there is no public list


def _computes(schema: Any) -> bool:
    if not schema.returns or any(str(result.type) not in _RESULTS for result in schema.returns):
        return False
    return all(_is_plain(str(argument.type), argument.name) for argument in schema.arguments)


def _is_plain(kind: str, name: str) -> bool:
    while inner := _WRAPPED.fullmatch(kind):
        kind = inner[1]
    return kind in _PLAIN or (kind == "str" and name in _TEXTS)
