"""A network's double: modules, attributes and hooks of its own, and tensors that a rule gives in place of the network's.

What is copied is what `copy.deepcopy` copies, by the same protocols, and beyond it what leads back to the live network: the
variables of functions that are kept in it, weak references, methods of built-in objects. Nothing of the network is written to.
What cannot be copied is told with its place.

>>> from torch import nn
>>> net = nn.Linear(2, 2)
>>> double = doubled(net, lambda tensor, owned: tensor)
>>> double is net, double.weight is net.weight
(False, True)
"""

import copyreg
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from enum import Enum
from types import BuiltinFunctionType, CellType, EllipsisType, FunctionType, MethodType, ModuleType, NoneType, NotImplementedType
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.fx import Graph, GraphModule
from torch.utils._pytree import TreeSpec

from receptron.analysis.recording.parameters import places_in, tables_of
from receptron.errors import Uncopyable

Twin = Callable[[Tensor, bool], Tensor]
"""From a tensor, and whether a module owns it as parameter or buffer, to what stands in its place. Raises: ValueError."""

_ATOMS: frozenset[type] = frozenset(
    (
        *(NoneType, int, float, bool, complex, str, bytes, range, slice, type, property, EllipsisType, NotImplementedType),
        *(torch.dtype, torch.device, torch.layout, torch.memory_format, torch.Size, torch.jit.ScriptFunction, ContextVar),
    )
)
"""Kinds that hold nothing else, or nothing that changes."""
_ALWAYS_ATOMS = (type, ModuleType, Enum, Graph, TreeSpec)
"""Classes whose every kind is one; a traced program is run from the code that was made of its graph, by the specs of its inputs."""
_TABLES = ("_parameters", "_buffers", "_modules")
_STATES = {nn.Module.__getstate__, nn.RNNBase.__getstate__}
"""Ways of telling a module's state that leave out nothing but caches."""
_MISSING = object()


def doubled(net: nn.Module, twin: Twin) -> nn.Module:
    """The double of a network; what is shared in the network is shared in its double. Raises: Uncopyable."""
    doubler = _Doubler(twin)
    try:
        doubler.adopt(net)
        made = doubler.copied(net)
        _refuse_live(net, made)
    except _Stuck as stuck:
        raise _uncopyable(net, stuck) from stuck
    except RecursionError as error:
        raise _uncopyable(net, _Stuck("it is nested too deep")) from error
    return made


class _Stuck(Exception):
    """Something has no copy; the steps to it are added on the way out."""

    def __init__(self, reason: str, *steps: str) -> None:
        super().__init__(reason)
        self.reason, self.steps = reason, [*steps]


class _Doubler:
    """One copy in the making. `memo` is as `copy.deepcopy` keeps it, for objects that copy themselves."""

    def __init__(self, twin: Twin) -> None:
        self.memo: dict[int, Any] = {}
        self._twin = twin
        self._kept: list[Any] = []  # what exists for the copy alone, whose `id` must not be given away
        self._ways: dict[type, Callable[[Any], Any]] = {
            dict: self._dict, OrderedDict: self._ordered, list: self._list, tuple: self._tuple, set: self._set, frozenset: self._set,
            FunctionType: self._function, MethodType: self._method, BuiltinFunctionType: self._builtin,
            weakref.ReferenceType: self._reference,
        }  # fmt: skip

    def adopt(self, net: nn.Module) -> None:
        """Give what the network owns its twins first, wherever else it is held."""
        for path, module in places_in(net):
            for table in tables_of(module):
                for name, tensor in list(table.items()):
                    if tensor is not None and id(tensor) not in self.memo:
                        try:
                            self._tensor(tensor, owned=True)
                        except _Stuck as stuck:
                            stuck.steps += [f".{name}", *([f".{path}"] if path else [])]
                            raise

    def copied(self, value: Any) -> Any:
        """The copy of anything."""
        kind = type(value)
        if kind in _ATOMS:
            return value
        known = self.memo.get(id(value), _MISSING)
        if known is not _MISSING:
            return known
        way = self._ways.get(kind)
        if way is None:
            way = self._ways[kind] = self._way(kind)
        made = self.memo[id(value)] = way(value)
        return made

    def _way(self, kind: type) -> Callable[[Any], Any]:
        if issubclass(kind, Tensor):
            return self._tensor
        if issubclass(kind, _ALWAYS_ATOMS):
            return _same
        if issubclass(kind, nn.Module):
            if kind.__name__ == "OptimizedModule" and kind.__module__.startswith("torch._dynamo"):
                return self._uncompiled
            if issubclass(kind, GraphModule):
                return self._program
            if _is_plain(kind):
                return self._module
        return self._by_itself if hasattr(kind, "__deepcopy__") else self._rebuilt

    def _tensor(self, tensor: Tensor, owned: bool = False) -> Tensor:
        try:
            made = self._twin(tensor, owned)
        except (ValueError, RuntimeError, NotImplementedError) as error:
            raise _Stuck(_told(error)) from error
        self.memo[id(tensor)] = made
        if made is not tensor and type(made) is type(tensor) and tensor.__dict__:
            vars(made).update(self._named(vars(tensor)))
        return made

    def _module(self, module: nn.Module) -> nn.Module:
        made = self.memo[id(module)] = object.__new__(type(module))  # a program's class would make a new class first
        own = made.__dict__
        name = ""
        try:
            for name, value in module.__dict__.copy().items():
                own[name] = self._named(value) if name in _TABLES else self.copied(value)
        except _Stuck as stuck:
            stuck.steps += [] if name in _TABLES else [f".{name}"]
            raise
        if isinstance(made, nn.DataParallel):
            made.device_ids = []  # it would send its input to devices
        return made

    def _program(self, module: GraphModule) -> nn.Module:
        """A traced program, which keeps notes on its nodes that running it does not read."""
        self.memo[id(module.meta)] = module.meta
        return self._module(module)

    def _uncompiled(self, module: nn.Module) -> nn.Module:
        """What torch.compile wraps."""
        return self.copied(module._modules["_orig_mod"])  # pyright: ignore[reportPrivateUsage]

    def _named(self, table: Mapping[str, Any]) -> dict[str, Any]:
        """A dict whose keys are names of attributes."""
        made: dict[str, Any] = {}
        name = ""
        try:
            for name, value in dict(table).items():
                made[name] = self.copied(value)
        except _Stuck as stuck:
            stuck.steps.append(f".{name}")
            raise
        return made

    def _dict(self, value: dict[Any, Any]) -> dict[Any, Any]:
        return self._filled({}, value)

    def _ordered(self, value: "OrderedDict[Any, Any]") -> dict[Any, Any]:
        return self._filled(OrderedDict(), value) if value else OrderedDict()

    def _filled(self, made: dict[Any, Any], value: dict[Any, Any]) -> dict[Any, Any]:
        self.memo[id(value)] = made
        key = None
        try:
            for key, item in value.copy().items():
                made[self.copied(key)] = self.copied(item)
        except _Stuck as stuck:
            stuck.steps.append(f"[{key!r}]" if type(key) in _ATOMS else "[...]")
            raise
        return made

    def _list(self, value: list[Any]) -> list[Any]:
        made: list[Any] = []
        self.memo[id(value)] = made
        self._added(made, value.copy())
        return made

    def _tuple(self, value: tuple[Any, ...]) -> tuple[Any, ...]:
        if all([type(item) in _ATOMS for item in value]):
            return value
        items: list[Any] = []
        self._added(items, value)
        return self.memo.get(id(value)) or tuple(items)  # it may hold itself, by way of something that changes

    def _set(self, value: Any) -> Any:
        items: list[Any] = []
        self._added(items, value.copy())
        return type(value)(items)

    def _added(self, made: list[Any], value: Iterable[Any]) -> None:
        try:
            for item in value:
                made.append(self.copied(item))
        except _Stuck as stuck:
            stuck.steps.append(f"[{len(made)}]")
            raise

    def _function(self, function: FunctionType) -> Any:
        original = getattr(function, "_torchdynamo_orig_callable", None)
        if original is not None:  # what torch.compile wraps
            return self.copied(original)
        if not function.__closure__ and not function.__defaults__:
            return function
        closure = function.__closure__ or ()
        fresh = {name: cell for name, cell in zip(function.__code__.co_freevars, closure, strict=True) if id(cell) not in self.memo}
        cells = tuple([self.memo.setdefault(id(cell), CellType()) for cell in closure])
        made = FunctionType(function.__code__, function.__globals__, function.__name__, None, cells)
        self.memo[id(function)] = made
        made.__kwdefaults__, made.__qualname__, made.__doc__ = function.__kwdefaults__, function.__qualname__, function.__doc__
        made.__module__, made.__annotations__ = function.__module__, function.__annotations__
        made.__defaults__ = self.copied(function.__defaults__)
        made.__dict__.update(function.__dict__)
        for name, cell in fresh.items():
            try:
                self.memo[id(cell)].cell_contents = self.copied(cell.cell_contents)
            except _Stuck as stuck:
                stuck.steps.append(f" (variable {name} of {function.__qualname__})")
                raise
            except ValueError:  # nothing was put there yet
                continue
        return made

    def _method(self, method: MethodType) -> MethodType:
        return MethodType(method.__func__, self.copied(method.__self__))

    def _builtin(self, function: BuiltinFunctionType) -> Any:
        """A built-in function, or a method of a built-in object, such as a list's `append`."""
        owner: Any = function.__self__
        return function if owner is None or isinstance(owner, ModuleType | type) else getattr(self.copied(owner), function.__name__)

    def _reference(self, reference: "weakref.ReferenceType[Any]") -> Any:
        target = reference()
        return reference if target is None else weakref.ref(self.copied(target))

    def _by_itself(self, value: Any) -> Any:
        try:
            return value.__deepcopy__(self.memo)
        except Exception as error:  # what others wrote may raise anything
            raise _Stuck(_told(error)) from error

    def _rebuilt(self, value: Any) -> Any:
        """By the protocol of `pickle`, as `copy` does it."""
        reduce = copyreg.dispatch_table.get(type(value))
        try:
            parts: Any = reduce(value) if reduce else value.__reduce_ex__(4)
            if isinstance(parts, str):
                return value
            self._kept.append(parts)
            make, args, *rest = parts
            state, items, pairs = (*rest, None, None, None)[:3]
            made = self.memo[id(value)] = make(*[self.copied(arg) for arg in args])
            if state is not None:
                self._restore(made, self._named(cast(dict[str, Any], state)) if type(state) is dict else self.copied(state))
            for item in items or ():
                made.append(self.copied(item))
            for key, item in pairs or ():
                made[self.copied(key)] = self.copied(item)
        except (_Stuck, RecursionError):
            raise
        except Exception as error:  # what others wrote may raise anything
            raise _Stuck(_told(error)) from error
        return made

    def _restore(self, made: Any, state: Any) -> None:
        if hasattr(made, "__setstate__"):
            made.__setstate__(state)
            return
        attributes, slots = state if isinstance(state, tuple) else (state, None)
        if attributes:
            made.__dict__.update(attributes)
        for name, value in (slots or {}).items():
            setattr(made, name, value)


def _is_plain(kind: type[nn.Module]) -> bool:
    """Whether the attributes of its modules are all there is to copy."""
    own = hasattr(kind, "__deepcopy__") or kind.__reduce_ex__ is not object.__reduce_ex__ or kind.__reduce__ is not object.__reduce__
    return not own and kind.__getstate__ in _STATES and not any([vars(part).get("__slots__") for part in kind.__mro__])


def _refuse_live(net: nn.Module, made: nn.Module) -> None:
    live = {id(module) for _, module in places_in(net)}
    for path, module in places_in(made):
        if id(module) in live:
            raise _Stuck(f"__deepcopy__ of {type(module).__name__} gives the module itself", f".{path}")


def _uncopyable(net: nn.Module, stuck: _Stuck) -> Uncopyable:
    return Uncopyable(
        f"{type(net).__name__}{''.join(reversed(stuck.steps))} cannot be copied, and a network is only recorded on a copy.",
        why=stuck.reason,
        mend="keep it out of the network, or give a function that makes the network: record(lambda: Net(), ...)",
    )


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"


def _same(value: Any) -> Any:
    return value
