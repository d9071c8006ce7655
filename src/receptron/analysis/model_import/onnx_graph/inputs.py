"""What a file says goes into it: names, sizes and types."""

from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from receptron.analysis.model_import.onnx_graph.calling import DTYPES
from receptron.errors import BadValue


class StatedInput(NamedTuple):
    """An input; an extent that the file leaves open is the name that it has there, empty where it has none."""

    name: str
    extents: tuple[int | str, ...] | None
    kind: int

    @property
    def sized(self) -> tuple[int | str, ...]:
        """Extents with one image where only their number is left open."""
        first, *rest = self.extents or ("",)
        return (1 if isinstance(first, str) and rest else first, *rest)


def stated_inputs(graph: Any, weights: dict[str, Any]) -> list[StatedInput]:
    """Inputs of a graph that are no weights."""
    return [_stated(one) for one in graph.input if one.name not in weights]


def _stated(one: Any) -> StatedInput:
    kind = one.type.tensor_type
    if not kind.HasField("shape"):
        return StatedInput(one.name, None, kind.elem_type)
    extents = tuple(dim.dim_value if dim.dim_value > 0 else dim.dim_param for dim in kind.shape.dim)
    return StatedInput(one.name, extents, kind.elem_type)


def own_inputs(stated: list[StatedInput], path: Path) -> tuple[int, ...] | list[Tensor]:
    """The size of one image where it is that, tensors otherwise.

    Raises: BadValue telling what is left open, and how to say it.
    """
    if not stated:
        raise BadValue(f"{path} takes no input.", why="all that it reads lies in it", mend="export the network with its input")
    open_ones = [one for one in stated if one.extents is None or any(isinstance(n, str) for n in one.sized)]
    if open_ones:
        told = "; ".join(f"{one.name[:60]!r} is {_told(one)}" for one in open_ones[:4])
        raise BadValue(f"{path} leaves the size of its input open.", why=told, mend=_mend(stated))
    if odd := next((one for one in stated if one.kind not in DTYPES), None):
        raise BadValue(
            f"{path} takes {odd.name[:60]!r} of a type that is not known here.", why=f"it is type number {odd.kind} of ONNX",
            mend="export the part of the network behind it",
        )  # fmt: skip
    shapes = [tuple(n for n in one.sized if isinstance(n, int)) for one in stated]
    if len(stated) == 1 and stated[0].kind == 1 and shapes[0][:1] == (1,) and len(shapes[0]) > 1:
        return shapes[0][1:]
    return [torch.empty(shape, dtype=DTYPES[one.kind], device="meta") for one, shape in zip(stated, shapes, strict=True)]


def _told(one: StatedInput) -> str:
    if one.extents is None:
        return "of any shape"
    return " x ".join(str(n)[:40] or "?" for n in one.extents) or "a single number"


def _mend(stated: list[StatedInput]) -> str:
    """The options that say it, with 224 and 128 where the file says nothing."""
    if len(stated) == 1 and stated[0].kind == 1 and len(stated[0].extents or (1,) * 4) == 4:
        channels = stated[0].extents[1] if stated[0].extents else 3
        return f"give --size {channels if isinstance(channels, int) else 3}x224x224, or the size that you mean"
    rows = []
    for one in stated:
        kind = "" if one.kind == 1 else f"{str(DTYPES.get(one.kind, torch.float32)).removeprefix('torch.')}:"
        rows.append(f"--input {one.name[:60]}={kind}" + "x".join(str(n) if isinstance(n, int) else "128" for n in one.sized))
    return f"give {' '.join(rows[:6])}, or the sizes that you mean"
