"""An ONNX graph as a torch module, for looking at: every node a module with its name, its shapes held against onnx's own."""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from receptron.analysis.model_import.onnx_graph.attribute_checks import check_windows, place_of, unfit
from receptron.analysis.model_import.onnx_graph.bounds import ROOM, bounded, let_go
from receptron.analysis.model_import.onnx_graph.calling import Attributes, NotKnown
from receptron.analysis.model_import.onnx_graph.file import OnnxFile, OnnxNode, is_list, read_onnx, readings, statistics
from receptron.analysis.model_import.onnx_graph.inputs import own_inputs
from receptron.analysis.model_import.onnx_graph.shapes import Stated, check, inferred
from receptron.analysis.model_import.onnx_graph.table import RULES
from receptron.analysis.model_import.onnx_graph.unknown import Text, stood_in
from receptron.analysis.model_import.onnx_graph.weights import constants_of, role, untold
from receptron.analysis.recording.forward import BY_NUMBERS, RestUnknown
from receptron.errors import BadValue
from receptron.wording import counted

_LONGEST, _DEEPEST = 80, 30
_EXPLAINED = ("Conv", "ConvTranspose", "Gemm", "MatMul")
"""Operators whose clashes of shapes `receptron.analysis.diagnose` tells."""


class OnnxCall(nn.Module):
    """One node; `own` says which of its inputs are weights of its own, and what they are called here."""

    op = ""

    def __init__(self, attributes: Attributes, place: str = "") -> None:
        super().__init__()
        self.attributes = attributes
        self.place = place
        self.own: dict[int, str] = {}

    def keep(self, index: int, weight: nn.Parameter, *, learnt: bool = True) -> None:
        """Take `weight` as input number `index`."""
        name = role(self.op, index) or f"input_{index}"
        if learnt:
            self.register_parameter(name, weight)
        else:
            self.register_buffer(name, weight.data)
        self.own[index] = name

    def forward(self, stated: list[Stated | None], *values: Any) -> Any:
        """What it gives for `values`; an operator that is not known gives tensors of the shapes that are stated."""
        rule = RULES.get(self.op)
        if rule is None or any(isinstance(value, Text) for value in values):
            return stood_in(self.op, values, stated)
        try:
            return rule([*values], self.attributes)
        except NotKnown:
            return stood_in(self.op, values, stated)
        except RuntimeError as error:
            if self.op in _EXPLAINED or any(sign in str(error) for sign in BY_NUMBERS):
                raise
            raise unfit(self.place, self.attributes, values, error) from error
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            raise unfit(self.place, self.attributes, values, error) from error


@lru_cache(1 << 10)
def _kind(op: str) -> type[OnnxCall]:
    """The class that a node of this operator is shown as: its name as far as that is one."""
    name = "".join(letter for letter in op.rpartition(".")[2] if letter.isalnum() or letter == "_")
    return type(name[:_LONGEST] or "Operator", (OnnxCall,), {"op": op})


class OnnxGraph(nn.Module):
    """Runs the nodes of an ONNX graph in their order."""

    def __init__(self, file: OnnxFile) -> None:
        super().__init__()
        self.file = file._replace(weights={})
        shapes, others = readings(file.nodes, file.gives)
        kept = (shapes - others) | statistics(file.nodes)
        self.fixed = {n: t for n, t in file.weights.items() if t.dim() == 0 or n in kept or (n in shapes and is_list(t))}
        tried: dict[tuple[int, str], int] = {}
        self.paths = [self._add(node, index, tried) for index, node in enumerate(file.nodes)]
        self._share_out({n: nn.Parameter(t, requires_grad=t.is_floating_point()) for n, t in file.weights.items() if n not in self.fixed})

    @classmethod
    def read(cls, path: Path, *, numbers: bool = False) -> "OnnxGraph":
        """Read a file; with `numbers`, weights have those of the file.

        Raises: BadValue if it is no ONNX model, AnalysisFault naming operators that are not known.
        """
        return cls(read_onnx(path, numbers=numbers))

    def _add(self, node: OnnxNode, index: int, tried: dict[tuple[int, str], int]) -> str:
        """A module for a node at the path that its name says, /layer1/conv/Conv at layer1.conv.Conv; the path. Raises: BadValue."""
        if "Conv" in node.op or "Pool" in node.op:
            check_windows(node.op, node.name, node.attributes)
        steps = [step for step in node.name.replace(".", "/").split("/") if step]
        if not steps or len(steps) > _DEEPEST or max(map(len, steps)) > _LONGEST:
            steps = [f"{_kind(node.op).__name__}_{index}"]
        owner: nn.Module = self
        taken: list[str] = []
        for step in steps[:-1]:
            name = step if isinstance(getattr(owner, step, None), nn.Module) else _free(owner, step, tried)
            if not hasattr(owner, name):
                owner.add_module(name, nn.Module())
            owner = owner.get_submodule(name)
            taken.append(name)
        name = _free(owner, steps[-1], tried)
        owner.add_module(name, _kind(node.op)(node.attributes, place_of(node.name, node.op)))
        return ".".join([*taken, name])

    def _share_out(self, weights: dict[str, nn.Parameter]) -> None:
        """Every weight to the nodes that read it, one and the same to all of them; what no node reads stays with the graph."""
        left, constants = dict(weights), constants_of(self.file, weights)
        self.untold = untold({name: weights[name] for name in constants - self.file.made})
        for path, node in zip(self.paths, self.file.nodes, strict=True):
            call = self.get_submodule(path)
            for index, name in enumerate(node.takes):
                if name in weights and isinstance(call, OnnxCall):
                    call.keep(index, weights[name], learnt=name not in constants)
                    left.pop(name, None)
        self.unread = nn.ParameterList(left.values())
        self.unread_names = list(left)

    @property
    def own_inputs(self) -> tuple[int, ...] | list[Tensor]:
        """What the file says goes into it: the size of one image, or tensors. Raises: BadValue where it leaves that open."""
        return own_inputs(self.file.takes, self.file.path)

    def forward(self, *inputs: Tensor, **named: Tensor) -> Any:
        file, given = self.file, self._by_name(inputs, named)
        looked_at = any(x.is_meta for x in given.values())
        held: dict[str, Any] = {"": None, **self.fixed, **given, **{name: Text() for name in file.texts}}
        held |= dict(zip(self.unread_names, self.unread, strict=True))
        expected = inferred(file.stated, {name: x.shape for name, x in given.items()}, file.path)
        room = ROOM
        for path, node in zip(self.paths, file.nodes, strict=True):
            call: Any = self.get_submodule(path)
            read = [getattr(call, call.own[i]) if i in call.own else _held(held, name) for i, name in enumerate(node.takes)]
            held |= {name: getattr(call, call.own[i]) for i, name in enumerate(node.takes) if i in call.own}
            made = call([expected.get(name) for name in node.gives], *(bounded(node.op, read) if looked_at else read))
            results: Iterable[Any] = made if isinstance(made, tuple | list) else (made,)
            if looked_at:
                results, room = let_go(results, room)
            for name, result in zip(node.gives, results, strict=False):
                if isinstance(result, Tensor):
                    check(node.name or name, node.op, result, expected.get(name), file.path)
                held[name] = result
        outputs = [_held(held, name) for name in file.gives]
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def _by_name(self, inputs: tuple[Tensor, ...], named: dict[str, Tensor]) -> dict[str, Tensor]:
        """Inputs by their names in the file. Raises: BadValue for others than it takes."""
        names = [one.name for one in self.file.takes]
        given = dict(zip(names, inputs, strict=False)) | named
        if len(inputs) + len(named) != len(names) or given.keys() != {*names}:
            told = ", ".join(name[:60] for name in names[:8]) or "none"
            got = ", ".join([*["x".join(map(str, x.shape)) for x in inputs], *[name[:60] for name in named]])
            raise BadValue(
                f"the ONNX model takes {counted(len(names), 'input')} ({told}), got {got or 'none'}.", mend="give each of them once"
            )
        return given


def _held(held: dict[str, Any], name: str) -> Any:
    """A value that was made before. Raises: RestUnknown for a second result that the operator here does not give."""
    if name not in held:
        raise RestUnknown(f"{name[:60]!r}, which an operator gives beside its first result, is not known")
    return held[name]


def _free(owner: nn.Module, name: str, tried: dict[tuple[int, str], int]) -> str:
    """The name, or with a number behind it where the module has something of that name already; `tried` are the numbers so far."""
    found, count = name, tried.get((id(owner), name), 0)
    while hasattr(owner, found):
        count += 1
        found = f"{name}_{count}" if count > 1 else f"{name}_"
    tried[id(owner), name] = count
    return found
