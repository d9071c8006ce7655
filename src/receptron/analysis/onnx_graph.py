"""An ONNX graph as a torch module, for looking at: every operator of vision networks by its torch counterpart, an unknown one by name.

Weights are made as tensors without numbers, of the shape that is stated; small constants that shapes depend on keep theirs. Only the file
itself is read: weights that it says to lie in other files stay unread, and operators of other domains are refused.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from receptron.errors import AnalysisFault, BadValue, ReceptronError

Attributes = dict[str, Any]
Node = tuple[str, list[str], list[str], Attributes]
"""Operator, names of what it takes, names of what it gives, attributes."""
Rule = Callable[[list[Any], Attributes], Any]

SMALL = 4096
"""Numbers that a constant may have and keep."""
DTYPES = {
    1: torch.float32, 2: torch.uint8, 3: torch.int8, 5: torch.int16, 6: torch.int32, 7: torch.int64, 9: torch.bool, 10: torch.float16,
    11: torch.float64, 16: torch.bfloat16,
}  # fmt: skip
"""ONNX's numbers for types of tensors: onnx.proto3, TensorProto.DataType."""
EXTERNAL = 1
"""Where a tensor lies, in ONNX's numbers: in another file."""


class OnnxGraph(nn.Module):
    """Runs the nodes of an ONNX graph in their order."""

    def __init__(self, nodes: list[Node], weights: dict[str, Tensor], names: tuple[list[str], list[str]]):
        super().__init__()
        self.nodes, self.takes, self.gives = nodes, names[0], names[1]
        kept = {name for op, inputs, _, _ in nodes if op == "BatchNormalization" for name in inputs[3:]} | _settings(nodes)
        self.fixed = {
            name: tensor for name, tensor in weights.items() if not tensor.is_floating_point() or tensor.dim() == 0 or name in kept
        }
        self.weights = nn.ParameterDict(
            {name.replace(".", "/"): nn.Parameter(tensor) for name, tensor in weights.items() if name not in self.fixed}
        )

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

    def forward(self, *inputs: Tensor) -> Any:
        if len(inputs) != len(self.takes):
            raise BadValue(f"the ONNX model takes {len(self.takes)} inputs, got {len(inputs)}.")
        looked_at = any(x.is_meta for x in inputs)
        held: dict[str, Any] = {"": None, **self.fixed, **dict(zip(self.takes, inputs, strict=True))}
        held |= {name.replace("/", "."): weight for name, weight in self.weights.items()}
        held |= dict(self.weights.items())
        for op, takes, gives, attributes in self.nodes:
            given = [held[name] for name in takes]
            made = RULES[op](_bounded(op, given) if looked_at else given, attributes)
            held |= dict(zip(gives, made if isinstance(made, tuple | list) else (made,), strict=False))
        results = tuple(held[name] for name in self.gives)
        return results[0] if len(results) == 1 else results


def _parts(path: Path, graph: Any, numbers: bool) -> tuple[list[Node], dict[str, Tensor], tuple[list[str], list[str]]]:
    """Nodes, weights, and the names that go in and come out."""
    import onnx

    foreign = sorted({f"{node.domain}.{node.op_type}" for node in graph.node if node.domain not in ("", "ai.onnx")})
    missing = foreign or sorted({node.op_type for node in graph.node} - RULES.keys() - {"Constant"})
    if missing:
        named = ", ".join(missing[:12])
        raise AnalysisFault(f"{path} uses ONNX operators that are not known here: {named[:400]}.", mend="export it with torch.export")
    settings = _settings([(node.op_type, list(node.input), [], {}) for node in graph.node])
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


def _settings(nodes: Iterable[Node]) -> set[str]:
    """Names of float constants that are settings, not weights."""
    return {name for op, inputs, _, _ in nodes if op == "Resize" for name in inputs[1:]}


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
    if op in _ON_SIZES and all(value.numel() <= SMALL for value in values if isinstance(value, Tensor)):
        return values
    return [values[0].to("meta"), *values[1:]]


def _plain(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


def _padded(x: Tensor, attributes: Attributes, rank: int, fill: float = 0.0) -> tuple[Tensor, list[int]]:
    """Symmetric padding goes to the operator, other padding before it."""
    pads = list(attributes.get("pads", [0] * 2 * rank))
    if pads[:rank] == pads[rank:]:
        return x, pads[:rank]
    sides = [side for i in reversed(range(rank)) for side in (pads[i], pads[rank + i])]
    return F.pad(x, sides, value=fill), [0] * rank


def _conv(x: list[Any], a: Attributes) -> Tensor:
    rank = x[1].dim() - 2
    data, padding = _padded(x[0], a, rank)
    ones = [1] * rank
    run = (F.conv1d, F.conv2d, F.conv3d)[rank - 1]
    return run(data, x[1], x[2] if len(x) > 2 else None, a.get("strides", ones), padding, a.get("dilations", ones), a.get("group", 1))


def _transposed(x: list[Any], a: Attributes) -> Tensor:
    rank = x[1].dim() - 2
    ones = [1] * rank
    run = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[rank - 1]
    padding, extra = list(a.get("pads", [0] * 2 * rank))[:rank], a.get("output_padding", [0] * rank)
    return run(
        x[0], x[1], x[2] if len(x) > 2 else None, a.get("strides", ones), padding, extra, a.get("group", 1), a.get("dilations", ones)
    )


def _max_pool(x: list[Any], a: Attributes) -> Tensor:
    data, padding = _padded(x[0], a, 2, float("-inf"))
    return F.max_pool2d(data, a["kernel_shape"], a.get("strides"), padding, a.get("dilations", 1), bool(a.get("ceil_mode", 0)))


def _average_pool(x: list[Any], a: Attributes) -> Tensor:
    data, padding = _padded(x[0], a, 2)
    return F.avg_pool2d(data, a["kernel_shape"], a.get("strides"), padding, bool(a.get("ceil_mode", 0)))


def _gemm(x: list[Any], a: Attributes) -> Tensor:
    one, two = (x[0].t() if a.get("transA") else x[0]), (x[1].t() if a.get("transB") else x[1])
    return torch.addmm(x[2], one, two) if len(x) > 2 and x[2] is not None else one @ two


def _norm(x: list[Any], a: Attributes) -> Tensor:
    return F.batch_norm(x[0], x[3], x[4], x[1], x[2], eps=a.get("epsilon", 1e-5))


def _shape_of(x: Tensor) -> Tensor:
    return torch.tensor(tuple(x.shape))


def _numbers(value: Any) -> list[int]:
    return [int(v) for v in value.tolist()] if isinstance(value, Tensor) else list(value)


def _axes(x: list[Any], a: Attributes) -> list[int]:
    return _numbers(x[1]) if len(x) > 1 and x[1] is not None else list(a.get("axes", []))


def _reshape(x: list[Any], a: Attributes) -> Tensor:
    return x[0].reshape([x[0].shape[i] if n == 0 else n for i, n in enumerate(_numbers(x[1]))])


def _slice(x: list[Any], a: Attributes) -> Tensor:
    starts, ends = _numbers(x[1]), _numbers(x[2])
    axes = _numbers(x[3]) if len(x) > 3 and x[3] is not None else range(len(starts))
    steps = _numbers(x[4]) if len(x) > 4 and x[4] is not None else [1] * len(starts)
    index = [slice(None)] * x[0].dim()
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        index[axis] = slice(start, end, step)
    return x[0][tuple(index)]


def _resize(x: list[Any], a: Attributes) -> Tensor:
    sizes = _numbers(x[3])[2:] if len(x) > 3 and x[3] is not None else None
    mode = {"nearest": "nearest", "linear": "bilinear", "cubic": "bicubic"}[a.get("mode", "nearest")]
    return F.interpolate(x[0], sizes, None if sizes else [float(s) for s in x[2].tolist()[2:]], mode)


def _pad(x: list[Any], a: Attributes) -> Tensor:
    pads = _numbers(x[1]) if len(x) > 1 else list(a["pads"])
    rank = len(pads) // 2
    return F.pad(x[0], [side for i in reversed(range(rank)) for side in (pads[i], pads[rank + i])])


def _reduce(run: Callable[..., Tensor]) -> Rule:
    def rule(x: list[Any], a: Attributes) -> Tensor:
        axes = _axes(x, a) or list(range(x[0].dim()))
        return run(x[0], axes, bool(a.get("keepdims", 1)))

    return rule


def _unsqueeze(x: list[Any], a: Attributes) -> Tensor:
    out = x[0]
    for axis in sorted(_axes(x, a)):
        out = out.unsqueeze(axis)
    return out


def _split(x: list[Any], a: Attributes) -> Any:
    sizes = _numbers(x[1]) if len(x) > 1 and x[1] is not None else a.get("split") or -(-x[0].shape[a.get("axis", 0)] // a["num_outputs"])
    return torch.split(x[0], sizes, a.get("axis", 0))


def _gather(x: list[Any], a: Attributes) -> Tensor:
    axis = a.get("axis", 0)
    index = x[1]
    return x[0].select(axis, int(index)) if index.dim() == 0 else x[0].index_select(axis, index.flatten())


def _one(run: Callable[[Tensor], Tensor]) -> Rule:
    return lambda x, a: run(x[0])


def _two(run: Callable[[Any, Any], Any]) -> Rule:
    return lambda x, a: run(x[0], x[1])


RULES: dict[str, Rule] = {
    "Conv": _conv,
    "ConvTranspose": _transposed,
    "Gemm": _gemm,
    "MatMul": _two(torch.matmul),
    "BatchNormalization": _norm,
    "LayerNormalization": lambda x, a: F.layer_norm(x[0], x[0].shape[a.get("axis", -1) :], x[1], x[2] if len(x) > 2 else None),
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "GlobalAveragePool": _one(lambda t: t.mean((2, 3), keepdim=True)),
    "GlobalMaxPool": _one(lambda t: t.amax((2, 3), keepdim=True)),
    "Add": _two(torch.add),
    "Sub": _two(torch.sub),
    "Mul": _two(torch.mul),
    "Div": _two(torch.div),
    "Pow": _two(torch.pow),
    "Relu": _one(torch.relu),
    "LeakyRelu": lambda x, a: F.leaky_relu(x[0], a.get("alpha", 0.01)),
    "PRelu": lambda x, a: x[0].clamp(min=0) + x[1] * x[0].clamp(max=0),
    "Sigmoid": _one(torch.sigmoid),
    "HardSigmoid": _one(F.hardsigmoid),
    "HardSwish": _one(F.hardswish),
    "Tanh": _one(torch.tanh),
    "Erf": _one(torch.erf),
    "Gelu": _one(F.gelu),
    "Sqrt": _one(torch.sqrt),
    "Exp": _one(torch.exp),
    "Clip": _one(lambda t: t.clamp(0, 6)),
    "Softmax": lambda x, a: torch.softmax(x[0], a.get("axis", -1)),
    "Dropout": _one(lambda t: t),
    "Identity": _one(lambda t: t),
    "Flatten": lambda x, a: x[0].flatten(a.get("axis", 1)),
    "Reshape": _reshape,
    "Transpose": lambda x, a: x[0].permute(a["perm"]),
    "Concat": lambda x, a: torch.cat(x, a["axis"]),
    "Split": _split,
    "Slice": _slice,
    "Squeeze": lambda x, a: x[0].squeeze(tuple(_axes(x, a))) if _axes(x, a) else x[0].squeeze(),
    "Unsqueeze": _unsqueeze,
    "Gather": _gather,
    "Shape": _one(_shape_of),
    "Cast": _one(lambda t: t),
    "Expand": lambda x, a: x[0].expand(torch.broadcast_shapes(x[0].shape, _numbers(x[1]))),
    "Resize": _resize,
    "Pad": _pad,
    "ReduceMean": _reduce(torch.mean),
    "ReduceSum": _reduce(torch.sum),
    "LRN": lambda x, a: F.local_response_norm(x[0], a["size"]),
}
