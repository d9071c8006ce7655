"""What an exported program owns: tensors without numbers, of the shapes that the file states, in a tree of modules as it was."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from receptron.analysis.model_import.exported.operators import dtype_of
from receptron.analysis.model_import.exported.plan import DEEPEST, ExecutionPlan, PlanStep
from receptron.analysis.model_import.exported.schema import OwnedInput, TensorMeta
from receptron.errors import BadValue

if TYPE_CHECKING:
    from receptron.analysis.model_import.exported.archive import Archive

_AGAIN = re.compile(r"@\d+$")
"""How torch tells a second call of one module from the first."""


class OwnedModule(nn.Module):
    """A module of the program that knows where the program's tensors are."""

    owned: "Owned"


class Owned:
    """Modules by their paths, and where the tensor of each of the graph's names is."""

    def __init__(self, root: nn.Module, archive: "Archive", part: type[OwnedModule]) -> None:
        self._archive, self._part = archive, part
        self._modules: dict[str, nn.Module] = {"": root}
        self._places: dict[str, tuple[nn.Module, str]] = {}
        self._constants: dict[str, Tensor] = {}
        self._shared: dict[tuple[str, ...], Tensor] = {}
        self._kinds: dict[str, str] = {}

    def fill(self, plan: ExecutionPlan, rows: Iterable[OwnedInput]) -> None:
        """Make all modules and tensors. Raises: BadValue; KeyError and TypeError for names that no module can have."""
        self._kinds = dict(_called(plan))
        for path in self._kinds:
            self.module(path)
        for row in rows:
            self._add(row)

    def module(self, path: str) -> nn.Module:
        """The module at a path; made if the program owns nothing there."""
        path = _AGAIN.sub("", path)
        if path not in self._modules:
            above, _, name = path.rpartition(".")
            if path.count(".") >= DEEPEST or not name.isprintable() or len(name) > 200:
                raise self._damaged(f"a module is named {path[:200]!r}")
            kind = type(self._kinds.get(path, self._part.__name__), (self._part,), {})
            made = kind()
            made.__dict__["owned"] = self
            self.module(above).add_module(name, made)
            self._modules[path] = made
        return self._modules[path]

    def tensor(self, name: str) -> Tensor:
        """The tensor that the graph knows by a name."""
        if name in self._constants:
            return self._constants[name]
        module, attribute = self._places[name]
        return getattr(module, attribute)

    def _add(self, row: OwnedInput) -> None:
        full = row.parameter_name or row.buffer_name or row.tensor_constant_name or ""
        if row.tensor_constant_name is not None:  # no module owns it
            self._constants[row.arg.name] = self._made(full, row)
            return
        path, _, name = full.rpartition(".")
        if not name.isprintable() or len(name) > 200:
            raise self._damaged(f"a weight is named {full[:200]!r}")
        module, tensor = self.module(path), self._made(full, row)
        if name in module._parameters or name in module._buffers:  # pyright: ignore[reportPrivateUsage]
            raise self._damaged(f"{full} is owned twice")
        if row.parameter_name is not None:
            module.register_parameter(name, tensor)  # pyright: ignore[reportArgumentType] made as one
        else:
            module.register_buffer(name, tensor, persistent=row.persistent)
        self._places[row.arg.name] = module, name

    def _made(self, full: str, row: OwnedInput) -> Tensor:
        """The tensor of one row; rows whose weights lie in one place of the archive share it."""
        meta = self._archive.program.graph_module.graph.tensor_values.get(row.arg.name)
        if meta is None:
            raise self._damaged(f"it states no shape of {full}")
        where = self._place(full, meta)
        shape = self._shape(full, meta)
        key = (*where, str(shape), str(meta.dtype), str(row.parameter_name is None))
        if where and key in self._shared:
            return self._shared[key]
        tensor = torch.empty(shape, dtype=dtype_of(meta.dtype), device="meta")
        if row.parameter_name is not None:
            tensor = nn.Parameter(tensor, requires_grad=meta.requires_grad and (tensor.is_floating_point() or tensor.is_complex()))
        self._shared[key] = tensor
        return tensor

    def _place(self, full: str, meta: TensorMeta) -> tuple[str, ...]:
        """Where the file says that a weight lies; () for files up to torch 2.7, which do not say."""
        if self._archive.payloads is None:
            return ()
        if full not in self._archive.payloads:
            raise self._damaged(f"it has no weight {full}")
        kind, payload = self._archive.payloads[full]
        stated = payload.tensor_meta
        if stated is not None and (stated.sizes, stated.dtype) != (meta.sizes, meta.dtype):
            raise self._damaged(f"the graph and the list of weights differ about the shape of {full}")
        return kind, payload.path_name, *([] if stated is None else [str(stated.storage_offset), str(stated.strides)])

    def _shape(self, full: str, meta: TensorMeta) -> list[int]:
        sizes = [size.as_int for size in meta.sizes]
        if any(size is None or size < 0 for size in sizes):
            raise self._damaged(f"the shape of {full} is no shape")
        return [size for size in sizes if size is not None]

    def _damaged(self, why: str) -> BadValue:
        return BadValue(f"{self._archive.path} is a damaged exported program.", why=why, mend="write it again with torch.export.save")


def _called(plan: ExecutionPlan) -> Iterable[tuple[str, str]]:
    """Path and class of every module that a plan calls, outer ones first."""
    for part in plan.parts:
        if not isinstance(part, PlanStep):
            yield _AGAIN.sub("", part[0]), part[1]
            yield from _called(part[2])
