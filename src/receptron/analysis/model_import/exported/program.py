"""An exported program as a module: what it owns under the names it had, its calls in the modules they were made in."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from receptron.analysis.model_import.exported.archive import Archive
from receptron.analysis.model_import.exported.doors import Doors
from receptron.analysis.model_import.exported.operators import arguments, check_parts
from receptron.analysis.model_import.exported.owned import Owned, OwnedModule
from receptron.analysis.model_import.exported.plan import ExecutionPlan, PlanStep, ValueName, planned, steps_of, value_of
from receptron.errors import AnalysisFault, BadValue, ReceptronError


class Running(OwnedModule):
    """One module of the program; it runs the part of the plan that it is called with."""

    def forward(self, plan: ExecutionPlan, inputs: list[Any]) -> Any:
        """`inputs` is emptied, so that what is needed no more can go while the module runs, as in the flat program."""
        values = dict(zip(plan.takes, inputs, strict=True))
        inputs.clear()
        return run(plan, values, self.owned)


class ExportedNet(nn.Module):
    """The whole program; called with what it was exported for."""

    def __init__(self, archive: Archive) -> None:
        super().__init__()
        module = archive.program.graph_module
        specs, results = module.signature.input_specs, module.signature.output_specs
        users = [value_of(spec.user_input.arg) for spec in specs if spec.user_input is not None]
        takes = tuple(user.name for user in users if isinstance(user, ValueName))
        given = [value_of(spec.user_output.arg) for spec in results if spec.user_output is not None]
        rows = [row for spec in specs if (row := spec.parameter or spec.buffer or spec.tensor_constant) is not None]
        plan = planned(
            steps_of(module.graph), takes, tuple(out.name for out in given if isinstance(out, ValueName)), [r.arg.name for r in rows]
        )
        owned = Owned(self, archive, Running)
        owned.fill(plan, rows)
        # past nn.Module, which would take them for parts of the network
        self.__dict__.update(plan=plan, owned=owned, doors=Doors(archive.program, takes))

    @classmethod
    def read(cls, path: Path) -> "ExportedNet":
        """The network in a file, of which nothing is run. Raises: BadValue for a damaged file, AnalysisFault for what is not known here."""
        archive = Archive(path)
        try:
            return cls(archive)
        except ReceptronError:
            raise
        except (LookupError, TypeError, ValueError, ArithmeticError, RuntimeError) as error:
            # torch's and Python's words for names that a module cannot have and shapes that no tensor can have
            why = f"{type(error).__name__}: {error}".splitlines()[0][:200]
            raise BadValue(f"{path} is a damaged exported program.", why=why, mend="write it again with torch.export.save") from error

    @property
    def own_inputs(self) -> tuple[int, ...] | list[torch.Tensor] | None:
        """What it was exported for: the size of one image, or tensors; None where that is left open."""
        doors: Doors = self.__dict__["doors"]
        sizes = doors.sizes
        if sizes is None:
            return None
        if len(sizes) == 1 and sizes[0][:1] == (1,) and len(sizes[0]) > 1 and doors.dtypes == [torch.float32]:
            return sizes[0][1:]
        return [torch.empty(size, dtype=dtype, device="meta") for size, dtype in zip(sizes, doors.dtypes, strict=True)]

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """Raises: BadValue for inputs that the program was not exported for."""
        held = self.__dict__
        return run(held["plan"], held["doors"].let_in(inputs, named), held["owned"])


def run(plan: ExecutionPlan, values: dict[str, Any], owned: Owned) -> Any:
    """Run the steps of a plan one by one on values by their names; what nobody needs any more is let go."""
    for part, dead in zip(plan.parts, plan.dead, strict=True):
        if isinstance(part, PlanStep):
            _step(part, values, owned)
        else:
            path, _, inner = part
            given = [values.pop(name) if name in dead else values[name] for name in inner.takes]
            out = owned.module(path)(inner, given)
            values |= zip(inner.gives, (out,) if len(inner.gives) == 1 else out, strict=True)
            del out
        for name in dead:
            values.pop(name, None)
    results = tuple(values[name] if name in values else owned.tensor(name) for name in plan.gives)
    return results[0] if len(results) == 1 else results


def _step(step: PlanStep, values: dict[str, Any], owned: Owned) -> None:
    given = [(name, _read(value, values, owned)) for name, value in step.given]
    check_parts(step.run, given)
    positional, named = arguments(step.run, given)
    _keep(step, step.gives, [_on_meta(step.run(*positional, **named))], values)


def _read(value: Any, values: dict[str, Any], owned: Owned) -> Any:
    if isinstance(value, ValueName):
        return values[value.name] if value.name in values else owned.tensor(value.name)
    return [_read(item, values, owned) for item in value] if isinstance(value, list) else value


def _on_meta(made: Any) -> Any:
    """What an operator gave, on the meta device: small tables are made for real by the recorder, and stay tables of no numbers here."""
    if isinstance(made, Tensor):
        return made if made.is_meta else made.to("meta")
    return [_on_meta(item) for item in made] if isinstance(made, list | tuple) else made


def _keep(step: PlanStep, names: tuple[Any, ...] | list[Any], made: Any, values: dict[str, Any]) -> None:
    """Put results under the names that the file gives them: one name for one result, or as many as an operator gives."""
    if len(names) != len(made) and len(made) == 1 and isinstance(made[0], list):
        made = made[0]
    if len(names) == 1 and isinstance(names[0], list) and not (len(made) == 1 and isinstance(made[0], list)):
        names = names[0]
    if len(names) != len(made):
        raise AnalysisFault(f"{step.target} of the exported program gives {len(made)} values, but {len(names)} are named.")
    for name, value in zip(names, made, strict=True):
        if isinstance(name, list):
            _keep(step, name, value, values)
        elif isinstance(name, ValueName):
            values[name.name] = value
