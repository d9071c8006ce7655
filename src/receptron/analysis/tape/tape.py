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
    """Everything that one forward pass did, and what the network owns. `record` makes one.

    Attributes:
        name: Class of the network.
        device: "meta": shapes without numbers.
        values: Tensors, each at one moment; calls name them by their place in this list.
        calls: ATen calls in the order in which they ran.
        module_calls: Calls of modules in the order in which they began; the first is that of the network itself.
        storages: Bytes behind the values, with the calls between which they lived.
        parameters: What the network owns, parameters and buffers: the first of the values, and storages of the same numbers.
        parts: The modules of the network as they stood before recording.
        inputs: Numbers of the values that went in.
        outputs: Numbers of the values that came out.
        forward_calls: How many of the calls are the forward pass; more follow on a tape of training.

    Example:
        >>> from torch import nn
        >>> from receptron.analysis import record
        >>> tape = record(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()), (3, 32, 32))
        >>> tape.name, [call.op for call in tape.calls], len(tape.parameters)
        ('Sequential', ['convolution', 'relu'], 2)
    """

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
        """Shape of the value that an argument refers to.

        Args:
            value: An argument of a call.

        Returns:
            As torch would tell it.

        Raises:
            TypeError: If the argument is no tensor.

        Example:
            >>> from torch import nn
            >>> from receptron.analysis import record
            >>> tape = record(nn.Conv2d(3, 8, 3), (3, 32, 32))
            >>> tape.shape(tape.calls[0].arg(1, "weight"))
            (8, 3, 3, 3)
        """
        if not isinstance(value, Ref):
            raise TypeError(f"{value!r} is not a tensor of the tape")
        return self.values[value].shape

    def path(self, call: Call) -> str:
        """Path of the module that made a call.

        Args:
            call: One of the tape's calls.

        Returns:
            As torch's named_modules tells it; empty for the network itself.

        Example:
            >>> from torch import nn
            >>> from receptron.analysis import record
            >>> tape = record(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()), (3, 32, 32))
            >>> tape.path(tape.calls[1])
            '1'
        """
        return self.module_calls[call.scope].path

    def leaves(self) -> Iterator[tuple[int, ModuleCall]]:
        """Scopes that call no other module, in the order in which they ran.

        Returns:
            Each with its place in `module_calls`.

        Example:
            >>> from torch import nn
            >>> from receptron.analysis import record
            >>> tape = record(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()), (3, 32, 32))
            >>> [scope.kind for _, scope in tape.leaves()]
            ['Conv2d', 'ReLU']
        """
        parents = {scope.parent for scope in self.module_calls}
        return ((i, scope) for i, scope in enumerate(self.module_calls) if i not in parents)

    def call_of_module(self, path: str) -> ModuleCall:
        """The last call of a module.

        Args:
            path: As torch's named_modules tells it; empty for the network itself.

        Returns:
            Its class, its tensors and the range of its calls.

        Raises:
            UnknownName: If no module of that path ran; near paths are told.

        Example:
            >>> from torch import nn
            >>> from receptron.analysis import record
            >>> record(nn.Sequential(nn.Conv2d(3, 8, 3)), (3, 32, 32)).call_of_module("0").kind
            'Conv2d'
        """
        for scope in reversed(self.module_calls):
            if scope.path == path:
                return scope
        raise UnknownName("layer", path, {scope.path for scope in self.module_calls if scope.path})

    def output_of(self, path: str) -> int:
        """The value that a module gave.

        Args:
            path: As torch's named_modules tells it; empty for the network itself.

        Returns:
            Its place in `values`; of several outputs the first.

        Raises:
            UnknownName: If no module of that path ran; near paths are told.

        Example:
            >>> from torch import nn
            >>> from receptron.analysis import record
            >>> tape = record(nn.Sequential(nn.Conv2d(3, 8, 3), nn.MaxPool2d(2)), (3, 32, 32))
            >>> tape.values[tape.output_of("0")].shape
            (1, 8, 30, 30)
        """
        return self.call_of_module(path).outputs[0]
