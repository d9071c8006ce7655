"""An ONNX graph as a torch module, for looking at: every node a module with its name, its shapes held against onnx's own."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from receptron.analysis.model_import.onnx_file import SMALL, OnnxFile, OnnxNode, is_list, read_onnx, readings, statistics
from receptron.analysis.model_import.onnx_operators import RULES, Attributes
from receptron.analysis.model_import.onnx_shapes import check, inferred
from receptron.errors import BadValue

ROOM = 1 << 21
"""Numbers that all results made of constants may have together and keep."""
_LONGEST, _DEEPEST = 80, 30
_ROLES = {
    "Conv": ("", "weight", "bias"), "ConvTranspose": ("", "weight", "bias"), "Gemm": ("", "weight", "bias"), "MatMul": ("", "weight"),
    "BatchNormalization": ("", "weight", "bias", "running_mean", "running_var"), "LayerNormalization": ("", "weight", "bias"),
}  # fmt: skip
"""What torch calls the inputs of an operator."""


class OnnxCall(nn.Module):
    """One node; `own` says which of its inputs are weights of its own, and what they are called here."""

    op = ""

    def __init__(self, attributes: Attributes) -> None:
        super().__init__()
        self.attributes = attributes
        self.own: dict[int, str] = {}

    def keep(self, index: int, weight: nn.Parameter) -> None:
        """Take `weight` as input number `index`."""
        roles = _ROLES.get(self.op, ())
        name = roles[index] if index < len(roles) and roles[index] else f"input_{index}"
        self.register_parameter(name, weight)
        self.own[index] = name

    def forward(self, *values: Any) -> Any:
        return RULES[self.op]([*values], self.attributes)


@cache
def _kind(op: str) -> type[OnnxCall]:
    """The class that a node of this operator is shown as."""
    return type(op, (OnnxCall,), {"op": op})


class OnnxGraph(nn.Module):
    """Runs the nodes of an ONNX graph in their order."""

    def __init__(self, file: OnnxFile) -> None:
        super().__init__()
        self.file = file._replace(weights={})
        shapes, others = readings(file.nodes, file.gives)
        kept = (shapes - others) | statistics(file.nodes)
        self.fixed = {n: t for n, t in file.weights.items() if t.dim() == 0 or n in kept or (n in shapes and is_list(t))}
        self.paths = [self._add(node, index) for index, node in enumerate(file.nodes)]
        self._share_out({n: nn.Parameter(t, requires_grad=t.is_floating_point()) for n, t in file.weights.items() if n not in self.fixed})

    @classmethod
    def read(cls, path: Path, *, numbers: bool = False) -> "OnnxGraph":
        """Read a file; with `numbers`, weights have those of the file.

        Raises: BadValue if it is no ONNX model, AnalysisFault naming operators that are not known.
        """
        return cls(read_onnx(path, numbers=numbers))

    def _add(self, node: OnnxNode, index: int) -> str:
        """A module for a node at the path that its name says, /layer1/conv/Conv at layer1.conv.Conv; the path."""
        steps = [step for step in node.name.replace(".", "/").split("/") if step]
        if not steps or len(steps) > _DEEPEST or max(map(len, steps)) > _LONGEST:
            steps = [f"{node.op}_{index}"]
        owner: nn.Module = self
        taken: list[str] = []
        for step in steps[:-1]:
            name = step if isinstance(getattr(owner, step, None), nn.Module) else _free(owner, step)
            if not hasattr(owner, name):
                owner.add_module(name, nn.Module())
            owner = owner.get_submodule(name)
            taken.append(name)
        name = _free(owner, steps[-1])
        owner.add_module(name, _kind(node.op)(node.attributes))
        return ".".join([*taken, name])

    def _share_out(self, weights: dict[str, nn.Parameter]) -> None:
        """Every weight to the nodes that read it, one and the same to all of them; what no node reads stays with the graph."""
        left = dict(weights)
        for path, node in zip(self.paths, self.file.nodes, strict=True):
            call = self.get_submodule(path)
            for index, name in enumerate(node.takes):
                if name in weights and isinstance(call, OnnxCall):
                    call.keep(index, weights[name])
                    left.pop(name, None)
        self.unread = nn.ParameterList(left.values())
        self.unread_names = list(left)

    def forward(self, *inputs: Tensor) -> Any:
        file = self.file
        if len(inputs) != len(file.takes):
            raise BadValue(f"the ONNX model takes {len(file.takes)} inputs, got {len(inputs)}.")
        looked_at = any(x.is_meta for x in inputs)
        held: dict[str, Any] = {"": None, **self.fixed, **dict(zip(file.takes, inputs, strict=True))}
        held |= dict(zip(self.unread_names, self.unread, strict=True))
        expected = inferred(file.stated, {name: x.shape for name, x in zip(file.takes, inputs, strict=True)}, file.path)
        room = ROOM
        for path, node in zip(self.paths, file.nodes, strict=True):
            call: Any = self.get_submodule(path)
            read = [getattr(call, call.own[i]) if i in call.own else held[name] for i, name in enumerate(node.takes)]
            held |= {name: getattr(call, call.own[i]) for i, name in enumerate(node.takes) if i in call.own}
            made = call(*(_bounded(node.op, read) if looked_at else read))
            results: Iterable[Any] = made if isinstance(made, tuple | list) else (made,)
            if looked_at:
                results, room = _let_go(results, room)
            for name, result in zip(node.gives, results, strict=False):
                check(node.name or name, node.op, result, expected.get(name), file.path)
                held[name] = result
        given = [held[name] for name in file.gives]
        return given[0] if len(given) == 1 else tuple(given)


def _free(owner: nn.Module, name: str) -> str:
    """The name, or with strokes behind it where the module has something of that name already."""
    while hasattr(owner, name):
        name += "_"
    return name


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
