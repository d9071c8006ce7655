"""A network is mostly one block many times over: each kind of block is recorded once, and its record written down again for its twins.

A record is played only for twins (see twins.py) whose inputs have the same shapes, and only if it shows that the block read nothing but
its inputs and what it owns, wrote to none of these, changed nothing of itself and left nothing behind but its output. Otherwise the
block runs as usual. The tape is the same either way.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial, update_wrapper
from typing import Any

import torch
from torch import Tensor, nn

from receptron.analysis.recorder import Recorder
from receptron.analysis.tape import Argument, Call, Ref, Scope, Storage, Value
from receptron.analysis.twins import Twins

Run = Callable[..., Any]
Key = tuple[Hashable, ...]


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
    outside: tuple[int, ...]  # values from outside: the inputs, then what the block owns, in the order of `_outside`
    members: tuple[int, ...]  # module of each scope, numbered as `Twins.members` gives them
    output: int
    stride: tuple[int, ...]
    dtype: torch.dtype


class Repeats:
    """Stands before the forward of blocks that have twins, while one forward pass is recorded."""

    def __init__(self, recorder: Recorder, modules: Iterable[nn.Module]) -> None:
        self._recorder, self._twins = recorder, Twins(modules)
        self._records: dict[Key, _Record | None] = {}

    def watch(self) -> None:
        """Give each such block a forward of ours in its attributes; to be used inside `untouched`, which takes it away."""
        for block in self._twins.blocks:
            self._twins.stand_before(block, update_wrapper(partial(self._forward, block, block.forward), block.forward))

    def _forward(self, block: nn.Module, run: Run, *args: Any, **kwargs: Any) -> Any:
        kind = self._twins.kind(block)
        inputs = (*args, *kwargs.values())
        asked = self._asked(inputs) if kind is not None else None
        if kind is None or asked is None:
            return run(*args, **kwargs)
        key = (kind, tuple(kwargs), asked)
        if key not in self._records:
            return self._run(key, block, self._outside(block, inputs), partial(run, *args, **kwargs))
        record = self._records[key]
        if record is None:
            return run(*args, **kwargs)
        outside = self._outside(block, inputs)
        if any([self._recorder.values[n].storage in self._recorder.written for n in outside[len(_tensors(inputs)) :]]):
            return run(*args, **kwargs)
        return self._play(record, block, outside)

    def _asked(self, inputs: tuple[Any, ...]) -> Key | None:
        """Shapes of the inputs and which of them share memory; None if something else than meta tensors and plain values goes in."""
        numbers, storages, found = list[int](), list[int](), list[Hashable]()
        for value in inputs:
            if type(value) is Tensor and value.is_meta:
                numbers.append(self._recorder.read(value))
                storages.append(self._recorder.values[numbers[-1]].storage)
                alike = (numbers.index(numbers[-1]), storages.index(storages[-1]))
                found.append((tuple(value.shape), value.stride(), value.dtype, alike))
            elif value is None or type(value) in (bool, int, float, str):
                found.append((type(value), value))
            else:
                return None
        return (*found, torch.is_autocast_enabled("cpu"))

    def _outside(self, block: nn.Module, inputs: tuple[Any, ...]) -> list[int]:
        """Numbers of the inputs, then of all parameters and buffers in the order of the block's modules."""
        read = self._recorder.read
        owned = [
            read(tensor)
            for module in self._twins.members(block)
            for table in (vars(module)["_parameters"], vars(module)["_buffers"])
            for tensor in table.values()
            if tensor is not None
        ]
        return [*map(read, _tensors(inputs)), *owned]

    def _run(self, key: Key, block: nn.Module, outside: list[int], run: Callable[[], Any]) -> Any:
        recorder = self._recorder
        start, scope = _place(recorder), recorder.open[-1]
        out = run()
        plain = type(out) is Tensor and out.is_meta and out.storage_offset() == 0
        output = recorder.read(out) if plain else -1
        end = _place(recorder)
        paths = {recorder.paths.get(id(module), ""): i for i, module in enumerate(self._twins.members(block))}
        members = tuple([paths.get(s.path, -1) for s in recorder.scopes[start.scopes : end.scopes]])
        whole = output >= start.values and -1 not in members and "" not in paths
        if whole and self._is_closed(start, end, frozenset(outside), output) and self._twins.kind(block) == key[0]:
            self._records[key] = _Record(start, end, scope, tuple(outside), members, output, out.stride(), out.dtype)
        else:
            self._records[key] = None
        return out

    def _is_closed(self, start: _Place, end: _Place, outside: frozenset[int], output: int) -> bool:
        """Whether between two moments nothing came in but `outside`, none of it was written to, and nothing stays but the output."""
        recorder = self._recorder
        first = start.storages
        home = recorder.values[output].storage
        calls, values = recorder.calls[start.calls : end.calls], recorder.values[start.values : end.values]
        return (
            home >= first
            and recorder.storages[home].bytes == recorder.values[output].numel * recorder.values[output].bytes_each
            and all(n >= start.values or n in outside for call in calls for n in (*call.inputs, *call.outputs))
            and all(value.role == "activation" for value in values)
            and all(number < start.values for storage, number in recorder.written.items() if storage < first)
            and all(recorder.storages[i].died is not None for i in range(first, end.storages) if i != home)
            and all(recorder.storages[recorder.values[n].storage].died is None for n in outside)
        )

    def _play(self, record: _Record, block: nn.Module, outside: list[int]) -> Tensor:
        recorder, start, end = self._recorder, record.start, record.end
        now = _place(recorder)
        moved = _Moved(
            dict(zip(record.outside, outside, strict=True)),
            {recorder.values[a].storage: recorder.values[b].storage for a, b in zip(record.outside, outside, strict=True)},
            {record.scope: recorder.open[-1]}, start, now,
        )  # fmt: skip
        paths = [recorder.paths[id(module)] for module in self._twins.members(block)]
        scopes = zip(recorder.scopes[start.scopes : end.scopes], record.members, strict=True)
        recorder.scopes.extend([moved.scope(scope, paths[member]) for scope, member in scopes])
        recorder.storages.extend([moved.storage(storage) for storage in recorder.storages[start.storages : end.storages]])
        recorder.values.extend([moved.value(value) for value in recorder.values[start.values : end.values]])
        recorder.calls.extend([moved.call(call) for call in recorder.calls[start.calls : end.calls]])
        number, home = record.output + moved.values, recorder.values[record.output].storage
        if home in recorder.written:
            recorder.written[home + moved.storages] = number
        return recorder.stand_in(number, record.stride, record.dtype)


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
        return Value(old.shape, old.dtype, old.bytes_each, home, old.role, old.name)

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


def _place(recorder: Recorder) -> _Place:
    return _Place(len(recorder.calls), len(recorder.values), len(recorder.storages), len(recorder.scopes))


def _tensors(inputs: tuple[Any, ...]) -> list[Tensor]:
    return [value for value in inputs if isinstance(value, Tensor)]
