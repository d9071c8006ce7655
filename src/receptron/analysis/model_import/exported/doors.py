"""What goes into an exported program is held against what it was exported for."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from receptron.analysis.model_import.exported.guards import Condition
from receptron.analysis.model_import.exported.operators import dtype_of
from receptron.analysis.model_import.exported.schema import ExportedProgram, Range, TensorMeta
from receptron.errors import BadValue


class Doors:
    """The inputs of a program by name, their shapes, and the range of every extent that the caller chooses."""

    def __init__(self, program: ExportedProgram, takes: tuple[str, ...]) -> None:
        graph = program.graph_module.graph
        self._takes, self._ranges = takes, program.range_constraints
        self._conditions = [Condition(text) for text in program.guards_code]
        self._stated = {name: graph.tensor_values[name] for name in takes if name in graph.tensor_values}

    @property
    def sizes(self) -> list[tuple[int, ...]] | None:
        """Shape of each input, batch included; None where one is left open, or is no tensor."""
        if any(name not in self._stated for name in self._takes):
            return None
        stated = [self._stated[name].sizes for name in self._takes]
        if any(size.as_expr is not None for sizes in stated for size in sizes):
            return None
        return [tuple(size.as_int or 0 for size in sizes) for sizes in stated]

    @property
    def dtypes(self) -> list[torch.dtype]:
        """Type of each input that is a tensor."""
        return [dtype_of(self._stated[name].dtype) for name in self._takes if name in self._stated]

    def let_in(self, inputs: tuple[Any, ...], named: Mapping[str, Any]) -> dict[str, Any]:
        """Inputs by the graph's names. Raises: BadValue for what the program was not exported for."""
        leaves = iter([value for value in tree_leaves(inputs) if value is not None])
        given = [named[name] if name in named else next(leaves, None) for name in self._takes]
        if None in [value if value is None else 0 for value in given] or next(leaves, None) is not None:
            raise BadValue(f"the exported program takes {len(self._takes)} inputs: {', '.join(self._takes)}.")
        chosen: dict[str, int] = {}
        for name, value in zip(self._takes, given, strict=True):
            if isinstance(value, Tensor) and name in self._stated:
                self._check(name, tuple(value.shape), self._stated[name], chosen)
        shapes = {name: tuple(value.shape) for name, value in zip(self._takes, given, strict=True) if isinstance(value, Tensor)}
        broken = next((condition for condition in self._conditions if not condition.holds(shapes)), None)
        if broken is not None:
            raise BadValue(
                f"the exported program takes no such size: it was made under {broken.text[:200]}.", mend="export it for that size"
            )
        return dict(zip(self._takes, given, strict=True))

    def _check(self, name: str, shape: tuple[int, ...], stated: TensorMeta, chosen: dict[str, int]) -> None:
        fits = len(shape) == len(stated.sizes)
        for extent, size in zip(shape, stated.sizes, strict=False):
            if size.as_expr is None:
                fits = fits and extent == size.as_int
            else:
                limit = self._ranges.get(size.as_expr.expr_str, Range())
                fits = fits and extent == chosen.setdefault(size.as_expr.expr_str, extent)
                fits = fits and (limit.min_val or 0) <= extent and (limit.max_val is None or extent <= limit.max_val)
        if not fits:
            wanted = "x".join(self._told(size.as_int, None if size.as_expr is None else size.as_expr.expr_str) for size in stated.sizes)
            got = "x".join(map(str, shape))
            raise BadValue(
                f"the exported program takes {name} of shape {wanted}, got {got}.", mend="export it for that shape, or use its own"
            )

    def _told(self, extent: int | None, expression: str | None) -> str:
        if expression is None:
            return str(extent)
        limit = self._ranges.get(expression, Range())
        upper = "" if limit.max_val is None else f"..{limit.max_val}"
        return f"({expression[:40]}: {limit.min_val or 0}{upper or ' or more'})"
