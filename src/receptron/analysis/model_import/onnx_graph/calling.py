"""What an operator is called with: its inputs in their order, those left out as None, and its attributes."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from receptron.errors import AnalysisFault
from receptron.wording import counted

SMALL = 4096
"""Numbers that a constant may have and keep."""
DTYPES = {
    1: torch.float32, 2: torch.uint8, 3: torch.int8, 4: torch.uint16, 5: torch.int16, 6: torch.int32, 7: torch.int64, 9: torch.bool,
    10: torch.float16, 11: torch.float64, 12: torch.uint32, 13: torch.uint64, 14: torch.complex64, 15: torch.complex128,
    16: torch.bfloat16, 17: torch.float8_e4m3fn, 18: torch.float8_e4m3fnuz, 19: torch.float8_e5m2, 20: torch.float8_e5m2fnuz,
}  # fmt: skip
"""ONNX's numbers for types of tensors: onnx.proto3, TensorProto.DataType."""


class Attributes(dict[str, Any]):
    """Settings of a node by name; `version` is that of the operators that it is written in, `outputs` how many it has."""

    def __init__(self, settings: dict[str, Any] | None = None, version: int = 18, outputs: int = 1) -> None:
        super().__init__(settings or {})
        self.version = version
        self.outputs = outputs


Rule = Callable[[list[Any], Attributes], Any]
"""Gives a tensor, or several."""


class NotKnown(AnalysisFault):
    """A setting of an operator that has no counterpart here."""


def given(x: list[Any], index: int) -> Any:
    """An input that may be left out."""
    return x[index] if len(x) > index else None


def numbers(value: Any) -> list[int]:
    """Whole numbers of a tensor or an attribute."""
    if isinstance(value, Tensor):
        return [int(v) for v in value.reshape(-1).tolist()]
    return [value] if isinstance(value, int) else list(value)


def setting(x: list[Any], a: Attributes, index: int, name: str) -> list[int] | None:
    """Whole numbers that newer versions give as an input and older ones as an attribute; None if neither is there."""
    found = given(x, index)
    found = a.get(name) if found is None else found
    return None if found is None else numbers(found)


def axis_of(axis: int, rank: int) -> int:
    """An axis counted from the front. Raises: AnalysisFault for one that the input does not have."""
    if not -rank <= axis < rank:
        raise AnalysisFault(f"axis {axis} is none of an input of {counted(rank, 'dimension')}.", mend="export the network again")
    return axis % rank


def axes_of(axes: Iterable[int], rank: int) -> list[int]:
    """Several axes, each of which may be named once. Raises: AnalysisFault."""
    stated = list(axes)
    found = [axis_of(axis, rank) for axis in stated]
    if len({*found}) < len(found):
        raise AnalysisFault(f"axes {str(stated)[:80]} name one of {counted(rank, 'dimension')} twice.", mend="export the network again")
    return found


def places_of(index: Tensor, extent: int) -> Tensor:
    """Places along an axis counted from its front, where they are known. Raises: AnalysisFault for one beyond its end."""
    if index.is_meta or index.numel() == 0:
        return index
    low, high = int(index.min()), int(index.max())
    if low < -extent or high >= extent:
        raise AnalysisFault(f"place {low if low < -extent else high} lies beyond an axis of {extent}.", mend="export the network again")
    return index % extent


def place_for(extents: list[int]) -> torch.device:
    """Where a tensor that is made of settings lies: real while it is small, as shapes are reckoned with it."""
    count = 1
    for extent in extents:
        count *= max(extent, 0)
    return torch.device("cpu" if count <= SMALL else "meta")


def one(run: Callable[[Tensor], Tensor]) -> Rule:
    """An operator of one input and no settings."""
    return lambda x, a: run(x[0])


def two(run: Callable[[Any, Any], Any]) -> Rule:
    """An operator of two inputs and no settings."""
    return lambda x, a: run(x[0], x[1])


def folded(run: Callable[[Any, Any], Any]) -> Rule:
    """An operator of any number of inputs, taken from the left."""

    def rule(x: list[Any], a: Attributes) -> Any:
        out = x[0]
        for other in x[1:]:
            out = run(out, other)
        return out

    return rule
