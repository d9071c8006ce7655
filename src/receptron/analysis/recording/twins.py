"""Which blocks of a network are twins: nothing in them tells them apart for a forward pass in eval mode.

What lies outside of a block, a global variable or an attribute of its class, is not compared.
"""

from collections.abc import Hashable
from operator import is_
from types import BuiltinFunctionType, FunctionType
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from receptron.analysis.recording.parameters import children_of, held, tables_of

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


class Block(NamedTuple):
    """A block as it is at one moment: equal kinds for twins, and its modules and tensors, in the same order for twins."""

    kind: Hashable
    members: list[nn.Module]
    tensors: list[Tensor]

    def still(self, other: "Block | None") -> bool:
        """Whether the other look at the same block found the same modules and tensors, set up alike."""
        if other is None or self.kind != other.kind or len(self.members) != len(other.members) or len(self.tensors) != len(other.tensors):
            return False
        return all(map(is_, self.members, other.members)) and all(map(is_, self.tensors, other.tensors))


def look(block: nn.Module) -> Block | None:
    """A block as it is now; None if something in it cannot be compared, or stands in it twice."""
    found: dict[int, nn.Module] = {}
    kind = _kind(block, found)
    if kind is None:
        return None
    members = list(found.values())
    tensors = [t for module in members for table in tables_of(module) for t in held(table) if t is not None]
    return Block(kind, members, tensors) if len({*map(id, tensors)}) == len(tensors) else None


def _kind(module: nn.Module, found: dict[int, nn.Module]) -> Hashable:
    """Type, attributes and tensors of a module and of all below it, which are added to `found`."""
    if id(module) in found:
        return None
    found[id(module)] = module
    told = _told(module, module.__dict__)
    if told is None:
        return None
    below: list[Hashable] = []
    for name, child in children_of(module).items():
        if child is not None:
            kind = _kind(child, found)
            if kind is None:
                return None
            below += (name, kind)
    return type(module), told, tuple(below)


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
    for table in tables_of(module):
        for name, t in dict.items(table):
            found += (name, None) if t is None else (name, t.shape, t.stride(), t.dtype, t.requires_grad)
    return tuple(found)


def _compared(value: Any) -> Hashable:
    """A value as something that can be compared: 1, 1.0 and True differ; None if it cannot be."""
    if isinstance(value, tuple):
        parts = [_compared(part) for part in value]
        return None if None in parts else tuple(parts)
    return (type(value), value) if type(value) in PLAIN else None
