"""What a network owns before it runs: its modules under their paths, its parameters and buffers, shared ones once."""

from dataclasses import dataclass
from functools import cache
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from receptron.analysis.tape import Part, Value

UNSHAPED = (UninitializedParameter, UninitializedBuffer)
"""What lazy layers own before their first input."""


@dataclass(frozen=True)
class Inventory:
    """Modules from the outside in; by `id` the first path of each. `parameters` tells of `tensors`, in the same order."""

    modules: list[nn.Module]
    paths: dict[int, str]
    parts: list[Part]
    tensors: list[Tensor]
    parameters: list[Value]


def inventory(net: nn.Module) -> Inventory:
    """Parameters first, then buffers; one that is shared stands once, under all its names."""
    found = modules_in(net)
    paths: dict[int, str] = {}
    modules: list[nn.Module] = []
    parts: list[Part] = []
    learnable: list[tuple[str, Tensor]] = []
    others: list[tuple[str, Tensor]] = []
    for path, module in found:
        own, buffers = tables_of(module)
        before = f"{path}." if path else ""
        if id(module) not in paths:
            paths[id(module)] = path
            modules.append(module)
            names_here = tuple([name for name, t in own.items() if t is not None]) if own else ()
            parts.append(Part(path, type(module).__name__, module.training, names_here))
        if own:
            learnable += [(before + name, t) for name, t in own.items() if t is not None and type(t) not in UNSHAPED]
        if buffers:
            others += [(before + name, t) for name, t in buffers.items() if t is not None and type(t) not in UNSHAPED]
    everything = learnable + others
    names: dict[int, list[str]] = {}
    for name, tensor in everything:
        names.setdefault(id(tensor), []).append(name)
    tensors = list({id(tensor): tensor for _, tensor in everything}.values())
    learns = {id(tensor) for _, tensor in learnable}
    told = [
        Value(
            tuple(t.shape), name_of(t.dtype), t.dtype.itemsize, number, "parameter" if id(t) in learns else "buffer",
            tuple(names[id(t)]), t.requires_grad,
        )
        for number, t in enumerate(tensors)
    ]  # fmt: skip
    return Inventory(modules, paths, parts, tensors, told)


def modules_in(net: nn.Module) -> list[tuple[str, nn.Module]]:
    """Every module under every path at which it can be reached, from the outside in."""
    found: list[tuple[str, nn.Module]] = []

    def visit(path: str, module: nn.Module) -> None:
        found.append((path, module))
        before = f"{path}." if path else ""
        for name, child in list(module._modules.items()):  # pyright: ignore[reportPrivateUsage] all other ways are slow
            if child is not None:
                visit(before + name, child)

    visit("", net)
    return found


Table = dict[str, Tensor | None]


def tables_of(module: nn.Module) -> tuple[Table, Table]:
    """The module's own parameters and buffers, by name, as it holds them."""
    own = module.__dict__
    try:
        return own["_parameters"], own["_buffers"]
    except KeyError:  # a traced module
        return cast(Table, module._parameters), module._buffers  # pyright: ignore[reportPrivateUsage]


@cache
def name_of(dtype: torch.dtype) -> str:
    """Its name without the library's."""
    return str(dtype).removeprefix("torch.")
