"""The Tape: one forward pass written down, call by call, in numbers only. Every analysis is a pass over it.

A value is a tensor at one moment: writing into a tensor makes a new value. Values, calls and module_calls are named by their
position in the tape's lists. No tensor is kept.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import NamedTuple

from receptron.errors import UnknownName


class Ref(int):
    """Stands in a call's arguments where a tensor stood: the number of its value."""


Argument = object
"""A plain number, string, None, Ref, or a tuple of these."""


class Value(NamedTuple):
    """A tensor at one moment. `role` is input, parameter, buffer, constant or activation.

    What the network owns has a `name`, and all its `names` where it is shared; `trainable` parameters are not frozen.
    """

    shape: tuple[int, ...]
    dtype: str
    bytes_each: int
    storage: int
    role: str
    names: tuple[str, ...] = ()
    trainable: bool = False

    @property
    def name(self) -> str:
        """The first of its names; empty for what the network does not own."""
        return self.names[0] if self.names else ""

    @property
    def numel(self) -> int:
        """How many numbers it holds."""
        return prod(self.shape)

    @property
    def learnable(self) -> bool:
        """Whether it is a parameter, frozen or not."""
        return self.role == "parameter"


class Call(NamedTuple):
    """One ATen call. `op` is its name without overload and without the underscore of in-place forms."""

    op: str
    scope: int
    args: tuple[Argument, ...]
    kwargs: Mapping[str, Argument]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    inplace: bool

    def arg(self, position: int, name: str, default: Argument = None) -> Argument:
        """Argument by position, by name where it was given so, or `default` where it was left out."""
        return self.args[position] if position < len(self.args) else self.kwargs.get(name, default)


@dataclass(slots=True)
class ModuleCall:
    """One call of a module: its path, class name, the scope that called it, its tensors and the range of its calls."""

    path: str
    kind: str
    parent: int
    first: int
    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    last: int = -1


@dataclass(slots=True)
class Storage:
    """Bytes that live from call `born` until after call `died`; -1 means from before the first, None until after the last."""

    bytes: int
    born: int
    died: int | None = None
    role: str = "activation"


class Part(NamedTuple):
    """A module of the network as it stood before recording."""

    path: str
    kind: str
    training: bool
    own: tuple[str, ...]


@dataclass(frozen=True)
class Tape:
    """Everything that one forward pass did, and what the network owns: the first of its values, and storages of the same numbers."""

    name: str
    device: str
    values: list[Value] = field(repr=False)
    calls: list[Call] = field(repr=False)
    module_calls: list[ModuleCall] = field(repr=False)
    storages: list[Storage] = field(repr=False)
    parameters: list[Value] = field(repr=False)
    parts: list[Part] = field(repr=False)
    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    forward_calls: int = 0

    @property
    def forward(self) -> list[Call]:
        """The calls of the forward pass; a training tape goes on with the backward pass."""
        return self.calls[: self.forward_calls]

    def shape(self, value: Argument) -> tuple[int, ...]:
        """Shape of the value that an argument refers to. Raises: TypeError if it is no tensor."""
        if not isinstance(value, Ref):
            raise TypeError(f"{value!r} is not a tensor of the tape")
        return self.values[value].shape

    def path(self, call: Call) -> str:
        """Path of the module that made a call; empty for the network itself."""
        return self.module_calls[call.scope].path

    def leaves(self) -> Iterator[tuple[int, ModuleCall]]:
        """Scopes that call no other module, in the order in which they ran."""
        parents = {scope.parent for scope in self.module_calls}
        return ((i, scope) for i, scope in enumerate(self.module_calls) if i not in parents)

    def call_of_module(self, path: str) -> ModuleCall:
        """The last call of the module at `path`. Raises: UnknownName with near paths."""
        for scope in reversed(self.module_calls):
            if scope.path == path:
                return scope
        raise UnknownName("layer", path, {scope.path for scope in self.module_calls if scope.path})

    def output_of(self, path: str) -> int:
        """The value that the module at `path` gave, the network's own for an empty path. Raises: UnknownName."""
        return self.call_of_module(path).outputs[0]
