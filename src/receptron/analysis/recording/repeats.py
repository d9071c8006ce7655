"""A network is mostly one block many times over: each kind of block is recorded once, and its record written down again for its twins.

A record is played only for twins (see twins.py) whose inputs have the same shapes, and only if it shows that the block read nothing but
its inputs and what it owns, wrote to none of these, changed nothing of itself and left nothing behind but its output. Otherwise the
block runs as usual. The tape is the same either way.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from receptron.analysis.recording.layer_rules import LAYERS
from receptron.analysis.recording.parameters import Inventory, children_of
from receptron.analysis.recording.tape_builder import Draft
from receptron.analysis.recording.twins import Block, look
from receptron.analysis.tape import Argument, Call, Ref, Scope, Storage, Value

Run = Callable[..., Any]
Key = tuple[Hashable, ...]

SMALLEST = 5
"""Modules in a block that is worth the comparison."""


@dataclass(frozen=True)
class _Place:
    """How far the tape's lists reached at one moment."""

    calls: int
    values: int
    storages: int
    scopes: int


@dataclass(frozen=True)
class _Record:
    """What the tape says of one block between two moments, and what it needs to be played elsewhere."""

    start: _Place
    end: _Place
    scope: int
    outside: tuple[int, ...]  # values from outside: the inputs, then what the block owns
    members: tuple[int, ...]  # module of each scope, by its place among the members of the block
    output: int
    stride: tuple[int, ...]
    dtype: torch.dtype


class Repeats:
    """The blocks of a network that may have twins, and what was recorded of them during one forward pass."""

    def __init__(self, draft: Draft, owned: Inventory) -> None:
        self._draft = draft
        sizes = [(module, (type(module), owned.sizes[id(module)])) for module in owned.modules if id(module) in owned.sizes]
        often = Counter([size for _, size in sizes])
        self._likely = {id(module) for module, size in sizes if often[size] > 1 and size[1] >= SMALLEST and size[0] is not nn.Sequential}
        self._worth: dict[type[nn.Module], bool] = {}
        self._kinds: dict[Hashable, int] = {}
        self._records: dict[Key, _Record | None] = {}

    def knows(self, module: nn.Module) -> bool:
        """Whether the module is such a block; not if most of its layers need not run anyway, as the first block of its class shows."""
        if id(module) not in self._likely:
            return False
        kind = type(module)
        if kind not in self._worth:
            layers = [type(m) for m in module.modules() if not children_of(m)]
            self._worth[kind] = 4 * sum([layer in LAYERS for layer in layers]) < 3 * len(layers)
        return self._worth[kind]

    def forward(self, block: nn.Module, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What the block gives: from the record of a twin, or by `run`, which is recorded if there may be others like it."""
        inputs = (*args, *kwargs.values())
        asked = self._asked(inputs)
        if asked is None:
            self._worth[type(block)] = False
            return run(*args, **kwargs)
        looks = look(block)
        if looks is None:
            return run(*args, **kwargs)
        key = (self._kinds.setdefault(looks.kind, len(self._kinds)), tuple(kwargs), asked)
        owned = [*map(self._draft.read, looks.tensors)]
        outside = [*map(self._draft.read, _tensors(inputs)), *owned]
        if key not in self._records:
            return self._run(key, block, looks, outside, partial(run, *args, **kwargs))
        record = self._records[key]
        if record is None or any([self._draft.values[n].storage in self._draft.written for n in owned]):
            return run(*args, **kwargs)
        return self._play(record, looks, outside)

    def _asked(self, inputs: tuple[Any, ...]) -> Key | None:
        """Shapes of the inputs and which of them share memory; None if something else than meta tensors and plain values goes in."""
        numbers, storages, found = list[int](), list[int](), list[Hashable]()
        for value in inputs:
            if type(value) is Tensor and value.is_meta:
                numbers.append(self._draft.read(value))
                storages.append(self._draft.values[numbers[-1]].storage)
                alike = (numbers.index(numbers[-1]), storages.index(storages[-1]))
                found.append((tuple(value.shape), value.stride(), value.dtype, alike))
            elif value is None or type(value) in (bool, int, float, str):
                found.append((type(value), value))
            else:
                return None
        return (*found, torch.is_autocast_enabled("cpu"))

    def _run(self, key: Key, block: nn.Module, before: Block, outside: list[int], run: Callable[[], Any]) -> Any:
        draft = self._draft
        start, scope = _place(draft), draft.open[-1]
        out = run()
        plain = type(out) is Tensor and out.is_meta and out.storage_offset() == 0
        output = draft.read(out) if plain else -1
        end = _place(draft)
        paths = {draft.paths.get(id(module), ""): i for i, module in enumerate(before.members)}
        members = tuple([paths.get(s.path, -1) for s in draft.scopes[start.scopes : end.scopes]])
        whole = output >= start.values and -1 not in members and "" not in paths
        if whole and self._is_closed(start, end, frozenset(outside), output) and before.still(look(block)):
            self._records[key] = _Record(start, end, scope, tuple(outside), members, output, out.stride(), out.dtype)
        else:
            self._records[key] = None
        return out

    def _is_closed(self, start: _Place, end: _Place, outside: frozenset[int], output: int) -> bool:
        """Whether between two moments nothing came in but `outside`, none of it was written to, and nothing stays but the output."""
        draft = self._draft
        first = start.storages
        home = draft.values[output].storage
        calls, values = draft.calls[start.calls : end.calls], draft.values[start.values : end.values]
        return (
            home >= first
            and draft.storages[home].bytes == draft.values[output].numel * draft.values[output].bytes_each
            and all(n >= start.values or n in outside for call in calls for n in (*call.inputs, *call.outputs))
            and all(value.role == "activation" for value in values)
            and all(number < start.values for storage, number in draft.written.items() if storage < first)
            and all(draft.storages[i].died is not None for i in range(first, end.storages) if i != home)
            and all(draft.storages[draft.values[n].storage].died is None for n in outside)
        )

    def _play(self, record: _Record, block: Block, outside: list[int]) -> Tensor:
        draft, start, end = self._draft, record.start, record.end
        now = _place(draft)
        moved = _Moved(
            dict(zip(record.outside, outside, strict=True)),
            {draft.values[a].storage: draft.values[b].storage for a, b in zip(record.outside, outside, strict=True)},
            {record.scope: draft.open[-1]}, start, now,
        )  # fmt: skip
        paths = [draft.paths[id(module)] for module in block.members]
        scopes = zip(draft.scopes[start.scopes : end.scopes], record.members, strict=True)
        draft.scopes.extend([moved.scope(scope, paths[member]) for scope, member in scopes])
        draft.storages.extend([moved.storage(storage) for storage in draft.storages[start.storages : end.storages]])
        draft.values.extend([moved.value(value) for value in draft.values[start.values : end.values]])
        draft.calls.extend([moved.call(call) for call in draft.calls[start.calls : end.calls]])
        number, home = record.output + moved.values, draft.values[record.output].storage
        if home in draft.written:
            draft.written[home + moved.storages] = number
        return draft.output(number, record.stride, record.dtype)


class _Moved:
    """Parts of a record as they read when they are played: own numbers move on, those from outside become the twin's."""

    def __init__(self, numbers: Mapping[int, int], homes: Mapping[int, int], scopes: Mapping[int, int], start: _Place, now: _Place) -> None:
        self._numbers, self._homes, self._scopes, self._start = numbers, homes, scopes, start
        self.values, self.storages = now.values - start.values, now.storages - start.storages
        self._calls, self._deeper = now.calls - start.calls, now.scopes - start.scopes

    def scope(self, old: Scope, path: str) -> Scope:
        inputs, outputs = self._all(old.inputs), self._all(old.outputs)
        return Scope(path, old.kind, self._scope(old.parent), old.first + self._calls, inputs, outputs, old.last + self._calls)

    def storage(self, old: Storage) -> Storage:
        return Storage(old.bytes, old.born + self._calls, None if old.died is None else old.died + self._calls, old.role)

    def value(self, old: Value) -> Value:
        home = old.storage + self.storages if old.storage >= self._start.storages else self._homes[old.storage]
        return Value(old.shape, old.dtype, old.bytes_each, home, old.role, old.names, old.trainable)

    def call(self, old: Call) -> Call:
        args = tuple([self._argument(arg) for arg in old.args])
        kwargs = {name: self._argument(arg) for name, arg in old.kwargs.items()} if old.kwargs else old.kwargs
        return Call(old.op, self._scope(old.scope), args, kwargs, self._all(old.inputs), self._all(old.outputs), old.inplace)

    def _argument(self, arg: Argument) -> Argument:
        if type(arg) is Ref:
            return Ref(self._number(arg))
        return tuple([self._argument(part) for part in arg]) if type(arg) is tuple else arg

    def _number(self, old: int) -> int:
        return old + self.values if old >= self._start.values else self._numbers[old]

    def _all(self, old: tuple[int, ...]) -> tuple[int, ...]:
        return tuple([self._number(n) for n in old])

    def _scope(self, old: int) -> int:
        return old + self._deeper if old >= self._start.scopes else self._scopes[old]


def _place(draft: Draft) -> _Place:
    return _Place(len(draft.calls), len(draft.values), len(draft.storages), len(draft.scopes))


def _tensors(inputs: tuple[Any, ...]) -> list[Tensor]:
    return [value for value in inputs if isinstance(value, Tensor)]
