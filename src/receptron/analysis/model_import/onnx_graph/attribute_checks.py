"""Settings of windows held against ONNX's specification before any of them is used: a wrong one is refused, never read as another."""

from typing import Any

from receptron.analysis.model_import.onnx_graph.calling import Attributes
from receptron.errors import BadValue

MOST = 1 << 31
_PADS = ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID", "")
_CROPPED = ("ConvTranspose",)
"""Operators whose pads crop, so that negative ones have a sense."""


def check_windows(op: str, name: str, a: Attributes) -> None:
    """Raises: BadValue for kernels, strides, dilations and pads that no window has."""
    where = f"node {name[:60] or op!r} ({op[:40]})"
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
