"""An .onnx file as nodes and weights. Only the file itself is read: weights that it says to lie in other files stay unread.

Weights are made as tensors without numbers, of the shape that is stated; small constants that shapes depend on keep theirs.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from receptron.analysis.model_import.onnx_graph.attribute_checks import check_node
from receptron.analysis.model_import.onnx_graph.calling import DTYPES, SMALL, Attributes
from receptron.analysis.model_import.onnx_graph.functions import inlined
from receptron.analysis.model_import.onnx_graph.inputs import StatedInput, stated_inputs
from receptron.analysis.model_import.onnx_graph.table import SETTINGS
from receptron.errors import AnalysisFault, BadValue, ReceptronError
from receptron.wording import counted

EXTERNAL = 1
"""Where a tensor lies, in ONNX's numbers: in another file."""
_STANDARD = ("", "ai.onnx")
"""Names of ONNX's own domain."""


class OnnxNode(NamedTuple):
    """One operator: its name in the file (often empty), what it takes and gives, its attributes. A foreign domain stands before `op`."""

    name: str
    op: str
    takes: list[str]
    gives: list[str]
    attributes: Attributes


class OnnxFile(NamedTuple):
    """A graph with its weights, and the strings in it by their names alone."""

    path: Path
    nodes: list[OnnxNode]
    weights: dict[str, Tensor]
    texts: list[str]
    takes: list[StatedInput]
    gives: list[str]
    stated: bytes  # the model without the numbers of its weights, for onnx's own shape inference
    made: frozenset[str] = frozenset()  # of the weights, those that Constant nodes hold


def read_onnx(path: Path, *, numbers: bool = False) -> OnnxFile:
    """Read a file; with `numbers`, weights have those of the file.

    Raises: BadValue if it is no ONNX model, AnalysisFault naming types that are not known.
    """
    import onnx

    try:
        model = inlined(onnx.load(path, load_external_data=False), path)
        return _parts(path, model, numbers)
    except ReceptronError:
        raise
    except Exception as error:  # protobuf, numpy and torch have each their own for what a damaged file states
        why = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise BadValue(f"{path} is not an ONNX model.", why=why, mend="export it again") from error


def _stated(model: Any) -> bytes:
    """What the file states of itself: large weights lose their numbers, and no domain goes without a version, which onnx refuses."""
    known = {row.domain for row in model.opset_import}
    for domain in dict.fromkeys(node.domain for node in model.graph.node if node.domain not in (*_STANDARD, *known)):
        model.opset_import.add(domain=domain, version=1)
    for row in model.graph.initializer:
        if len(row.raw_data) > 8 * SMALL or row.data_location == EXTERNAL or not row.raw_data:
            for field in ("raw_data", "float_data", "double_data", "int32_data", "uint64_data", "external_data", "data_location"):
                row.ClearField(field)
            if len(row.int64_data) > SMALL:
                row.ClearField("int64_data")
    return model.SerializeToString()


def _parts(path: Path, model: Any, numbers: bool) -> OnnxFile:
    """Nodes, weights, and the names that go in and come out."""
    graph, versions = model.graph, {row.domain: row.version for row in model.opset_import}
    read = [_node(node, versions) for node in graph.node]
    gives = [out.name for out in graph.output]
    settings, _ = readings(read, gives)
    weights = {row.name: _tensor(row, numbers or row.name in settings) for row in graph.initializer}
    weights |= {row.values.name: torch.empty(list(row.dims), device="meta") for row in graph.sparse_initializer}
    texts: list[str] = []
    for op, outputs, attributes in [(node.op, node.gives, node.attributes) for node in read]:
        if op == "Constant" and not attributes.keys() & {"value_string", "value_strings"}:
            weights[outputs[0]] = _constant(attributes, numbers or outputs[0] in settings)
        elif op == "Constant":
            texts.append(outputs[0])
    nodes = [node for node in read if node.op != "Constant"]
    for _, _, _, _, attributes in nodes:
        attributes |= {name: _tensor(value, True) for name, value in attributes.items() if hasattr(value, "data_type")}
    takes = stated_inputs(graph, weights)
    _check_names(path, nodes, {"", *[one.name for one in takes], *weights, *texts}, gives)
    made = frozenset(node.gives[0] for node in read if node.op == "Constant")
    return OnnxFile(path, nodes, weights, texts, takes, gives, _stated(model), made)


def _node(node: Any, versions: dict[str, int]) -> OnnxNode:
    import onnx

    standard = node.domain in _STANDARD
    version = next((versions[name] for name in (_STANDARD if standard else (node.domain,)) if name in versions), 1)
    check_node(node, version)
    settings = {a.name: _plain(onnx.helper.get_attribute_value(a)) for a in node.attribute}
    op = _plain(node.op_type) if standard else f"{_plain(node.domain)}.{_plain(node.op_type)}"
    return OnnxNode(_plain(node.name), op, list(node.input), list(node.output), Attributes(settings, version, len(node.output)))


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


def readings(nodes: list[OnnxNode], gives: Iterable[str]) -> tuple[set[str], set[str]]:
    """Names that shapes and places are reckoned from, and names that are read as data; one may be both."""
    shapes, others = set[str](), {*gives}
    for _, op, inputs, outputs, _ in reversed(nodes):
        reckons = op != "Shape" and any(name in shapes for name in outputs) and not any(name in others for name in outputs)
        for index, name in enumerate(inputs):
            (shapes if reckons or index in SETTINGS.get(op, ()) else others).add(name)
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
        case {"value_int": value} | {"value_ints": value}:
            return _within(torch.tensor(value, dtype=torch.int64), numbers)
        case {"value_float": value} | {"value_floats": value}:
            return _within(torch.tensor(value, dtype=torch.float32), numbers)
        case {"sparse_value": sparse}:
            return torch.empty(list(sparse.dims), device="meta")
        case _:
            raise AnalysisFault(f"an ONNX constant is of a kind that is not known here: {', '.join(attributes)[:100]}.")


def _within(tensor: Tensor, numbers: bool) -> Tensor:
    return tensor if numbers or tensor.numel() <= SMALL else tensor.to("meta")


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
    """Bytes are text; other lists of protobuf become lists."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return list(value) if type(value).__name__.startswith("Repeated") else value
