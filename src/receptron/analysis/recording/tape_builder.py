"""The tape in the making: which value a tensor is, which storage it lies in, when that is freed, and which module is running.

What the network owns is numbered first. A tensor that comes from elsewhere, from a global variable for instance, is a constant from
the moment on at which it is met.
"""

import weakref
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from receptron.analysis.recording.parameters import Inventory, name_of
from receptron.analysis.tape import Call, ModuleCall, Ref, Storage, Value
from receptron.analysis.tape.overlap import Strided, apart, overwritten


class _Watch(weakref.ref[Any]):
    """Waits for the end of a storage."""

    __slots__ = ("index", "key")
    index: int
    key: int


class TapeBuilder:
    """The lists of a tape while they are filled. Values that the network owns come first, in the order of the inventory.

    `constants` are real tensors of the copy, which may be written to; whoever gives them keeps them.
    """

    def __init__(self, owned: Inventory, constants: Sequence[Tensor] = ()) -> None:
        self.owned = {id(tensor): Ref(number) for number, tensor in enumerate(owned.tensors)}
        self.values: list[Value] = [*owned.parameters]
        self.storages = [Storage(_bytes(t), -1, None, p.role) for t, p in zip(owned.tensors, owned.parameters, strict=True)]
        self.calls: list[Call] = []
        self.module_calls = [ModuleCall("", "", -1, 0)]
        self.open = [0]
        self.paths = owned.paths
        self.written: dict[int, dict[Strided | None, int]] = {}
        self._numbers: dict[int, tuple[int, weakref.ref[Tensor]]] = {}
        self._constants = {id(tensor) for tensor in constants}
        self._homes = {storage_id(tensor): number for number, tensor in enumerate(owned.tensors)}
        self._places: dict[int, _Watch] = {}
        self._stand_ins: dict[int, Tensor] = {}
        self._kept: list[Tensor] = []

    def stand_in(self, tensor: Tensor) -> Tensor:
        """A tensor on the meta device in place of a real one: the same value in the same storage."""
        made = self._stand_ins.get(id(tensor))
        if made is None:
            number = self.number(tensor, "constant")
            made = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")
            self._watch(made.untyped_storage(), self.values[number].storage)
            self._numbers[id(made)] = (number, weakref.ref(made))
            self._stand_ins[id(tensor)] = made
            self._kept.append(tensor)
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

    def read(self, tensor: Tensor) -> int:
        """The number of a tensor that is read; what other tensors wrote into the same memory meanwhile is noted first, in its order."""
        number = self.number(tensor, "constant")
        if not self.written:
            return number
        seen, here = number, _layout(tensor)
        for there, writer in self.written.get(self.values[number].storage, {}).items():
            if writer > seen and not (here and there and apart(here, there)):
                number = self._overwritten(tensor, number, writer, there)
        return number

    def write(self, tensor: Tensor) -> int:
        """The tensor holds something else from now on: the number of a new value in the same storage."""
        storage = self.values[self.number(tensor, "activation")].storage
        number, here = self._new(tensor, storage, "activation"), _layout(tensor)
        writers = self.written.setdefault(storage, {})
        writers.pop(here, None)  # so that the last comes last
        writers[here] = number
        return number

    def _overwritten(self, tensor: Tensor, number: int, writer: int, there: Strided | None) -> int:
        updated = self._new(tensor, self.values[number].storage, "activation")
        args = (Ref(number), Ref(writer), overwritten(there, _layout(tensor)))
        self.calls.append(Call("overwritten", self.open[-1], args, {}, (number, writer), (updated,), False))
        return updated

    def is_ours(self, tensor: Tensor) -> bool:
        """Whether the tensor came about while the network ran, or is a constant of the copy."""
        if id(tensor) in self._constants:
            return True
        known = self._numbers.get(id(tensor))
        return known is not None and self.values[known[0]].role == "activation"

    def numbers_of(self, tree: Any) -> tuple[int, ...]:
        """Numbers of all tensors in nested lists, tuples, dicts and dataclasses."""
        if isinstance(tree, Tensor):
            return (self.read(tree),)
        return tuple([self.read(t) for t in tensors_in(tree)])

    def enter(self, module: nn.Module, given: Any) -> None:
        """A module is called."""
        path = self.paths[id(module)]
        self.module_calls.append(ModuleCall(path, type(module).__name__, self.open[-1], len(self.calls), self.numbers_of(given)))
        self.open.append(len(self.module_calls) - 1)

    def leave(self, out: Any) -> None:
        """The module that was called last gave `out`."""
        scope = self.module_calls[self.open.pop()]
        scope.outputs, scope.last = self.numbers_of(out), len(self.calls)

    def leave_broken(self) -> None:
        """The module that was called last raised; whoever called it may go on."""
        self.open.pop()

    def close(self) -> None:
        """Forget the tensors, so that what is still alive counts as alive until the end."""
        self._places.clear()
        self._kept.clear()

    def _place(self, tensor: Tensor, role: str) -> int:
        try:
            storage = tensor.untyped_storage()
        except (RuntimeError, NotImplementedError):  # sparse and other tensors without a flat storage
            self.storages.append(Storage(tensor.numel() * tensor.dtype.itemsize, len(self.calls), None, role))
            return len(self.storages) - 1
        key = storage._cdata  # pyright: ignore[reportPrivateUsage] the only identity that storages have
        home = self._homes.get(key)
        if home is not None:
            return home
        known = self._places.get(key)
        if known is not None and known() is not None:
            return known.index
        index = len(self.storages)
        self.storages.append(Storage(storage.nbytes(), len(self.calls) if role == "activation" else -1, None, role))
        self._watch(storage, index)
        return index

    def _new(self, tensor: Tensor, storage: int, role: str) -> int:
        number = len(self.values)
        dtype = tensor.dtype
        self.values.append(Value(tuple(tensor.shape), name_of(dtype), dtype.itemsize, storage, role))
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


def _layout(tensor: Tensor) -> Strided | None:
    """How a tensor lies in its storage; None for one without strides."""
    if tensor.layout is not torch.strided:
        return None
    return Strided(tuple(tensor.shape), tuple(tensor.stride()), int(tensor.storage_offset()), tensor.dtype.itemsize)


def storage_id(tensor: Tensor) -> int:
    """Which storage a tensor lies in; its own `id` if it has none."""
    try:
        return tensor.untyped_storage()._cdata  # pyright: ignore[reportPrivateUsage] the only identity that storages have
    except (RuntimeError, NotImplementedError):  # sparse and other tensors without a flat storage
        return id(tensor)


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


def _bytes(tensor: Tensor) -> int:
    """Bytes of the storage that a tensor of its shape and strides needs."""
    if tensor.layout is not torch.strided or tensor.is_contiguous():
        return tensor.numel() * tensor.dtype.itemsize
    steps = zip(tensor.shape, tensor.stride(), strict=True)
    return tensor.dtype.itemsize * (1 + sum([(extent - 1) * step for extent, step in steps])) if tensor.numel() else 0
