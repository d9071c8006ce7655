"""Limits that a network must keep: `macs<600M params<5M field>=224`, for use in continuous integration."""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

from receptron.analysis.inspection import Inspection
from receptron.errors import BadValue, UnknownName

SUFFIXES = {"": 1, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}
_TERM = re.compile(r"(?P<name>[a-z_]+)(?P<sign><=|>=|<|>|=)(?P<number>\d+(?:\.\d+)?)(?P<suffix>[KMGT]?)", re.IGNORECASE)


@dataclass(frozen=True)
class Check:
    """One limit, what was measured, and whether it holds."""

    limit: str
    measured: float
    holds: bool
    because: str = ""  # why the measure is no more than a lower bound, so that no limit from above is surely kept


def check(text: str, inspection: Inspection) -> tuple[Check, ...]:
    """Hold every limit of `text` against an inspection.

    Raises: BadValue for what cannot be read or was not measured, UnknownName for a quantity that does not exist.
    """
    words = text.split()
    if not words:
        raise BadValue("the budget is empty.", mend="write limits such as 'macs<600M params<5M field>=224'")
    return tuple(_check(word, inspection) for word in words)


def _check(word: str, inspection: Inspection) -> Check:
    term = _TERM.fullmatch(word)
    if term is None:
        raise BadValue(f"cannot read the limit {word!r}.", mend="write NAME, one of < <= > >= =, and a number with K, M, G or T: macs<600M")
    name = term["name"].lower()
    if name not in QUANTITIES:
        raise UnknownName("quantity", name, QUANTITIES)
    measured = QUANTITIES[name](inspection)
    if measured is None and (why := next((inspection.unknown[one] for one in NEEDS.get(name, ()) if one in inspection.unknown), None)):
        return Check(word, 0.0, False, f"unknown: {why}")
    if measured is None:
        raise BadValue(f"{name} was not measured.", mend="add --memory or --device, which measure it")
    limit = float(term["number"]) * SUFFIXES[term["suffix"].upper()]
    holds = COMPARISONS[term["sign"]](measured, limit)
    if name in COUNTED and inspection.cost.unknown and not (term["sign"] in (">", ">=") and holds):
        return Check(word, measured, False, f"at least, because not counted: {', '.join(inspection.cost.unknown)}")
    return Check(word, measured, holds)


NEEDS = {
    "field": ("receptive fields",), "advice": ("receptive fields", "advice"), "inference_memory": ("memory",),
    "training_memory": ("memory of training", "memory"), "milliseconds": ("time",),
}  # fmt: skip
"""Figures that a quantity is read from, by their name among the unknown ones."""
COUNTED = ("macs", "flops", "milliseconds")
"""What an operation that cannot be counted is missing from."""


def _field(inspection: Inspection) -> float | None:
    """Widest local field of any layer along the axis where it is least."""
    if any("field" in figure for figure in inspection.unknown):
        return None
    fields = [[axis.local or 0 for axis in layer.field.axes] for layer in inspection.layers if layer.field]
    return float(max((min(axes) for axes in fields), default=0))


QUANTITIES: dict[str, Callable[[Inspection], float | None]] = {
    "params": lambda i: float(i.cost.parameters),
    "parameters": lambda i: float(i.cost.parameters),
    "macs": lambda i: float(i.cost.macs),
    "flops": lambda i: float(i.cost.flops),
    "field": _field,
    "unknown": lambda i: float(len(i.cost.unknown)),
    "advice": lambda i: None if {"advice", "receptive fields"} & i.unknown.keys() else float(len(i.advice)),
    "inference_memory": lambda i: float(i.memory.inference.bytes) if i.memory else None,
    "training_memory": lambda i: float(i.memory.training.bytes) if i.memory and i.memory.training else None,
    "milliseconds": lambda i: 1e3 * i.roofline.seconds if i.roofline else None,
}
