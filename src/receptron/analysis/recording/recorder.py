"""Writes every ATen call of a forward pass down, on the meta device.

Small constants that a network makes for itself (index tables, masks) stay real, so that code which looks at their numbers
still runs; as soon as they meet a meta tensor they are treated as one.
"""

import gc
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from receptron.analysis.recording.copying.meta_copy import REAL_LIMIT
from receptron.analysis.recording.meta_answers import META, Effect, ask, effect_of
from receptron.analysis.recording.refusals import CHECKS, Check
from receptron.analysis.recording.shape_rules import RULES, Rule
from receptron.analysis.recording.tape_builder import TapeBuilder
from receptron.analysis.tape import Argument, Call, Ref

LARGEST = 1 << 22
"""Numbers that a table may have and be real."""
LEAST = 64
"""Numbers of a table that is always real, as those are that decide what a network does."""
ROOM = 1 << 27
"""Numbers that all larger ones may have together."""
_MET: set[Any] = set()
"""Operators that this process has run before."""
_SAME = {"_convolution": "convolution"}
"""Names under which traced programs ask for what others ask for under another name."""
READS = frozenset(["_pack_padded_sequence", "_pad_packed_sequence"])
"""Operators that read numbers of theirs, such as lengths, which then stay real."""
_PLAIN = frozenset([int, float, bool, str, type(None)])


class _Op(NamedTuple):
    name: str
    written: tuple[tuple[int, str], ...]
    inplace: bool
    effect: Effect
    rule: Rule | None
    check: Check | None
    selects: bool


_OPS: dict[int, _Op] = {}
"""By `id`: operators are never gone, and take long to hash."""


def _describe(func: Any) -> _Op:
    schema = func._schema
    full = func.overloadpacket.__name__
    written = tuple([(i, a.name) for i, a in enumerate(schema.arguments) if a.alias_info is not None and a.alias_info.is_write])
    inplace = full.endswith("_") and not full.endswith("__")
    space = schema.name.split("::")[0]
    name = (full[:-1] if inplace else full) if space == "aten" else f"{space}.{full}"
    name = _SAME.get(name, name)
    op = _Op(name, written, inplace, effect_of(func), RULES.get(func), CHECKS.get(name), name in ("index", "index_put", "_unsafe_index"))
    _OPS[id(func)] = op
    return op


class Recorder(TorchDispatchMode):
    """Dispatch mode that fills a tape. Enter it around one forward pass."""

    def __init__(self, builder: TapeBuilder) -> None:
        super().__init__()
        self.builder = builder
        self.room = ROOM
        self.attempt: tuple[str, tuple[int, ...]] = ("", ())

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Torch's own switch: nothing is compiled while recording, so its guard around every call is left out."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        kwargs = given = kwargs or {}
        op = _OPS.get(id(func)) or _describe(func)
        if op.name == "empty" and args[0] == [0]:  # room that batch norm reserves for other devices
            return func(*args, **kwargs)
        inputs: list[int] = []
        kinds = [False, False]
        noted = tuple([self._noted(arg, inputs, kinds) for arg in args])
        plain = {name: self._noted(value, inputs, kinds) for name, value in kwargs.items()} if kwargs else kwargs
        real, on_meta = kinds
        read = args
        if on_meta and real and op.name not in READS:
            read = _spelled_out(args) if op.selects else args
            plain = plain | _places(op.name, read)
            args = tuple([self._as_meta(a) for a in read])
            kwargs = {name: self._as_meta(value) for name, value in kwargs.items()}
        elif not on_meta:
            kwargs = _made_real(func, args, kwargs)
            if op.effect is Effect.GIVES and not self._has_room(func, args, kwargs):
                args, kwargs = self._without_numbers(func, args, kwargs)
        self.attempt = (op.name, tuple(inputs))
        if op.check is not None and on_meta:
            op.check(*args)  # settings by name alone decide none of it
        targets = _targets(op, read, given) if op.written else []
        foreign = targets[0] if targets and self._is_foreign(targets[0], on_meta) else None
        stands_in = bool(args) and isinstance(args[0], Tensor) and args[0].is_meta  # and may be written to
        out = self._run(func, op, args, kwargs) if foreign is None or stands_in else foreign
        out = out if foreign is None else foreign
        for target in targets:
            self.builder.write(target)
        results = (out,) if isinstance(out, Tensor) else _tensors(out)
        outputs = tuple([self.builder.number(t, "activation") for t in results if t.numel()])  # what holds nothing is no value
        self.builder.calls.append(Call(op.name, self.builder.open[-1], noted, plain, tuple(inputs), outputs, op.inplace))
        self.attempt = ("", ())
        return out

    def _run(self, func: Any, op: _Op, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if op.rule is not None and args[0].is_meta and not kwargs and (out := op.rule(*args)) is not None:
            return out
        out = func(*args, **kwargs) if op.effect is Effect.OTHER else ask(func, op.effect, args, kwargs)
        if func not in _MET:  # its first use imports much, and leaves cycles of frames behind that keep our callers' tensors alive
            _MET.add(func)
            gc.collect(0)
        return out

    def _is_foreign(self, target: Tensor, on_meta: bool) -> bool:
        """A real tensor that came from outside, or one about to receive meta numbers: neither is written to."""
        return not target.is_meta and (on_meta or not self.builder.is_ours(target))

    def _as_meta(self, arg: Any) -> Any:
        if isinstance(arg, Tensor):
            return arg if arg.is_meta or (arg.dim() == 0 and id(arg) not in self.builder.owned) else self.builder.stand_in(arg)
        if isinstance(arg, list | tuple):
            return type(arg)([self._as_meta(a) for a in arg])
        return arg

    def _has_room(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Whether a result may be real; tables of tables would soon ask for more memory than there is."""
        count = max(_room(func, args, kwargs), 0)
        if count <= LEAST:
            return True
        self.room -= count
        return count <= LARGEST and self.room >= 0

    def _without_numbers(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments on meta, scalars too, and the results with them."""
        kwargs = {name: self._as_shape(value) for name, value in kwargs.items()}
        if any(argument.name == "device" for argument in func._schema.arguments):
            kwargs["device"] = META
        return tuple([self._as_shape(a) for a in args]), kwargs

    def _as_shape(self, arg: Any) -> Any:
        if isinstance(arg, Tensor):
            return self.builder.stand_in(arg)
        return type(arg)([self._as_shape(a) for a in arg]) if isinstance(arg, list | tuple) else arg

    def _noted(self, arg: Any, inputs: list[int], kinds: list[bool]) -> Argument:
        """An argument in numbers; tensors in it are added to `inputs`, and whether they are real or on meta to `kinds`.

        A tensor of the network itself is real and counts as one on meta.
        """
        if type(arg) in _PLAIN:
            return arg
        if isinstance(arg, Tensor):
            kinds[arg.is_meta] = True
            kinds[1] = kinds[1] or id(arg) in self.builder.owned
            number = Ref(self.builder.read(arg))
            inputs.append(number)
            return number
        if isinstance(arg, list | tuple):
            return tuple([self._noted(a, inputs, kinds) for a in arg])
        return arg if isinstance(arg, int | float | str | bool | None) else str(arg)


def _targets(op: _Op, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Tensor]:
    """The tensors that a call writes to."""
    given = [args[index] if index < len(args) else kwargs.get(name) for index, name in op.written]
    return [target for target in given if isinstance(target, Tensor)]


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
    return kwargs if not 0 <= _room(func, args, kwargs) <= REAL_LIMIT else {**kwargs, "device": torch.device("cpu")}


def _room(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    """Numbers in the largest result of a call, asked of the meta device; -1 where that depends on numbers."""
    named = {name: _shapes_of(value) for name, value in kwargs.items()}
    if any(argument.name == "device" for argument in func._schema.arguments):
        named["device"] = META
    try:
        out = func(*_shapes_of(args), **named)
    except (NotImplementedError, RuntimeError):
        return -1
    return max((t.numel() for t in ((out,) if isinstance(out, Tensor) else _tensors(out))), default=0)


def _shapes_of(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.to("meta")
    return type(value)([_shapes_of(item) for item in value]) if type(value) in (list, tuple) else value


_INTEGERS = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


def _places(op: str, args: tuple[Any, ...]) -> dict[str, Any]:
    """Dimension and places that rows are taken from, where their numbers are there: of one line of them."""
    if op == "index_select":
        dim, index = args[1], args[2]
    elif op == "index" and len(asked := [(d, i) for d, i in enumerate(args[1]) if i is not None]) == 1:
        dim, index = asked[0]
    else:
        return {}
    known = isinstance(index, Tensor) and not index.is_meta and index.dim() == 1 and index.dtype in (torch.int64, torch.int32)
    return {"places": (dim, tuple(index.tolist()))} if known else {}


def _spelled_out(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Real boolean masks among the indices as the positions they select, since a meta mask would select an unknown number."""
    indices: list[Any] = []
    for index in args[1]:
        if isinstance(index, Tensor) and not index.is_meta and index.dtype in (torch.bool, torch.uint8):
            indices += list(index.nonzero(as_tuple=True))
        else:
            indices.append(index)
    return args[0], indices, *args[2:]
