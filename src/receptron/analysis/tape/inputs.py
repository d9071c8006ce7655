"""What goes into a network that is recorded: sizes, tensors and plain values, in tuples and dicts, tensors on the meta device.

Small tensors of whole numbers keep their numbers: lengths, indices and positions are looked at.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from receptron.errors import BadValue

KEPT = 4096
"""Whole numbers that a tensor may have and keep."""
Inputs = Tensor | Sequence[Any] | Mapping[str, Any]


@dataclass(frozen=True)
class Feed:
    """Positional and named arguments of a forward pass."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def feed(net: nn.Module, inputs: Inputs, batch: int = 1) -> Feed:
    """Turn `inputs` into the arguments of `net`.

    A size such as (3, 224, 224) becomes one tensor (batch, 3, 224, 224) of the network's type; a tensor goes in by its shape;
    a list or tuple of these are several arguments, a dict named ones. Beside tensors, numbers and tuples of numbers stay what they are.
    Raises: BadValue for anything else.
    """
    if isinstance(inputs, Tensor):
        return Feed((_tensor(inputs),), {})
    dtype = next((p.dtype for p in net.parameters() if p.is_floating_point()), torch.float32)
    if _is_size(inputs):
        return Feed((_of_size(cast(Sequence[int], inputs), batch, dtype),), {})
    sized = None if _has_tensor(inputs) else _Sized(batch, dtype)
    if isinstance(inputs, Mapping):
        return Feed((), {name: _given(value, sized) for name, value in inputs.items()})
    if inputs and not isinstance(inputs, str):
        return Feed(tuple(_given(value, sized) for value in inputs), {})
    raise BadValue(f"{inputs!r} is not an input.", mend="give a size such as (3, 224, 224), a tensor, or a list or dict of these")


def parse_size(text: str) -> tuple[int, ...]:
    """`3x224x224` as (channels, height, width), or `224` as (3, 224, 224). Raises: BadValue."""
    parts = text.lower().replace(",", "x").split("x")
    if not all(part.strip().isdigit() and int(part) > 0 for part in parts):
        raise BadValue(f"--size {text!r} is not a size.", mend="write channels x height x width, as in 3x224x224")
    numbers = tuple(int(part) for part in parts)
    match numbers:
        case (pixels,):
            return 3, pixels, pixels
        case (height, width):
            return 3, height, width
        case _:
            return numbers


def parse_input(text: str) -> tuple[str, Any]:
    """One argument as it is typed. Without a name it goes by its place.

    `x=1x3x64x64` is a tensor of that shape, batch included, `ids=int64:1x128` one of that type, `size=int:32` and `sizes=ints:4,4` are
    plain numbers, `flag=bool:true` and `mode=str:mean` what they say.

    Returns: name, empty where there is none, and value. Raises: BadValue.

    >>> parse_input("size=int:32"), parse_input("ints:4,4"), tuple(parse_input("ids=int64:1x128")[1].shape)
    (('size', 32), ('', (4, 4)), (1, 128))
    """
    name, _, said = text.rpartition("=")
    kind, _, value = said.rpartition(":")
    try:
        if kind in _PLAIN:
            return name.strip(), _PLAIN[kind](value)
        shape = tuple(int(part) for part in value.lower().split("x"))
        dtype = getattr(torch, kind or "float32")
        if not isinstance(dtype, torch.dtype) or min(shape) < 1:
            raise ValueError(said)
        return name.strip(), torch.empty(shape, dtype=dtype, device="meta")
    except (ValueError, AttributeError, KeyError) as error:
        raise BadValue(f"--input {text!r} is not an input.", mend=_HOW) from error


def parse_inputs(texts: Sequence[str]) -> Inputs:
    """Several arguments: all by name, or all by place. Raises: BadValue."""
    found = [parse_input(text) for text in texts]
    names = [name for name, _ in found]
    if not any(names):
        return [value for _, value in found]
    if not all(names) or len(set(names)) < len(names):
        raise BadValue(f"--input {' --input '.join(texts)} is not clear.", mend="give all of them different names, or none a name")
    return dict(found)


def _truth(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


_HOW = (
    "write NAME=SHAPE with the batch in it (x=1x3x64x64), NAME=TYPE:SHAPE (ids=int64:1x128), or NAME=int:32, ints:4,4, float:0.5, "
    "bool:true, str:mean; NAME= may be left out"
)
_PLAIN: dict[str, Callable[[str], Any]] = {
    "int": int, "float": float, "bool": _truth, "str": str, "ints": lambda text: tuple(int(part) for part in text.split(",")),
}  # fmt: skip


@dataclass(frozen=True)
class _Sized:
    """What sizes become."""

    batch: int
    dtype: torch.dtype


def _is_size(value: object) -> bool:
    whole = isinstance(value, Sequence) and len(value) > 0 and all(isinstance(extent, int) for extent in value)
    return whole and not isinstance(value, str)


def _has_tensor(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(_has_tensor(item) for item in value.values())
    return isinstance(value, Tensor) or (isinstance(value, list | tuple) and any(_has_tensor(item) for item in value))


def _given(value: Any, sized: _Sized | None) -> Any:
    """An argument; without `sized` numbers stay numbers."""
    if isinstance(value, Tensor):
        return _tensor(value)
    if sized and _is_size(value):
        return _of_size(value, sized.batch, sized.dtype)
    if isinstance(value, Mapping):
        return {name: _given(item, sized) for name, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_given(item, sized) for item in value))
    if isinstance(value, list | tuple):
        return type(value)(_given(item, sized) for item in value)
    return value


def _tensor(value: Tensor) -> Tensor:
    """By its shape alone, unless it is small and holds whole numbers."""
    if not value.is_meta and value.numel() <= KEPT and not value.is_floating_point() and not value.is_complex():
        return value.detach().cpu().clone()
    return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device="meta")


def _of_size(value: Sequence[int], batch: int, dtype: torch.dtype) -> Tensor:
    if min(value) < 1:
        raise BadValue(f"a size of {tuple(value)} has no pixels.", mend="give numbers of 1 or more")
    return torch.empty((batch, *value), dtype=dtype, device="meta")
