"""Copies of any object, deep, by the protocols of `copy.deepcopy`; of what leads back to the copied too.

Beyond what `copy.deepcopy` copies: the variables of functions, weak references, methods of built-in objects. What has no copy is told
with the steps to it.
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
from torch.fx import Graph
from torch.utils._pytree import TreeSpec

ATOMS: frozenset[type] = frozenset(
    (
        *(NoneType, int, float, bool, complex, str, bytes, range, slice, type, property, EllipsisType, NotImplementedType),
        *(torch.dtype, torch.device, torch.layout, torch.memory_format, torch.Size, torch.jit.ScriptFunction, ContextVar),
    )
)
"""Kinds that hold nothing else, or nothing that changes."""
_ALWAYS_ATOMS = (type, ModuleType, Enum, Graph, TreeSpec)
"""Classes whose every kind is one; a traced program is run from the code that was made of its graph, by the specs of its inputs."""
_MISSING = object()


class Stuck(Exception):
    """Something has no copy; the steps to it are added on the way out."""

    def __init__(self, reason: str, *steps: str) -> None:
        super().__init__(reason)
        self.reason, self.steps = reason, [*steps]


class DeepCopier:
    """One copy in the making. `memo` is as `copy.deepcopy` keeps it, for objects that copy themselves."""

    def __init__(self) -> None:
        self.memo: dict[int, Any] = {}
        self._kept: list[Any] = []  # what exists for the copy alone, whose `id` must not be given away
        self._ways: dict[type, Callable[[Any], Any]] = {
            dict: self._dict, OrderedDict: self._ordered, list: self._list, tuple: self._tuple, set: self._set, frozenset: self._set,
            FunctionType: self._function, MethodType: self._method, BuiltinFunctionType: self._builtin,
            weakref.ReferenceType: self._reference,
        }  # fmt: skip

    def copied(self, value: Any) -> Any:
        """The copy of anything."""
        kind = type(value)
        if kind in ATOMS:
            return value
        known = self.memo.get(id(value), _MISSING)
        if known is not _MISSING:
            return known
        way = self._ways.get(kind)
        if way is None:
            way = self._ways[kind] = self.way(kind)
        made = self.memo[id(value)] = way(value)
        return made

    def way(self, kind: type) -> Callable[[Any], Any]:
        """How a kind of objects is copied that is not built in."""
        if issubclass(kind, _ALWAYS_ATOMS):
            return _same
        return self.by_itself if hasattr(kind, "__deepcopy__") else self.rebuilt

    def named(self, table: Mapping[str, Any]) -> dict[str, Any]:
        """A dict whose keys are names of attributes."""
        made: dict[str, Any] = {}
        name = ""
        try:
            for name, value in dict(table).items():
                made[name] = self.copied(value)
        except Stuck as stuck:
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
        except Stuck as stuck:
            stuck.steps.append(f"[{key!r}]" if type(key) in ATOMS else "[...]")
            raise
        return made

    def _list(self, value: list[Any]) -> list[Any]:
        made: list[Any] = []
        self.memo[id(value)] = made
        self._added(made, value.copy())
        return made

    def _tuple(self, value: tuple[Any, ...]) -> tuple[Any, ...]:
        if all([type(item) in ATOMS for item in value]):
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
        except Stuck as stuck:
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
            except Stuck as stuck:
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

    def by_itself(self, value: Any) -> Any:
        """By the method that its class has for it."""
        try:
            return value.__deepcopy__(self.memo)
        except Exception as error:  # what others wrote may raise anything
            raise Stuck(reason_of(error)) from error

    def rebuilt(self, value: Any) -> Any:
        """By the protocol of pickling, as Python's own deep copies are made."""
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
                self._restore(made, self.named(cast(dict[str, Any], state)) if type(state) is dict else self.copied(state))
            for item in items or ():
                made.append(self.copied(item))
            for key, item in pairs or ():
                made[self.copied(key)] = self.copied(item)
        except (Stuck, RecursionError):
            raise
        except Exception as error:  # what others wrote may raise anything
            raise Stuck(reason_of(error)) from error
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


def reason_of(error: Exception) -> str:
    """An exception as one line."""
    return f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"


def _same(value: Any) -> Any:
    return value
