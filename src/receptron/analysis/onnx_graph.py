"""An ONNX graph as a torch module, for looking at: an operator that is not known is told by its name.

Weights are made as tensors without numbers, of the shape that is stated; small constants that shapes depend on keep theirs. Only the file
itself is read: weights that it says to lie in other files stay unread, and operators of other domains are refused.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from receptron.analysis.onnx_operators import DTYPES, RULES, Attributes
from receptron.errors import AnalysisFault, BadValue, ReceptronError

Node = tuple[str, list[str], list[str], Attributes]
"""Operator, names of what it takes, names of what it gives, attributes."""

SMALL = 4096
"""Numbers that a constant may have and keep."""
ROOM = 1 << 21
"""Numbers that all results made of constants may have together and keep."""
EXTERNAL = 1
"""Where a tensor lies, in ONNX's numbers: in another file."""


class OnnxGraph(nn.Module):
    """Runs the nodes of an ONNX graph in their order."""

    def __init__(self, nodes: list[Node], weights: dict[str, Tensor], names: tuple[list[str], list[str]]):
        super().__init__()
        self.nodes, self.takes, self.gives = nodes, names[0], names[1]
        shapes, others = _readings(nodes, names[1])
        kept = (shapes - others) | _statistics(nodes)
        self.fixed = {name: t for name, t in weights.items() if t.dim() == 0 or name in kept or (name in shapes and _is_list(t))}
        self.weights, self.keys = nn.ParameterDict(), dict[str, str]()
        for name, tensor in weights.items():
            if name not in self.fixed:
                self._own(name, nn.Parameter(tensor, requires_grad=tensor.is_floating_point()))

    @classmethod
    def read(cls, path: Path, *, numbers: bool = False) -> "OnnxGraph":
        """Read a file; with `numbers`, weights have those of the file.

        Raises: BadValue if it is no ONNX model, AnalysisFault naming operators that are not known.
        """
        import onnx

        try:
            graph = onnx.load(path, load_external_data=False).graph
            return cls(*_parts(path, graph, numbers))
        except ReceptronError:
            raise
        except Exception as error:  # protobuf, numpy and torch have each their own for what a damaged file states
            why = (str(error).splitlines() or [type(error).__name__])[0][:200]
            raise BadValue(f"{path} is not an ONNX model.", why=why, mend="export it again") from error

    def _own(self, name: str, weight: nn.Parameter) -> None:
        """Under its name, as far as a module can have it: without dots, and unlike any other."""
        key = name.replace(".", "/")
        while hasattr(self.weights, key):
            key += "'"
        self.weights[key], self.keys[name] = weight, key

    def forward(self, *inputs: Tensor) -> Any:
        if len(inputs) != len(self.takes):
            raise BadValue(f"the ONNX model takes {len(self.takes)} inputs, got {len(inputs)}.")
        looked_at = any(x.is_meta for x in inputs)
        held: dict[str, Any] = {"": None, **self.fixed, **dict(zip(self.takes, inputs, strict=True))}
        held |= {name: self.weights[key] for name, key in self.keys.items()}
        room = ROOM
        for op, takes, gives, attributes in self.nodes:
            read = [held[name] for name in takes]
            made = RULES[op](_bounded(op, read) if looked_at else read, attributes)
            results = made if isinstance(made, tuple | list) else (made,)
            if looked_at:
                results, room = _let_go(results, room)
            held |= dict(zip(gives, results, strict=False))
        given = [held[name] for name in self.gives]
        return given[0] if len(given) == 1 else tuple(given)


def _parts(path: Path, graph: Any, numbers: bool) -> tuple[list[Node], dict[str, Tensor], tuple[list[str], list[str]]]:
    """Nodes, weights, and the names that go in and come out."""
    import onnx

    foreign = sorted({f"{node.domain}.{node.op_type}" for node in graph.node if node.domain not in ("", "ai.onnx")})
    missing = foreign or sorted({node.op_type for node in graph.node} - RULES.keys() - {"Constant"})
    if missing:
        named = ", ".join(missing[:12])
        raise AnalysisFault(f"{path} uses ONNX operators that are not known here: {named[:400]}.", mend="export it with torch.export")
    read = [(node.op_type, list(node.input), list(node.output), Attributes()) for node in graph.node]
    settings, _ = _readings(read, [out.name for out in graph.output])
    weights = {row.name: _tensor(row, numbers or row.name in settings) for row in graph.initializer}
    nodes: list[Node] = []
    for node in graph.node:
        attributes = {a.name: _plain(onnx.helper.get_attribute_value(a)) for a in node.attribute}
        if node.op_type == "Constant":
            weights[node.output[0]] = _constant(attributes, numbers or node.output[0] in settings)
        else:
            nodes.append((node.op_type, list(node.input), list(node.output), attributes))
    takes, gives = [i.name for i in graph.input if i.name not in weights], [o.name for o in graph.output]
    _check_names(path, nodes, {"", *takes, *weights}, gives)
    return nodes, weights, (takes, gives)


def _check_names(path: Path, nodes: list[Node], known: set[str], gives: list[str]) -> None:
    """Every value is made before it is read."""
    for op, inputs, outputs, _ in nodes:
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


def _readings(nodes: list[Node], gives: Iterable[str]) -> tuple[set[str], set[str]]:
    """Names that shapes and places are reckoned from, and names that are read as data; one may be both."""
    shapes, others = set[str](), {*gives}
    for op, inputs, outputs, _ in reversed(nodes):
        reckons = op != "Shape" and any(name in shapes for name in outputs) and not any(name in others for name in outputs)
        for index, name in enumerate(inputs):
            (shapes if reckons or index >= _SETTINGS.get(op, index + 1) else others).add(name)
    return shapes, others


def _statistics(nodes: list[Node]) -> set[str]:
    """Names that nothing but batch normalization reads, as means and variances."""
    read = [(op == "BatchNormalization" and index in (3, 4), name) for op, inputs, _, _ in nodes for index, name in enumerate(inputs)]
    return {name for statistic, name in read if statistic} - {name for statistic, name in read if not statistic}


def _is_list(tensor: Tensor) -> bool:
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


_ON_SIZES = {"Shape", "Gather", "Concat", "Slice", "Unsqueeze", "Squeeze", "Cast", "Add", "Sub", "Mul", "Div", "Reshape", "Identity"}


def _bounded(op: str, values: list[Any]) -> list[Any]:
    """Constants are reckoned with only while they are small and stand for sizes: no file asks for more memory than it has itself."""
    if not isinstance(values[0] if values else None, Tensor) or values[0].is_meta:
        return values
    counts = [value.numel() for value in values if isinstance(value, Tensor)]
    if op in _ON_SIZES and max(counts) <= SMALL and sum(counts) <= 2 * SMALL:
        return values
    return [values[0].to("meta"), *values[1:]]


def _let_go(results: Iterable[Any], room: int) -> tuple[list[Any], int]:
    """Results without numbers where they are large or the room for all is used up; and the room that is left."""
    kept: list[Any] = []
    for made in results:
        if isinstance(made, Tensor) and not made.is_meta:
            room -= made.numel()
            made = made if made.numel() <= SMALL and room >= 0 else made.to("meta")
        kept.append(made)
    return kept, room


def _plain(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value
