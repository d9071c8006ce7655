"""Writes every ATen call of a forward pass down, on the meta device, as Call, Value and Storage.

Small constants that a network makes for itself (index tables, masks) stay real, so that code which looks at their numbers
still runs; as soon as they meet a meta tensor they are treated as one.
"""

import gc
import weakref
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules import module as torch_module
from torch.utils._python_dispatch import TorchDispatchMode, _get_current_dispatch_mode  # pyright: ignore[reportPrivateUsage]

from receptron.analysis.shortcuts import SHORTCUTS
from receptron.analysis.tape import Argument, Call, Ref, Scope, Storage, Value

REAL_LIMIT = 1 << 20
"""Numbers that a constant may have and still be made for real."""


_MET: set[Any] = set()
"""Operators that this process has run before."""


class _Op(NamedTuple):
    name: str
    written: tuple[int, ...]
    inplace: bool
    shortcut: Callable[..., Any] | None
    selects: bool


class Recorder(TorchDispatchMode):
    """Dispatch mode that fills the lists of a tape. Enter it around one forward pass."""

    def __init__(self, paths: dict[int, str], stand_ins: dict[int, Tensor]) -> None:
        super().__init__()
        self.values: list[Value] = []
        self.calls: list[Call] = []
        self.storages: list[Storage] = []
        self.scopes = [Scope("", "", -1, 0)]
        self.open = [0]
        self.paths, self._stand_ins = paths, stand_ins
        self._numbers: dict[int, tuple[int, weakref.ref[Tensor]]] = {}
        self._places: dict[int, tuple[int, weakref.ref[Any]]] = {}
        self.written: dict[int, int] = {}
        self._ops: dict[Any, _Op] = {}
        self._kept: list[Tensor] = []
        self._hooks = ExitStack()
        self._aside = False
        self.attempt: tuple[str, tuple[int, ...]] = ("", ())

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Torch's own switch: nothing is compiled while recording, so its guard around every call is left out."""
        return False

    def __enter__(self) -> "Recorder":
        self._hooks.callback(torch_module.register_module_forward_pre_hook(self._enter_module).remove)
        self._hooks.callback(torch_module.register_module_forward_hook(self._leave_module).remove)
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        self._hooks.close()
        super().__exit__(*error)

    def own(self, tensor: Tensor, role: str, name: str) -> int:
        """Number a tensor that is there before the first call: an input, parameter or buffer."""
        return self._number(tensor, role, name)

    def stand_in(self, number: int, stride: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """A new tensor that stands for value `number`, in the storage that the value says; making it is not written down."""
        value = self.values[number]
        self._aside = True
        tensor = torch.empty_strided(value.shape, stride, dtype=dtype, device="meta")
        self._aside = False
        self._watch(tensor.untyped_storage(), value.storage)
        self._numbers[id(tensor)] = (number, weakref.ref(tensor))
        return tensor

    def close(self) -> None:
        """Forget the tensors, so that what is still alive counts as alive until the end."""
        for _, alive in self._places.values():
            storage = alive()
            del storage
        self._places.clear()
        self._kept.clear()

    def numbers_of(self, tree: Any) -> tuple[int, ...]:
        """Numbers of all tensors in nested lists, tuples, dicts and dataclasses."""
        if isinstance(tree, Tensor):
            return (self.read(tree),)
        return tuple(self.read(t) for t in tensors_in(tree))

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        kwargs = kwargs or {}
        if self._aside:
            return func(*args, **kwargs)
        op = self._ops.get(func) or self._describe(func)
        inputs: list[int] = []
        places = [False, False]
        noted = tuple([self._noted(arg, inputs, places) for arg in args])
        plain = {name: self._noted(value, inputs, places) for name, value in kwargs.items()} if kwargs else kwargs
        real, on_meta = places
        read = args
        if on_meta and real:
            read = _spelled_out(args) if op.selects else args
            args = tuple(self._as_meta(a) for a in read)
        elif not on_meta:
            kwargs = _made_real(func, args, kwargs)
        self.attempt = (op.name, tuple(inputs))
        out = self._run(func, op, read, args, kwargs)
        self.calls.append(self._call(op, noted, plain, tuple(inputs), read, out))
        self.attempt = ("", ())
        return out

    def _run(self, func: Any, op: _Op, read: tuple[Any, ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if op.written and isinstance(target := read[op.written[0]], Tensor) and self._is_foreign(target, args):
            return target
        if op.shortcut is not None and not kwargs and isinstance(args[0], Tensor) and args[0].is_meta:
            out = op.shortcut(*args)
            if out is not None:
                return out
        out = func(*args, **kwargs)
        if func not in _MET:  # its first use imports much, and leaves cycles of frames behind that keep our callers' tensors alive
            _MET.add(func)
            gc.collect(0)
        return out

    def _is_foreign(self, target: Tensor, args: tuple[Any, ...]) -> bool:
        """A real tensor that the model brought along, or one about to receive meta numbers: neither is written to."""
        return not target.is_meta and (any(isinstance(a, Tensor) and a.is_meta for a in args) or not self._is_ours(target))

    def _is_ours(self, tensor: Tensor) -> bool:
        known = self._numbers.get(id(tensor))
        return known is not None and self.values[known[0]].role == "activation"

    def _call(
        self, op: _Op, noted: tuple[Argument, ...], plain: dict[str, Argument], inputs: tuple[int, ...], read: tuple[Any, ...], out: Any
    ) -> Call:
        changed = [read[position] for position in op.written if position < len(read) and isinstance(read[position], Tensor)]
        for tensor in changed:
            self._numbers.pop(id(tensor), None)
        results = (out,) if isinstance(out, Tensor) else _tensors(out)
        outputs = tuple([self._number(t, "activation", "") for t in results])
        for tensor in changed:
            number = self._number(tensor, "activation", "")
            self.written[self.values[number].storage] = number
        return Call(op.name, self.open[-1], noted, plain, inputs, outputs, op.inplace)

    def _describe(self, func: Any) -> _Op:
        schema = func._schema
        full = func.overloadpacket.__name__
        written = tuple(i for i, a in enumerate(schema.arguments) if a.alias_info is not None and a.alias_info.is_write)
        inplace = full.endswith("_") and not full.endswith("__")
        space = schema.name.split("::")[0]
        name = (full[:-1] if inplace else full) if space == "aten" else f"{space}.{full}"
        op = _Op(name, written, inplace, SHORTCUTS.get(func), name in ("index", "index_put", "_unsafe_index"))
        self._ops[func] = op
        return op

    def _number(self, tensor: Tensor, role: str, name: str) -> int:
        known = self._numbers.get(id(tensor))
        if known is not None and known[1]() is tensor:
            return known[0]
        number = len(self.values)
        place = self._place(tensor, role)
        dtype = tensor.dtype
        self.values.append(Value(tuple(tensor.shape), str(dtype)[6:], dtype.itemsize, place, role, name))
        self._numbers[id(tensor)] = (number, weakref.ref(tensor))
        return number

    def read(self, tensor: Tensor) -> int:
        """The number of a tensor that is read; if another tensor wrote into the same memory meanwhile, that is noted first."""
        number = self._number(tensor, "constant", "")
        value = self.values[number]
        writer = self.written.get(value.storage)
        if writer is None or writer <= number:
            return number
        self._numbers.pop(id(tensor))
        updated = self._number(tensor, "activation", "")
        self.calls.append(Call("overwritten", self.open[-1], (Ref(number), Ref(writer)), {}, (number, writer), (updated,), False))
        return updated

    def _place(self, tensor: Tensor, role: str) -> int:
        try:
            storage = tensor.untyped_storage()
        except (RuntimeError, NotImplementedError):  # sparse and other tensors without a flat storage
            self.storages.append(Storage(tensor.numel() * tensor.dtype.itemsize, len(self.calls), None, role))
            return len(self.storages) - 1
        key = storage._cdata  # pyright: ignore[reportPrivateUsage] the only identity that storages have
        known = self._places.get(key)
        if known is not None and known[1]() is not None:
            return known[0]
        index = len(self.storages)
        born = -1 if role in ("input", "parameter", "buffer", "constant") else len(self.calls)
        self.storages.append(Storage(storage.nbytes(), born, None, role))
        self._watch(storage, index)
        return index

    def _watch(self, storage: Any, index: int) -> None:
        """Note when the memory that stands for storage `index` is freed."""
        key = storage._cdata
        self._places[key] = (index, weakref.ref(storage, lambda _: self._died(key, index)))

    def _died(self, key: int, index: int) -> None:
        known = self._places.get(key)
        if known is not None and known[0] == index:
            del self._places[key]
            self.storages[index].died = len(self.calls)

    def _as_meta(self, arg: Any) -> Any:
        if isinstance(arg, Tensor) and not arg.is_meta and arg.dim() > 0:
            known = self._stand_ins.get(id(arg))
            if known is None:
                known = torch.empty_strided(arg.shape, arg.stride(), dtype=arg.dtype, device="meta")
                self._kept.append(arg)
                self._stand_ins[id(arg)] = known
                self._numbers[id(known)] = (self._number(arg, "constant", ""), weakref.ref(known))
            return known
        if isinstance(arg, list | tuple):
            return type(arg)(self._as_meta(a) for a in arg)
        return arg

    def _noted(self, arg: Any, inputs: list[int], places: list[bool]) -> Argument:
        """An argument in numbers; tensors in it are added to `inputs`, and whether they are real or on meta to `places`."""
        if isinstance(arg, Tensor):
            places[arg.is_meta] = True
            number = Ref(self.read(arg))
            inputs.append(number)
            return number
        if isinstance(arg, list | tuple):
            return tuple([self._noted(a, inputs, places) for a in arg])
        return arg if isinstance(arg, int | float | str | bool | None) else str(arg)

    def _enter_module(self, module: nn.Module, args: Any) -> None:
        path = self.paths.get(id(module), "")
        self.scopes.append(Scope(path, type(module).__name__, self.open[-1], len(self.calls), self.numbers_of(args)))
        self.open.append(len(self.scopes) - 1)

    def _leave_module(self, module: nn.Module, args: Any, out: Any) -> None:
        scope = self.scopes[self.open.pop()]
        scope.outputs, scope.last = self.numbers_of(out), len(self.calls)


def is_alone() -> bool:
    """Whether nobody else watches every module or every call: hooks on all modules, other dispatch modes."""
    hooks = torch_module._global_forward_hooks, torch_module._global_forward_pre_hooks  # pyright: ignore[reportPrivateUsage]
    return not any(hooks) and _get_current_dispatch_mode() is None  # neither can be asked for in another way


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


def _tensors(results: Any) -> list[Tensor]:
    return [t for t in results if isinstance(t, Tensor)] if isinstance(results, list | tuple) else []


def _made_real(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """An index table or mask asked for on the meta device is made for real while it is small."""
    device = kwargs.get("device")
    if device is None or torch.device(device).type != "meta":
        return kwargs
    counting = func.overloadpacket.__name__ in ("arange", "linspace")
    if not counting and kwargs.get("dtype") not in _INTEGERS:
        return kwargs
    size = args[0] if args and isinstance(args[0], list | tuple) else ()
    count = 1
    for extent in size:
        count *= extent if isinstance(extent, int) else 1
    if counting:
        count = int(abs(args[-1])) + 1
    return kwargs if count > REAL_LIMIT else {**kwargs, "device": torch.device("cpu")}


_INTEGERS = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


def _spelled_out(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Real boolean masks among the indices as the positions they select, since a meta mask would select an unknown number."""
    indices: list[Any] = []
    for index in args[1]:
        if isinstance(index, Tensor) and not index.is_meta and index.dtype in (torch.bool, torch.uint8):
            indices += list(index.nonzero(as_tuple=True))
        else:
            indices.append(index)
    return args[0], indices, *args[2:]
