"""Writes every ATen call of a forward pass down, on the meta device.

Small constants that a network makes for itself (index tables, masks) stay real, so that code which looks at their numbers
still runs; as soon as they meet a meta tensor they are treated as one.
"""

import gc
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from receptron.analysis.recording.shape_rules import HARMLESS, SHORTCUTS, Shapes
from receptron.analysis.recording.tape_builder import Draft, empty
from receptron.analysis.tape import Argument, Call, Ref

REAL_LIMIT = 1 << 20
"""Numbers that a constant may have and still be made for real."""

_MET: set[Any] = set()
"""Operators that this process has run before."""
_SAME = {"_convolution": "convolution"}
"""Names under which traced programs ask for what others ask for under another name."""
_PLAIN = frozenset([int, float, bool, str, type(None)])
_EMPTY = torch.ops.aten.empty.memory_format


class _Op(NamedTuple):
    name: str
    written: tuple[int, ...]
    inplace: bool
    shortcut: Callable[..., Shapes | None] | None
    selects: bool


class Recorder(TorchDispatchMode):
    """Dispatch mode that fills a draft. Enter it around one forward pass."""

    def __init__(self, draft: Draft) -> None:
        super().__init__()
        self.draft = draft
        self.attempt: tuple[str, tuple[int, ...]] = ("", ())
        self._ops: dict[int, _Op] = {}  # by `id`: operators are never gone, and take long to hash

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Torch's own switch: nothing is compiled while recording, so its guard around every call is left out."""
        return False

    def ask(self, func: Any, x: Tensor, owned: tuple[Tensor | None, ...], settings: tuple[Any, ...], scope: int) -> Tensor | None:
        """Write a call down without running it, and give its output; None if it has to run, and nothing is written then.

        owned: tensors of the network after the first argument; settings: what comes after them, as the tape shows it; scope: who asks.
        """
        draft = self.draft
        op = self._ops.get(id(func)) or self._describe(func)
        shapes = None if draft.rewritten or op.shortcut is None else op.shortcut(x, *owned, *settings)
        if shapes is None:
            return None
        try:
            refs = [None if t is None else draft.owned[id(t)] for t in owned] if owned else ()
        except KeyError:  # a tensor that was put there meanwhile
            return None
        read = Ref(draft.read(x))
        inputs = (read, *[ref for ref in refs if ref is not None]) if refs else (read,)
        like = shapes[0] if shapes else None
        out, number = (x, draft.write(x)) if like is None else draft.made(like, x.dtype)
        draft.calls.append(Call(op.name, scope, (read, *refs, *settings), {}, inputs, (number,), op.inplace))
        return out

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        kwargs = kwargs or {}
        if func is _EMPTY and args[0] == [0]:  # room that batch norm reserves for other devices
            return func(*args, **kwargs)
        op = self._ops.get(id(func)) or self._describe(func)
        inputs: list[int] = []
        places = [False, False]
        noted = tuple([self._noted(arg, inputs, places) for arg in args])
        plain = {name: self._noted(value, inputs, places) for name, value in kwargs.items()} if kwargs else kwargs
        real, on_meta = places
        read = args
        if on_meta and real:
            read = _spelled_out(args) if op.selects else args
            args = tuple([self._as_meta(a) for a in read])
        elif not on_meta:
            kwargs = _made_real(func, args, kwargs)
        self.attempt = (op.name, tuple(inputs))
        out = self._run(func, op, read, args, kwargs)
        self.draft.calls.append(self._call(op, noted, plain, tuple(inputs), read, out))
        self.attempt = ("", ())
        return out

    def _run(self, func: Any, op: _Op, read: tuple[Any, ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if op.written and isinstance(target := read[op.written[0]], Tensor) and self._is_foreign(target, args):
            return target
        if op.shortcut is not None and kwargs.keys() <= HARMLESS:
            first: Any = args[0][0] if isinstance(args[0], list) and args[0] else args[0]
            shapes = op.shortcut(*args) if isinstance(first, Tensor) and first.is_meta else None
            if shapes is not None:
                made = [None if shape is None else empty(shape, first.dtype) for shape in shapes]
                return first if op.inplace else made[0] if len(made) == 1 else tuple(made)
        out = func(*args, **kwargs)
        if func not in _MET:  # its first use imports much, and leaves cycles of frames behind that keep our callers' tensors alive
            _MET.add(func)
            gc.collect(0)
        return out

    def _is_foreign(self, target: Tensor, args: tuple[Any, ...]) -> bool:
        """A real tensor that the model brought along, or one about to receive meta numbers: neither is written to."""
        return not target.is_meta and (any(isinstance(a, Tensor) and a.is_meta for a in args) or not self.draft.is_ours(target))

    def _call(
        self, op: _Op, noted: tuple[Argument, ...], plain: dict[str, Argument], inputs: tuple[int, ...], read: tuple[Any, ...], out: Any
    ) -> Call:
        number = self.draft.number
        for position in op.written:
            if position < len(read) and isinstance(read[position], Tensor):
                self.draft.write(read[position])
        results = (out,) if isinstance(out, Tensor) else _tensors(out)
        outputs = tuple([number(t, "activation") for t in results if t.numel()])  # what holds nothing is no value
        return Call(op.name, self.draft.open[-1], noted, plain, inputs, outputs, op.inplace)

    def _describe(self, func: Any) -> _Op:
        schema = func._schema
        full = func.overloadpacket.__name__
        written = tuple(i for i, a in enumerate(schema.arguments) if a.alias_info is not None and a.alias_info.is_write)
        inplace = full.endswith("_") and not full.endswith("__")
        space = schema.name.split("::")[0]
        name = (full[:-1] if inplace else full) if space == "aten" else f"{space}.{full}"
        name = _SAME.get(name, name)
        op = _Op(name, written, inplace, SHORTCUTS.get(func), name in ("index", "index_put", "_unsafe_index"))
        self._ops[id(func)] = op
        return op

    def _as_meta(self, arg: Any) -> Any:
        if isinstance(arg, Tensor):
            return arg if arg.is_meta or (arg.dim() == 0 and id(arg) not in self.draft.owned) else self.draft.stand_in(arg)
        if isinstance(arg, list | tuple):
            return type(arg)([self._as_meta(a) for a in arg])
        return arg

    def _noted(self, arg: Any, inputs: list[int], places: list[bool]) -> Argument:
        """An argument in numbers; tensors in it are added to `inputs`, and whether they are real or on meta to `places`.

        A tensor of the network itself is real and counts as one on meta.
        """
        if type(arg) in _PLAIN:
            return arg
        if isinstance(arg, Tensor):
            places[arg.is_meta] = True
            places[1] = places[1] or id(arg) in self.draft.owned
            number = Ref(self.draft.read(arg))
            inputs.append(number)
            return number
        if isinstance(arg, list | tuple):
            return tuple([self._noted(a, inputs, places) for a in arg])
        return arg if isinstance(arg, int | float | str | bool | None) else str(arg)


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
