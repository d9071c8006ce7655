"""Operators that are not known stand in the tape under their own names, of the shape that onnx infers; nothing is counted for them."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from receptron.analysis.model_import.onnx_graph.calling import DTYPES
from receptron.analysis.model_import.onnx_graph.shapes import Stated
from receptron.analysis.recording.forward import RestUnknown
from receptron.analysis.tape.operators import STAND_IN
from receptron.errors import AnalysisFault

_SPACE, _NAME = STAND_IN.split(".")
_LIBRARY = torch.library.Library(_SPACE, "FRAGMENT")
_LIBRARY.define(f"{_NAME}(str op, Tensor[] inputs, int[] extents, int[] ranks, int[] kinds) -> Tensor[]")


class Text:
    """Strings of the file, which no operator here reads."""


def _made(op: str, inputs: list[Tensor], extents: list[int], ranks: list[int], kinds: list[int]) -> list[Tensor]:
    found: list[Tensor] = []
    for rank, kind in zip(ranks, kinds, strict=True):
        found.append(torch.empty(extents[:rank], dtype=DTYPES[kind], device="meta"))
        extents = extents[rank:]
    return found


_LIBRARY.impl(_NAME, _made, "CompositeExplicitAutograd")


def stood_in(op: str, inputs: Sequence[Any], stated: Sequence[Stated | None]) -> list[Any]:
    """Results of the shapes that are stated. Raises: RestUnknown where one is not, AnalysisFault in a training step."""
    if torch.is_grad_enabled() and any(t.requires_grad for t in inputs if isinstance(t, Tensor)):
        raise AnalysisFault(f"what {op} needs for a backward pass is not known.")
    extents: list[int] = []
    for one in stated:
        if one is None or None in one.extents:
            raise RestUnknown(f"{op} is not known here, and onnx tells no shape for what it gives")
        extents += [n for n in one.extents if n is not None]
    numbered = [one for one in stated if one is not None and one.kind in DTYPES]
    if len(numbered) < len(stated):
        return [Text() for _ in stated]
    tensors = [t if t.is_meta else t.to("meta") for t in inputs if isinstance(t, Tensor)]
    call: Any = getattr(getattr(torch.ops, _SPACE), _NAME)
    return list(call(op, tensors, extents, [len(one.extents) for one in numbered], [one.kind for one in numbered]))
