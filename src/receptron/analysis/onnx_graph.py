"""An ONNX graph as a torch module, for looking at: every operator of vision networks by its torch counterpart, an unknown one by name.

Weights are made as empty tensors of their shape; small integer constants keep their numbers, since shapes depend on them.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from receptron.errors import AnalysisFault, BadValue

Attributes = dict[str, Any]
Node = tuple[str, list[str], list[str], Attributes]
"""Operator, names of what it takes, names of what it gives, attributes."""
Rule = Callable[[list[Any], Attributes], Any]


class OnnxGraph(nn.Module):
    """Runs the nodes of an ONNX graph in their order."""

    def __init__(
        self, nodes: list[tuple[str, list[str], list[str], Attributes]], weights: dict[str, Tensor], names: tuple[list[str], list[str]]
    ):
        super().__init__()
        self.nodes, self.takes, self.gives = nodes, names[0], names[1]
        kept = {name for op, inputs, _, _ in nodes if op == "BatchNormalization" for name in inputs[3:]}
        self.fixed = {
            name: tensor for name, tensor in weights.items() if not tensor.is_floating_point() or tensor.dim() == 0 or name in kept
        }
        self.weights = nn.ParameterDict(
            {name.replace(".", "/"): nn.Parameter(tensor) for name, tensor in weights.items() if name not in self.fixed}
        )

    @classmethod
    def read(cls, path: Path) -> "OnnxGraph":
        """Read a file. Raises: BadValue if it is no ONNX model, AnalysisFault naming operators that are not known."""
        import onnx
        from onnx import numpy_helper

        try:
            graph = onnx.load(path).graph
        except Exception as error:
            raise BadValue(f"{path} is not an ONNX model.", why=str(error).splitlines()[0][:200], mend="export it again") from error
        missing = sorted({node.op_type for node in graph.node} - RULES.keys() - {"Constant"})
        if missing:
            raise AnalysisFault(
                f"{path} uses ONNX operators that are not known here: {', '.join(missing)}.", mend="export it with torch.export"
            )
        weights = {w.name: torch.from_numpy(numpy_helper.to_array(w).copy()) for w in graph.initializer}
        nodes: list[Node] = []
        for node in graph.node:
            attributes = {a.name: _plain(onnx.helper.get_attribute_value(a)) for a in node.attribute}
            if node.op_type == "Constant":
                weights[node.output[0]] = torch.from_numpy(numpy_helper.to_array(attributes["value"]).copy())
            else:
                nodes.append((node.op_type, list(node.input), list(node.output), attributes))
        takes = [i.name for i in graph.input if i.name not in weights]
        return cls(nodes, weights, (takes, [o.name for o in graph.output]))

    def forward(self, *inputs: Tensor) -> Any:
        held: dict[str, Any] = {"": None, **self.fixed, **dict(zip(self.takes, inputs, strict=False))}
        held |= {name.replace("/", "."): weight for name, weight in self.weights.items()}
        held |= dict(self.weights.items())
        for op, takes, gives, attributes in self.nodes:
            made = RULES[op]([held[name] for name in takes], attributes)
            held |= dict(zip(gives, made if isinstance(made, tuple | list) else (made,), strict=False))
        results = tuple(held[name] for name in self.gives)
        return results[0] if len(results) == 1 else results


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
