"""Settings held against ONNX's specification before any of them is used: a wrong one is refused, never read as another."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from torch import Tensor

from receptron.analysis.model_import.onnx_graph.calling import Attributes
from receptron.errors import AnalysisFault, BadValue
from receptron.wording import counted

MOST = 1 << 31
_PADS = ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID", "")
_CROPPED = ("ConvTranspose",)
"""Operators whose pads crop, so that negative ones have a sense."""


def place_of(name: str, op: str) -> str:
    """A node as messages name it."""
    return f"node {name[:60]!r} ({op[:40]})" if name else f"a node without a name ({op[:40]})"


def check_node(node: Any, version: int) -> None:
    """Raises: BadValue for attributes that are missing or of another type, and for more or fewer inputs than the operator has."""
    schema = _schema(node.op_type, node.domain, version)
    if schema is None:
        return
    where, kinds = place_of(node.name, node.op_type), {a.name: int(a.type) for a in node.attribute}
    for name, wanted in schema.attributes.items():
        if wanted.required and name not in kinds:
            raise BadValue(f"{where} has no attribute {name!r}.", why=f"{node.op_type} needs it", mend=_MEND)
        if name in kinds and kinds[name] != int(wanted.type.value):
            raise BadValue(f"{where} has an attribute {name!r} of another type.", why=f"it must be of type {wanted.type.name}", mend=_MEND)
    given = max((index for index, name in enumerate(node.input, 1) if name), default=0)
    if not schema.min_input <= len(node.input) or given > schema.max_input:
        needs = f"{node.op_type} takes {_range(schema.min_input, schema.max_input)}"
        raise BadValue(f"{where} has {counted(len(node.input), 'input')}.", why=needs, mend=_MEND)


@lru_cache(1 << 10)
def _schema(op: str, domain: str, version: int) -> Any:
    """What onnx says of an operator in a version, None where it does not know it."""
    import onnx

    try:
        return onnx.defs.get_schema(op, version, "" if domain == "ai.onnx" else domain)
    except onnx.defs.SchemaError:
        return None


def _range(least: int, most: int) -> str:
    return f"{least}" if least == most else f"{least} or more" if most >= MOST - 1 else f"{least} to {most}"


def unfit(where: str, a: Attributes, values: Sequence[Any], error: Exception) -> AnalysisFault:
    """A fault for settings and inputs that an operator cannot be worked out from."""
    sizes = ", ".join("x".join(map(str, v.shape)) or "a single number" for v in values if isinstance(v, Tensor))
    settings = ", ".join(f"{name} {str(value)[:40]}" for name, value in a.items())
    why = f"inputs of {sizes or 'no size'} do not go with {settings or 'an operator without settings'}"
    if isinstance(error, KeyError):
        why = f"it has no attribute {str(error.args[0])!r}"
    elif isinstance(error, RuntimeError) or str(error).startswith("Dimension"):  # torch's own words
        why += f": {str(error).partition(chr(10))[0][:200]}"
    return AnalysisFault(f"{where} cannot be worked out.", why=why, mend=_MEND)


def check_windows(op: str, name: str, a: Attributes) -> None:
    """Raises: BadValue for kernels, strides, dilations and pads that no window has."""
    where = place_of(name, op)
    if str(a.get("auto_pad", "NOTSET")) not in _PADS:
        raise _refusal(where, "auto_pad", a["auto_pad"], f"it must be one of {', '.join(_PADS[:4])}")
    ranks = set[int]()
    for field in ("kernel_shape", "strides", "dilations"):
        found = _whole(where, field, a.get(field))
        if found and not all(1 <= n < MOST for n in found):
            raise _refusal(where, field, found, "each must be 1 or more")
        ranks |= {len(found)} if found else set()
    if len(ranks) > 1:
        raise BadValue(
            f"{where} has a kernel, strides and dilations for {sorted(ranks)} axes.", why="they must be for the same axes", mend=_MEND
        )
    pads = _whole(where, "pads", a.get("pads"))
    if pads and ranks and len(pads) != 2 * max(ranks):
        raise _refusal(where, "pads", pads, f"{max(ranks)} axes need {2 * max(ranks)}, before and behind each")
    if pads and op not in _CROPPED and min(pads) < 0:
        raise _refusal(where, "pads", pads, "each must be 0 or more")


def _whole(where: str, field: str, found: Any) -> list[int]:
    if found is None:
        return []
    if not isinstance(found, list | tuple) or not all(isinstance(n, int) for n in found):
        raise _refusal(where, field, found, "it must be a list of whole numbers")
    return [*found]


def _refusal(where: str, field: str, value: object, why: str) -> BadValue:
    return BadValue(f"{where} has {field} {str(value)[:60]}.", why=why, mend=_MEND)


_MEND = "export the network again; onnx.checker.check_model tells what else is wrong"
