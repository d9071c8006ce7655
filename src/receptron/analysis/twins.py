"""Which blocks of a network are twins: nothing in them tells them apart for a forward pass in eval mode.

What lies outside of a block, a global variable or an attribute of its class, is not compared.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from operator import is_
from types import BuiltinFunctionType, FunctionType
from typing import Any, NamedTuple

import torch
from torch import nn

SMALLEST = 5
"""Modules in a block that is worth the comparison."""

TABLES = ("_parameters", "_buffers", "_modules")
HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
STANDARD = frozenset(vars(nn.Module()))
PLAIN = frozenset([int, float, str, bool, type(None), torch.dtype, torch.device, FunctionType, BuiltinFunctionType, type])
"""Attributes that are compared as they are; functions are told apart by identity."""
IDLE = {
    ("torch.nn.modules.dropout", "p"),
    ("torchvision.ops.stochastic_depth", "p"),
    ("timm.layers.drop", "drop_prob"),
    ("receptron.blocks.drop", "rate"),
}
"""Home of a class and its attribute that only training reads: repeated blocks often differ in these alone."""


class _Snapshot(NamedTuple):
    """One module as it was at first: its attributes, lists copied, and what it held in its tables."""

    attributes: dict[str, Any]
    tables: list[tuple[Any, ...]]


class Twins:
    """Blocks that have a twin, with their kinds: equal numbers for twins."""

    def __init__(self, modules: Iterable[nn.Module]) -> None:
        self._kinds: dict[int, tuple[Hashable, int]] = {}  # kind and number of modules; no kind where something cannot be compared
        self._members: dict[int, list[nn.Module]] = {}
        self._snapshots: dict[int, _Snapshot] = {}
        numbers: dict[Hashable, int] = {}
        found: list[tuple[nn.Module, Hashable]] = []
        for module in modules:
            kind, size = self._kind(module, numbers)
            if kind is not None and size >= SMALLEST and type(module) is not nn.Sequential:
                found.append((module, kind))
        often = Counter([kind for _, kind in found])
        self.blocks = [block for block, kind in found if often[kind] > 1 and self._shares_nothing(block)]

    def stand_before(self, block: nn.Module, forward: Callable[..., Any]) -> None:
        """Let `forward` be called in place of the block's own; that alone does not count as a change."""
        vars(block)["forward"] = self._snapshots[id(block)].attributes["forward"] = forward

    def members(self, block: nn.Module) -> list[nn.Module]:
        """The block and all modules in it, in the same order for twins."""
        return self._members[id(block)]

    def kind(self, block: nn.Module) -> Hashable:
        """The kind of one of `blocks`; None if something in it is no longer as it was."""
        for module in self._members[id(block)]:
            own, (attributes, tables) = vars(module), self._snapshots[id(module)]
            if own != attributes or any([own[name] for name in HOOKS]):
                return None
            for name, kept in zip(TABLES, tables, strict=True):
                if len(own[name]) != len(kept) or not all(map(is_, own[name].values(), kept)):
                    return None
        return self._kinds[id(block)][0]

    def _kind(self, module: nn.Module, numbers: dict[Hashable, int]) -> tuple[Hashable, int]:
        known = self._kinds.get(id(module))
        if known is not None:
            return known
        size, below = 1, list[Hashable]()
        for name, child in vars(module).get("_modules", {}).items():
            if child is not None:
                kind, inner = self._kind(child, numbers)
                below += (name, kind)
                size += inner
        told = None if None in below else _told(module, vars(module))
        kind = None if told is None else numbers.setdefault((type(module), told, tuple(below)), len(numbers))
        self._kinds[id(module)] = kind, size
        return kind, size

    def _shares_nothing(self, block: nn.Module) -> bool:
        """Whether no module and no tensor stands in the block twice; its members are then kept as they are now."""
        members = list(block.modules())
        for module in members:
            if id(module) not in self._snapshots:
                self._snapshots[id(module)] = _snapshot(vars(module))
        tensors = [id(t) for m in members for table in self._snapshots[id(m)].tables[:2] for t in table if t is not None]
        self._members[id(block)] = members
        return len(members) == self._kinds[id(block)][1] and len(tensors) == len(set(tensors))


def _snapshot(own: dict[str, Any]) -> _Snapshot:
    attributes = own.copy()
    for name, value in own.items():
        if type(value) is list:
            attributes[name] = value.copy()
    return _Snapshot(attributes, [tuple(own[name].values()) for name in TABLES])


def _told(module: nn.Module, own: dict[str, Any]) -> Hashable:
    """Attributes and tensors of one module as something that can be compared; None if they cannot be."""
    if isinstance(module, torch.jit.ScriptModule) or not own.keys() >= STANDARD or own["training"] or any([own[name] for name in HOOKS]):
        return None
    home = type(module).__module__
    found: list[Hashable] = []
    for name, value in own.items():
        if name in STANDARD or (home, name) in IDLE:
            continue
        kind = type(value)
        if kind not in PLAIN:
            value = _compared(tuple(value) if kind is list else value)
            if value is None:
                return None
        found += (name, kind, value)
    for table in (own["_parameters"], own["_buffers"]):
        for name, t in table.items():
            found += (name, None) if t is None else (name, t.shape, t.stride(), t.dtype, t.requires_grad)
    return tuple(found)


def _compared(value: Any) -> Hashable:
    """A value as something that can be compared: 1, 1.0 and True differ; None if it cannot be."""
    if isinstance(value, tuple):
        parts = [_compared(part) for part in value]
        return None if None in parts else tuple(parts)
    return (type(value), value) if type(value) in PLAIN else None
