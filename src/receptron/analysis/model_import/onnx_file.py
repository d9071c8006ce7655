"""An .onnx file as nodes and weights. Only the file itself is read: weights that it says to lie in other files stay unread.

Weights are made as tensors without numbers, of the shape that is stated; small constants that shapes depend on keep theirs.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from receptron.analysis.model_import.onnx_operators import DTYPES, RULES, Attributes
from receptron.errors import AnalysisFault, BadValue, ReceptronError
from receptron.wording import counted

SMALL = 4096
"""Numbers that a constant may have and keep."""
EXTERNAL = 1
"""Where a tensor lies, in ONNX's numbers: in another file."""


class OnnxNode(NamedTuple):
    """One operator: its name in the file (often empty), what it takes and gives, its attributes."""

    name: str
    op: str
    takes: list[str]
    gives: list[str]
    attributes: Attributes


class OnnxFile(NamedTuple):
    """A graph with its weights."""

    path: Path
    nodes: list[OnnxNode]
    weights: dict[str, Tensor]
    takes: list[str]
    gives: list[str]
    stated: bytes  # the model without the numbers of its weights, for onnx's own shape inference


def read_onnx(path: Path, *, numbers: bool = False) -> OnnxFile:
    """Read a file; with `numbers`, weights have those of the file.

    Raises: BadValue if it is no ONNX model, AnalysisFault naming operators that are not known.
    """
    import onnx

    try:
        model = onnx.load(path, load_external_data=False)
        nodes, weights, takes, gives = _parts(path, model.graph, numbers)
        return OnnxFile(path, nodes, weights, takes, gives, _stated(model))
    except ReceptronError:
        raise
    except Exception as error:  # protobuf, numpy and torch have each their own for what a damaged file states
        why = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise BadValue(f"{path} is not an ONNX model.", why=why, mend="export it again") from error


def _stated(model: Any) -> bytes:
    """What the file states of itself: large weights lose their numbers, functions that could pass for operators go."""
    del model.functions[:]
    for row in model.graph.initializer:
        if len(row.raw_data) > 8 * SMALL or row.data_location == EXTERNAL or not row.raw_data:
            for field in ("raw_data", "float_data", "double_data", "int32_data", "uint64_data", "external_data", "data_location"):
                row.ClearField(field)
            if len(row.int64_data) > SMALL:
                row.ClearField("int64_data")
    return model.SerializeToString()


def _parts(path: Path, graph: Any, numbers: bool) -> tuple[list[OnnxNode], dict[str, Tensor], list[str], list[str]]:
    """Nodes, weights, and the names that go in and come out."""
    import onnx

    foreign = sorted({f"{node.domain}.{node.op_type}" for node in graph.node if node.domain not in ("", "ai.onnx")})
    missing = foreign or sorted({node.op_type for node in graph.node} - RULES.keys() - {"Constant"})
    if missing:
        named = ", ".join(missing[:12])
        raise AnalysisFault(f"{path} uses ONNX operators that are not known here: {named[:400]}.", mend="export it with torch.export")
    read = [OnnxNode(node.name, node.op_type, list(node.input), list(node.output), Attributes()) for node in graph.node]
    settings, _ = readings(read, [out.name for out in graph.output])
    weights = {row.name: _tensor(row, numbers or row.name in settings) for row in graph.initializer}
    nodes: list[OnnxNode] = []
    for node in graph.node:
        attributes = {a.name: _plain(onnx.helper.get_attribute_value(a)) for a in node.attribute}
        if node.op_type == "Constant":
            weights[node.output[0]] = _constant(attributes, numbers or node.output[0] in settings)
        else:
            nodes.append(OnnxNode(node.name, node.op_type, list(node.input), list(node.output), attributes))
    takes, gives = [i.name for i in graph.input if i.name not in weights], [o.name for o in graph.output]
    _check_names(path, nodes, {"", *takes, *weights}, gives)
    return nodes, weights, takes, gives


def _check_names(path: Path, nodes: list[OnnxNode], known: set[str], gives: list[str]) -> None:
    """Every value is made before it is read, and a Split has the parts that it says: onnx makes room for as many before it looks."""
    for name, op, inputs, outputs, attributes in nodes:
        if op == "Split" and (said := attributes.get("num_outputs", len(outputs))) != len(outputs):
            why = f"{op} {name[:80]!r} says that it gives {said:,} parts, and has {counted(len(outputs), 'output')}"
            raise BadValue(f"{path} is a damaged ONNX model.", why=why, mend="export it again")
        if absent := [name for name in inputs if name not in known]:
            raise BadValue(f"{path} is a damaged ONNX model.", why=f"{op} reads {absent[0][:80]!r}, which nothing makes before it")
        known |= {*outputs}
    if absent := [name for name in gives if name not in known]:
        raise BadValue(f"{path} is a damaged ONNX model.", why=f"it gives {absent[0][:80]!r}, which nothing makes")


_SETTINGS = {
    "Resize": 1, "Reshape": 1, "Expand": 1, "Slice": 1, "Squeeze": 1, "Unsqueeze": 1, "Split": 1, "Pad": 1, "Gather": 1, "ReduceMean": 1,
    "ReduceSum": 1,
}  # fmt: skip
"""From which input on an operator takes settings, not data."""


def readings(nodes: list[OnnxNode], gives: Iterable[str]) -> tuple[set[str], set[str]]:
    """Names that shapes and places are reckoned from, and names that are read as data; one may be both."""
    shapes, others = set[str](), {*gives}
    for _, op, inputs, outputs, _ in reversed(nodes):
        reckons = op != "Shape" and any(name in shapes for name in outputs) and not any(name in others for name in outputs)
        for index, name in enumerate(inputs):
            (shapes if reckons or index >= _SETTINGS.get(op, index + 1) else others).add(name)
    return shapes, others


def statistics(nodes: list[OnnxNode]) -> set[str]:
    """Names that nothing but batch normalization reads, as means and variances."""
    read = [(op == "BatchNormalization" and index in (3, 4), name) for _, op, inputs, _, _ in nodes for index, name in enumerate(inputs)]
    return {name for statistic, name in read if statistic} - {name for statistic, name in read if not statistic}


def is_list(tensor: Tensor) -> bool:
    """Exporters write equal lists of whole numbers once, for settings and data alike."""
    return tensor.dim() == 1 and not tensor.is_floating_point()


def _constant(attributes: Attributes, numbers: bool) -> Tensor:
    match attributes:
        case {"value": tensor}:
            return _tensor(tensor, numbers)
        case {"value_int": value} | {"value_ints": value} | {"value_float": value} | {"value_floats": value}:
            return torch.tensor(value)
        case _:
            raise AnalysisFault(f"an ONNX constant is of a kind that is not known here: {', '.join(attributes)[:100]}.")


def _tensor(stated: Any, numbers: bool) -> Tensor:
    """A tensor of the file: with its numbers if asked for, or if shapes may depend on them; never those of another file."""
    from onnx import numpy_helper

    if stated.data_type not in DTYPES:
        raise AnalysisFault(f"{stated.name or 'a constant'} has a type that is not known here: number {stated.data_type}.")
    empty = torch.empty(list(stated.dims), dtype=DTYPES[stated.data_type], device="meta")
    small = empty.numel() <= SMALL and (numbers or not empty.is_floating_point() or empty.dim() == 0)
    if stated.data_location == EXTERNAL or not (small or numbers):
        return empty
    array = numpy_helper.to_array(stated)
    return torch.from_numpy(array.copy()).to(empty.dtype).reshape(empty.shape)


def _plain(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value
