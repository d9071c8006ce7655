"""One row for each call of a module: shapes, parameters, multiply-accumulates, field and working."""

from collections import Counter
from dataclasses import dataclass

from receptron.analysis.attempted import attempted
from receptron.analysis.cost.macs import works_of
from receptron.analysis.cost.working import working
from receptron.analysis.form import NO_FORM, LayerForm, form_of
from receptron.analysis.receptive_field.field import Field, Fields, field_of
from receptron.analysis.tape import Call, ModuleCall, Tape


@dataclass(frozen=True)
class Layer:
    """One module as it ran: its place, shapes, its parameters and multiply-accumulates with all inside, field of its output, working."""

    path: str  # empty for the network itself, where it is one layer
    name: str  # the part of the path that the row above it does not say
    kind: str
    depth: int  # modules that it lies in and that were called
    leaf: bool
    before: tuple[int, ...]
    after: tuple[int, ...]
    parameters: int
    macs: int
    field: Field | None
    working: tuple[str, ...]
    form: LayerForm = NO_FORM
    units: tuple[int, ...] = ()  # along each axis of the field, wherever that lies in the output; empty where it keeps none


def rows_of(tape: Tape) -> tuple[int, ...]:
    """Scopes that have a row, in its order: every call of a module that came to its end; of a network without modules inside, itself."""
    alone = not any(scope.path for scope in tape.module_calls if scope.last >= 0)
    return tuple(i for i, scope in enumerate(tape.module_calls) if scope.last >= 0 and (scope.path or alone))


def layers_of(tape: Tape, fields: Fields | None, unknown: dict[str, str] | None = None) -> tuple[Layer, ...]:
    """One row per call of a module, in the order in which they began; of a network without modules inside, itself."""
    works = works_of(tape)
    before = [0]
    for i in range(len(tape.forward)):
        before.append(before[-1] + (works[i].macs if i in works else 0))
    leaves, owned = {i for i, _ in tape.leaves()}, _owned(tape)
    paths = {scope.path for scope in tape.module_calls if scope.last >= 0 and scope.path}
    return tuple(
        Layer(
            scope.path,
            *_placed(scope.path, paths, scope.kind),
            i in leaves,
            tape.values[scope.inputs[0]].shape if scope.inputs else (),
            tape.values[scope.outputs[0]].shape if scope.outputs else (),
            owned[scope.path],
            before[scope.last] - before[scope.first],
            _field(fields, scope, {} if unknown is None else unknown),
            working(tape, _own_call(tape, scope)) if i in leaves else (),
            _form(tape, scope, {} if unknown is None else unknown) if i in leaves else LayerForm(),
            _units(fields, scope),
        )
        for i, scope in ((i, tape.module_calls[i]) for i in rows_of(tape))
    )


def _placed(path: str, called: set[str], kind: str) -> tuple[str, str, int]:
    """Name, kind and depth: lists of modules are not called, so their names stay before those of their members."""
    steps = path.split(".")
    above = [n for n in range(1, len(steps)) if ".".join(steps[:n]) in called]
    return ".".join(steps[above[-1] if above else 0 :]), kind, len(above)


def _field(fields: Fields | None, scope: ModuleCall, unknown: dict[str, str]) -> Field | None:
    if fields is None or not scope.outputs:
        return None
    return attempted(f"the field of {scope.path or 'the network'}", lambda: field_of(fields, scope.outputs[0], scope.path), unknown)


def _units(fields: Fields | None, scope: ModuleCall) -> tuple[int, ...]:
    states = fields.all_paths.get(scope.outputs[0], ()) if fields and scope.outputs else ()
    return tuple(axis.lane.extent for axis in states)


def _form(tape: Tape, scope: ModuleCall, unknown: dict[str, str]) -> LayerForm:
    calls = tape.forward[scope.first : scope.last]
    return attempted(f"the form of {scope.path or 'the network'}", lambda: form_of(tape, calls), unknown) or LayerForm()


def _owned(tape: Tape) -> Counter[str]:
    """Parameters in the module at each path and below it; one that is shared there counts once."""
    found: Counter[str] = Counter()
    for parameter in tape.parameters:
        if parameter.learnable:
            parts = [name.split(".")[:-1] for name in parameter.names]
            for path in {".".join(part[:i]) for part in parts for i in range(len(part) + 1)}:
                found[path] += parameter.numel
    return found


def _own_call(tape: Tape, scope: ModuleCall) -> Call | None:
    """The call that makes a leaf what it is: its first product or window."""
    calls = tape.calls[scope.first : scope.last]
    telling = [call for call in calls if call.op in ("convolution", "addmm", "mm") or "pool" in call.op or "norm" in call.op]
    return telling[0] if telling else None
