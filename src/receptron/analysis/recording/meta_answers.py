"""What an operator gives on the meta device, asked of torch once for each combination of operands and settings.

Torch works many of these answers out in Python, which takes up to two milliseconds each; networks ask the same again and again.
"""

from enum import Enum
from typing import Any, NamedTuple

import torch
from torch import Tensor

from receptron.analysis.recording.tape_builder import storage_id

META = torch.device("meta")
_PLAIN = frozenset([int, float, bool, str, type(None), torch.dtype, torch.device, torch.layout, torch.memory_format])


class Effect(Enum):
    """What an operator does by its schema: give tensors of its own, write into its first argument, or anything else."""

    GIVES = "gives"
    WRITES = "writes"
    OTHER = "other"


def effect_of(func: Any) -> Effect:
    """By the schema, which tells what is written to and what the results share memory with."""
    arguments, returns = func._schema.arguments, func._schema.returns
    shared = [a.alias_info for a in arguments if a.alias_info is not None]
    if not shared and all([r.alias_info is None for r in returns]):
        return Effect.GIVES
    first = arguments[0].alias_info
    alone = len(shared) == len(returns) == 1 and first is not None and first.is_write
    return Effect.WRITES if alone and torch.Tag.inplace_view not in func.tags else Effect.OTHER


class _Made(NamedTuple):
    """A tensor that lies in a storage of its own."""

    shape: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype


class _Answer(NamedTuple):
    """The tensors that were made, None for those that were not wanted; whether the first argument came back."""

    made: tuple[_Made | None, ...]
    several: bool = False
    first: bool = False


_KNOWN: dict[Any, _Answer | None] = {}
"""Answers to all recordings of the process: a question holds everything that an answer depends on."""
LIMIT = 1 << 14
"""Answers that are kept before all are forgotten."""


def ask(func: Any, effect: Effect, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What an operator returns whose effect is known; if it writes, nothing else is to be done."""
    try:
        key: Any = (id(func), torch.get_default_dtype(), *map(_key, args), *[(name, _key(value)) for name, value in kwargs.items()])
    except _Untold:
        return func(*args, **kwargs)
    answer = _KNOWN.get(key)
    if answer is None:
        out = func(*args, **kwargs)
        if key not in _KNOWN:
            if len(_KNOWN) >= LIMIT:
                _KNOWN.clear()
            _KNOWN[key] = _answer(effect, args, out)
        return out
    if answer.first:
        return args[0]
    if not answer.several:
        shape, stride, dtype = answer.made[0]  # pyright: ignore[reportGeneralTypeIssues] one alone is always wanted
        return torch.empty_strided(shape, stride, dtype=dtype, device=META)
    return tuple([m if m is None else torch.empty_strided(m.shape, m.stride, dtype=m.dtype, device=META) for m in answer.made])


class _Untold(Exception):
    """An argument that an answer may depend on in a way that is not known."""


def _key(value: Any) -> Any:
    kind = type(value)
    if kind in _PLAIN:
        return kind, value
    if isinstance(value, Tensor):
        if not value.is_meta or value.layout is not torch.strided or value.dtype.is_complex or kind not in _TENSORS:
            raise _Untold
        return value.shape, value.stride(), value.dtype
    if kind is list or kind is tuple:
        return tuple([_key(item) for item in value])
    raise _Untold


_TENSORS = (Tensor, torch.nn.Parameter)


def _answer(effect: Effect, args: tuple[Any, ...], out: Any) -> _Answer | None:
    """What came out, if it can be made again from shapes alone."""
    if effect is Effect.WRITES:
        return _Answer((), first=True) if out is args[0] else None
    several = isinstance(out, tuple)
    results: tuple[Any, ...] = out if several else (out,)
    homes = {storage_id(t) for arg in args for t in (arg if isinstance(arg, list | tuple) else [arg]) if isinstance(t, Tensor)}
    made: list[_Made | None] = []
    for t in results:
        if t is None and several:
            made.append(None)
            continue
        if type(t) is not Tensor or not t.is_meta or t.layout is not torch.strided or storage_id(t) in homes:
            return None
        again = torch.empty_strided(t.shape, t.stride(), dtype=t.dtype, device=META)
        if t.storage_offset() or again.untyped_storage().nbytes() != t.untyped_storage().nbytes():
            return None
        homes.add(storage_id(t))
        made.append(_Made(tuple(t.shape), t.stride(), t.dtype))
    return _Answer(tuple(made), several)
