"""Shapes as onnx's own shape inference has them, for inputs of given sizes: what ours are held against, node by node."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from receptron.errors import AnalysisFault


class Stated(NamedTuple):
    """One number an axis, None where onnx does not know; and its number for the type."""

    extents: tuple[int | None, ...]
    kind: int


def inferred(stated: bytes, sizes: Mapping[str, Sequence[int]], path: Path) -> dict[str, Stated]:
    """Shape of every value that onnx can tell, the inputs having `sizes`. Raises: AnalysisFault if onnx refuses the graph."""
    import onnx

    model = onnx.ModelProto.FromString(stated)
    graph = model.graph
    del graph.value_info[:]  # they may hold for other sizes
    for one in graph.output:
        one.type.tensor_type.ClearField("shape")
    for one in graph.input:
        if one.name in sizes:
            one.type.tensor_type.ClearField("shape")
            one.type.tensor_type.shape.SetInParent()  # a single number has no axes
            for extent in sizes[one.name]:
                one.type.tensor_type.shape.dim.add().dim_value = extent
    try:
        found = onnx.shape_inference.infer_shapes(model).graph  # data_prop reckons with constants without a bound
    except Exception as error:  # onnx and protobuf have each their own
        why = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise AnalysisFault(f"onnx's own shape inference refuses {path}.", why=why, mend="export it again") from error
    return {one.name: _stated(one) for one in (*found.value_info, *found.output) if one.type.tensor_type.HasField("shape")}


def _stated(one: Any) -> Stated:
    kind = one.type.tensor_type
    return Stated(tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in kind.shape.dim), kind.elem_type)


def check(name: str, op: str, made: Tensor, expected: Stated | None, path: Path) -> None:
    """Raises: AnalysisFault if a value has another shape than onnx infers."""
    if expected is None:
        return
    shape, known = tuple(made.shape), expected.extents
    if len(shape) != len(known) or any(said is not None and said != extent for extent, said in zip(shape, known, strict=True)):
        theirs = "x".join("?" if extent is None else str(extent) for extent in known) or "a single number"
        ours = "x".join(map(str, shape)) or "a single number"
        raise AnalysisFault(
            f"{op} {name[:80]!r} of {path.name} would give {ours} here, and onnx's own shape inference says {theirs}.",
            mend="export it with torch.export",
        )
