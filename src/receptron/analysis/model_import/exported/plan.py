"""In what order a graph's nodes run, which module each belongs to, and how long each value is needed."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from receptron.analysis.model_import.exported import operators
from receptron.analysis.model_import.exported.schema import Argument, ExportedGraph, Name, Node, NumberOrName, OptionalTensor
from receptron.errors import AnalysisFault

Stack = tuple[tuple[str, str], ...]
"""Modules that a call was made in, outermost first, the network itself left out: path and class of each."""
DEEPEST = 64
_KIND = re.compile(r"[A-Za-z_]\w{0,99}")


@dataclass(frozen=True)
class ValueName:
    """A value by its name."""

    name: str


@dataclass(frozen=True)
class PlanStep:
    """One operator, or the calls that one module made (`inner`)."""

    run: Callable[..., Any]
    given: tuple[tuple[str, Any], ...]
    gives: tuple[Any, ...]
    stack: Stack
    target: str = ""


class ExecutionPlan:
    """Steps and modules in their order; `dead[i]` are the values that nobody needs after part i."""

    def __init__(self, takes: tuple[str, ...], gives: tuple[str, ...]) -> None:
        self.takes, self.gives = takes, gives
        self.parts: list[PlanStep | tuple[str, str, ExecutionPlan]] = []
        self.dead: list[tuple[str, ...]] = []


def steps_of(graph: ExportedGraph, outside: Sequence[Any] = (), prefix: str = "", stack: Stack = ()) -> list[PlanStep]:
    """The nodes of a graph as steps; graphs that a node calls stand in its place, their names told apart by a prefix."""
    if len(prefix) > 1000:
        raise AnalysisFault("the exported program nests graphs too deeply.")
    names = {_name(taken): value for taken, value in zip(graph.inputs, outside, strict=False)} if prefix else {}
    found: list[PlanStep] = []
    for node in graph.nodes:
        given = tuple((argument.name, renamed(value_of(argument.arg), names, prefix)) for argument in node.inputs)
        origin = stack_of(node) or stack
        if node.target == operators.INLINED:
            found += _inlined(node, given, names, prefix, origin)
            continue
        run = operators.find(node.target)
        if run is not None:
            gives = tuple(renamed(value_of(out), names, prefix) for out in node.outputs)
            found.append(PlanStep(run, given, gives, origin, node.target))
    return found


def _inlined(node: Node, given: tuple[tuple[str, Any], ...], names: dict[str, Any], prefix: str, stack: Stack) -> list[PlanStep]:
    inner = next((argument.arg.as_graph for argument in node.inputs if argument.arg.as_graph is not None), None)
    if inner is None:
        raise AnalysisFault(f"{node.target} of the exported program has no graph.")
    below = f"{prefix}{inner.name}/"
    passed = [value for (_, value), argument in zip(given, node.inputs, strict=True) if argument.arg.as_graph is None][1:]
    steps = steps_of(inner.graph, passed, below, stack)
    inputs = {_name(taken): value for taken, value in zip(inner.graph.inputs, passed, strict=False)}
    results = [renamed(value_of(out), inputs, below) for out in inner.graph.outputs]
    outputs = [renamed(value_of(out), names, prefix) for out in node.outputs]
    return [*steps, PlanStep(_same, (("", results),), tuple(outputs), stack, node.target)]


def _same(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else tuple(values)


def renamed(value: Any, names: dict[str, Any], prefix: str) -> Any:
    """The same value with its names as they stand in the outermost graph."""
    if isinstance(value, ValueName):
        return names.get(value.name, replace(value, name=prefix + value.name))
    if isinstance(value, list):
        return [renamed(item, names, prefix) for item in value]
    return value


def _name(argument: Argument) -> str:
    value = value_of(argument)
    return value.name if isinstance(value, ValueName) else ""


def value_of(argument: Argument) -> Any:
    """What an argument holds: a number, a text, a `ValueName`, or a list of these.

    Raises: AnalysisFault unless it holds exactly one thing.
    """
    held = [(kind, value) for kind in argument.__struct_fields__ if (value := getattr(argument, kind)) is not None]
    if len(held) != 1:
        raise AnalysisFault(f"an argument of the exported program holds {len(held)} values.", mend="write it again with torch.export.save")
    kind, value = held[0]
    return operators.setting(kind, _plain(value))


def _plain(value: Any) -> Any:
    match value:
        case list():
            return [_plain(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
        case Name():
            return ValueName(value.name)
        case OptionalTensor():
            return None if value.as_tensor is None else ValueName(value.as_tensor.name)
        case NumberOrName():
            if value.as_name is not None:
                return ValueName(value.as_name)
            return next((n for n in (value.as_int, value.as_bool, value.as_float) if n is not None), 0)
        case _:
            return value


def stack_of(node: Node) -> Stack:
    """The modules that a node stands in, from the file's note; () where it has none that can be read."""
    levels: list[tuple[str, str]] = []
    for entry in node.metadata.get("nn_module_stack", "").split(";"):
        parts = entry.split(",")
        if len(parts) < 3:
            return ()
        path, kind = parts[1].removeprefix("L['self']").removeprefix("."), parts[-1].rpartition(".")[2]
        if path and _KIND.fullmatch(kind):
            levels.append((path, kind))
    return tuple(levels[:DEEPEST])


def planned(steps: Sequence[PlanStep], takes: tuple[str, ...], gives: tuple[str, ...], owned: Iterable[str]) -> ExecutionPlan:
    """A plan of nested modules. Raises: AnalysisFault for a value that is read before it is made, or made twice."""
    made = {*takes, *owned}
    last: dict[str, int] = {name: len(steps) for name in gives}
    for position, step in enumerate(steps):
        for name in names_in(step.given):
            if name not in made:
                raise AnalysisFault(f"{step.target} of the exported program reads {name[:80]!r} before it is made.")
            last[name] = max(last.get(name, -1), position)
        for name in names_in(step.gives):
            if name in made:
                raise AnalysisFault(f"{step.target} of the exported program makes {name[:80]!r} a second time.")
            made.add(name)
    missing = [name for name in gives if name not in made]
    if missing:
        raise AnalysisFault(f"the exported program gives {missing[0][:80]!r}, which it never makes.")
    return _level(list(enumerate(steps)), 0, last, {*owned}, takes, gives)


def _level(
    steps: list[tuple[int, PlanStep]], depth: int, last: dict[str, int], owned: set[str], takes: tuple[str, ...], gives: tuple[str, ...]
) -> ExecutionPlan:
    plan = ExecutionPlan(takes, gives)
    kept, alive = {*gives}, {*takes}
    for head, group in groupby(steps, lambda pair: pair[1].stack[depth] if len(pair[1].stack) > depth else None):
        for part, end, read, made in _parts(head, list(group), depth, last, owned):
            plan.parts.append(part)
            alive |= made
            dead = tuple(name for name in (read | made) & alive if name not in kept and last.get(name, -1) <= end)
            alive -= {*dead}
            plan.dead.append(dead)
    return plan


def _parts(
    head: tuple[str, str] | None, group: list[tuple[int, PlanStep]], depth: int, last: dict[str, int], owned: set[str]
) -> Iterable[Any]:
    """What a run of steps becomes: each its own part, or one module with the part after it, what it reads and what it makes."""
    if head is None:
        for position, step in group:
            yield step, position, {*names_in(step.given)} - owned, {*names_in(step.gives)}
        return
    end = group[-1][0]
    made = {name: None for _, step in group for name in names_in(step.gives)}
    read = {name: None for _, step in group for name in names_in(step.given) if name not in made and name not in owned}
    given = tuple(name for name in made if last.get(name, -1) > end)
    yield (*head, _level(group, depth + 1, last, owned, tuple(read), given)), end, {*read}, {*given}


def names_in(values: Any) -> Iterable[str]:
    """Names of all values in nested lists and tuples."""
    if isinstance(values, ValueName):
        yield values.name
    elif isinstance(values, list | tuple):
        for value in values:
            yield from names_in(value)
