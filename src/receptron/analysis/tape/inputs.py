"""What goes into a network that is recorded: sizes, tensors, tuples and dicts of them, as tensors on the meta device."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from receptron.errors import BadValue

Inputs = Tensor | Sequence[Any] | Mapping[str, Any]


@dataclass(frozen=True)
class Feed:
    """Positional and named arguments of a forward pass, all tensors on the meta device."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def feed(net: nn.Module, inputs: Inputs, batch: int = 1) -> Feed:
    """Turn `inputs` into the arguments of `net`.

    A size such as (3, 224, 224) becomes one tensor (batch, 3, 224, 224) of the network's type; a tensor goes in by its shape;
    a list or tuple of these are several arguments, a dict named ones.
    Raises: BadValue for anything else.
    """
    if isinstance(inputs, Tensor):
        return Feed((_meta(inputs, batch, inputs.dtype),), {})
    dtype = next((p.dtype for p in net.parameters() if p.is_floating_point()), torch.float32)
    if _is_size(inputs):
        return Feed((_meta(inputs, batch, dtype),), {})
    if isinstance(inputs, Mapping):
        return Feed((), {name: _meta(value, batch, dtype) for name, value in inputs.items()})
    if inputs and not isinstance(inputs, str):
        return Feed(tuple(_meta(value, batch, dtype) for value in inputs), {})
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


def _is_size(value: object) -> bool:
    return isinstance(value, Sequence) and len(value) > 0 and all(isinstance(extent, int) for extent in value)


def _meta(value: Any, batch: int, dtype: torch.dtype) -> Any:
    if isinstance(value, Tensor):
        return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device="meta")
    if _is_size(value):
        if min(value) < 1:
            raise BadValue(f"a size of {tuple(value)} has no pixels.", mend="give numbers of 1 or more")
        return torch.empty((batch, *value), dtype=dtype, device="meta")
    if isinstance(value, Mapping):
        return {name: _meta(item, batch, dtype) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_meta(item, batch, dtype) for item in value)
    return value
