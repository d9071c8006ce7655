"""The tape in the making: which value a tensor is, which storage it lies in, when that is freed, and which module is running.

What the network owns is numbered first and told by its shapes. Its tensors are handed out as stand-ins on the meta device, made
when they are first looked at: most of a network never is, since layer_rules.py and repeats.py know what it would do.
"""

import weakref
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from receptron.analysis.recording.parameters import Inventory, name_of
from receptron.analysis.tape import Call, Ref, Scope, Storage, Value

META = torch.device("meta")
unwatched = torch._C._DisableTorchDispatch  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue] no public name
"""Context in which torch makes tensors for us without a call being written down."""


class _Watch(weakref.ref[Any]):
    """Waits for the end of a storage."""

    __slots__ = ("index", "key")
    index: int
    key: int


class Draft:
    """The lists of a tape while they are filled. Values that the network owns come first, in the order of the inventory."""

    def __init__(self, owned: Inventory) -> None:
        told = zip(owned.tensors, owned.parameters, strict=True)
        self.owned = {id(tensor): Ref(number) for number, tensor in enumerate(owned.tensors)}
        self.values: list[Value] = [*owned.parameters]
        self.storages = [Storage(t.nbytes if t.is_contiguous() else _extent(t), -1, None, p.role) for t, p in told]
        self.calls: list[Call] = []
        self.scopes = [Scope("", "", -1, 0)]
        self.open = [0]
        self.paths = owned.paths
        self.written: dict[int, int] = {}
        self.rewritten = False  # whether something that the network owns was written to
        self._numbers: dict[int, tuple[int, weakref.ref[Tensor]]] = {}
        self._places: dict[int, _Watch] = {}
        self._stand_ins: dict[int, Tensor] = {}
        self._kept: list[Tensor] = []

    def stand_in(self, tensor: Tensor) -> Tensor:
        """A tensor on the meta device in place of a real one: the same value in the same storage."""
        made = self._stand_ins.get(id(tensor))
        if made is None:
            number = self.number(tensor, "constant")
            with unwatched():
                made = empty(tensor, tensor.dtype)
                if isinstance(tensor, nn.Parameter):
                    made = nn.Parameter(made, tensor.requires_grad)
            self._adopt(made, number)
            self._stand_ins[id(tensor)] = made
            self._kept.append(tensor)
        return made

    def output(self, number: int, stride: Sequence[int], dtype: torch.dtype) -> Tensor:
        """A new tensor that is value `number`, an activation which is on the tape already."""
        with unwatched():
            made = torch.empty_strided(self.values[number].shape, stride, dtype=dtype, device=META)
        self._adopt(made, number)
        return made

    def number(self, tensor: Tensor, role: str) -> int:
        """The value that a tensor is; a new one of that role if it was not seen before."""
        key = id(tensor)
        known = self._numbers.get(key)
        if known is not None and known[1]() is tensor:
            return known[0]
        owned = self.owned.get(key)
        if owned is not None:
            return owned
        return self._new(tensor, self._place(tensor, role), role)

    def made(self, like: Sequence[int] | Tensor, dtype: torch.dtype) -> tuple[Tensor, int]:
        """A new activation in a storage of its own, and its number; contiguous, or lying in memory like a tensor."""
        with unwatched():
            tensor = empty(like, dtype)
        return tensor, self._new(tensor, self._stored(tensor.untyped_storage(), "activation"), "activation")

    def read(self, tensor: Tensor) -> int:
        """The number of a tensor that is read; if another tensor wrote into the same memory meanwhile, that is noted first."""
        number = self.number(tensor, "constant")
        writer = self.written.get(self.values[number].storage) if self.written else None
        if writer is None or writer <= number:
            return number
        updated = self._new(tensor, self.values[number].storage, "activation")
        self.calls.append(Call("overwritten", self.open[-1], (Ref(number), Ref(writer)), {}, (number, writer), (updated,), False))
        return updated

    def write(self, tensor: Tensor) -> int:
        """The tensor holds something else from now on: the number of a new value in the same storage."""
        place = self.values[self.number(tensor, "activation")].storage
        number = self._new(tensor, place, "activation")
        self.written[place] = number
        self.rewritten = self.rewritten or place < len(self.owned)
        return number

    def is_ours(self, tensor: Tensor) -> bool:
        """Whether the tensor came about while the network ran."""
        known = self._numbers.get(id(tensor))
        return known is not None and self.values[known[0]].role == "activation"

    def numbers_of(self, tree: Any) -> tuple[int, ...]:
        """Numbers of all tensors in nested lists, tuples, dicts and dataclasses."""
        if isinstance(tree, Tensor):
            return (self.read(tree),)
        return tuple([self.read(t) for t in tensors_in(tree)])

    def enter(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        """A module is called."""
        path = self.paths.get(id(module), "")
        self.scopes.append(Scope(path, type(module).__name__, self.open[-1], len(self.calls), self.numbers_of(args)))
        self.open.append(len(self.scopes) - 1)

    def leave(self, out: Any) -> None:
        """The module that was called last gave `out`."""
        scope = self.scopes[self.open.pop()]
        scope.outputs, scope.last = self.numbers_of(out), len(self.calls)

    def close(self) -> None:
        """Forget the tensors, so that what is still alive counts as alive until the end."""
        self._places.clear()
        self._kept.clear()

    def _adopt(self, tensor: Tensor, number: int) -> None:
        self._watch(tensor.untyped_storage(), self.values[number].storage)
        self._numbers[id(tensor)] = (number, weakref.ref(tensor))

    def _place(self, tensor: Tensor, role: str) -> int:
        try:
            storage = tensor.untyped_storage()
        except (RuntimeError, NotImplementedError):  # sparse and other tensors without a flat storage
            self.storages.append(Storage(tensor.numel() * tensor.dtype.itemsize, len(self.calls), None, role))
            return len(self.storages) - 1
        known = self._places.get(storage._cdata)  # pyright: ignore[reportPrivateUsage] the only identity that storages have
        return self._stored(storage, role) if known is None or known() is None else known.index

    def _stored(self, storage: Any, role: str) -> int:
        index = len(self.storages)
        self.storages.append(Storage(storage.nbytes(), len(self.calls) if role == "activation" else -1, None, role))
        self._watch(storage, index)
        return index

    def _new(self, tensor: Tensor, place: int, role: str) -> int:
        number = len(self.values)
        dtype = tensor.dtype
        self.values.append(Value(tuple(tensor.shape), name_of(dtype), dtype.itemsize, place, role))
        self._numbers[id(tensor)] = (number, weakref.ref(tensor))
        return number

    def _watch(self, storage: Any, index: int) -> None:
        """Note when the memory that stands for storage `index` is freed."""
        watch = _Watch(storage, self._died)
        watch.index, watch.key = index, storage._cdata
        self._places[watch.key] = watch

    def _died(self, watch: "_Watch") -> None:
        if self._places.get(watch.key) is watch:
            del self._places[watch.key]
            self.storages[watch.index].died = len(self.calls)


def empty(like: Sequence[int] | Tensor, dtype: torch.dtype) -> Tensor:
    """A tensor on the meta device of a shape, or one that lies in memory like another."""
    if isinstance(like, Tensor):
        return torch.empty_strided(like.shape, like.stride(), dtype=dtype, device=META)
    sides: Any = like or ((),)
    return torch.empty(*sides, dtype=dtype, device=META)  # one by one, they are taken faster than as a tuple


def tensors_in(tree: Any) -> Iterable[Tensor]:
    """All tensors in nested lists, tuples, dicts and objects with attributes (model outputs), in order."""
    if isinstance(tree, Tensor):
        yield tree
    elif isinstance(tree, dict):
        for value in tree.values():
            yield from tensors_in(value)
    elif isinstance(tree, list | tuple | set):
        for value in tree:
            yield from tensors_in(value)
    elif hasattr(tree, "__dataclass_fields__"):
        for name in tree.__dataclass_fields__:
            yield from tensors_in(getattr(tree, name))


def _extent(tensor: Tensor) -> int:
    """Bytes of the storage that a tensor of its shape and strides needs."""
    steps = zip(tensor.shape, tensor.stride(), strict=True)
    return tensor.dtype.itemsize * (1 + sum([(side - 1) * step for side, step in steps])) if tensor.numel() else 0
