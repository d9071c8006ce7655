"""A network's double without numbers: the same network, on the meta device, in no memory of its own.

What it owns and all that learns goes to the meta device. Small tensors that it merely keeps (index tables, masks) are copied with
their numbers, because networks look at them.
"""

import io
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from receptron.analysis.recording.copying.doubles import doubled
from receptron.analysis.recording.parameters import UNSHAPED
from receptron.errors import BadValue

META = torch.device("meta")
REAL_LIMIT = 1 << 20
"""Numbers that a constant may have and still be kept for real."""


Network = nn.Module | Callable[[], nn.Module]
"""A network, or a function that makes one."""


class MetaCopy(NamedTuple):
    """A network on the meta device, and the small tensors in it that have numbers."""

    net: nn.Module
    constants: list[Tensor]


def on_meta(net: Network) -> MetaCopy:
    """The double of a network on the meta device, or the network that a function makes there.

    Raises: Uncopyable with the place of what has no copy; BadValue for a function that gives no network.
    """
    if not isinstance(net, nn.Module):
        made = _made(net)
        if all(t.is_meta for t in (*made.parameters(), *made.buffers())):
            return MetaCopy(made, [])
        net = made
    if isinstance(net, torch.jit.ScriptModule):
        return MetaCopy(_script(net), [])
    constants: list[Tensor] = []

    def twin(tensor: Tensor, owned: bool) -> Tensor:
        if owned or not _is_constant(tensor):
            return _without_numbers(tensor)
        constants.append(tensor.detach().cpu().clone())
        return constants[-1]

    return MetaCopy(doubled(net, twin), constants)


def _script(net: torch.jit.ScriptModule) -> nn.Module:
    """A scripted or traced module, whose tensors only torch's own file format moves to another device."""
    written = io.BytesIO()
    torch.jit.save(net, written)
    written.seek(0)
    return torch.jit.load(written, map_location="meta").train(net.training)


def built(function: Callable[[], object]) -> object:
    """What a function makes, on the meta device; where that needs numbers (`.item()`, `.tolist()`), on the processor.

    Raises: whatever it raises there.
    """
    try:
        with META:
            return function()
    except Exception:  # what others wrote may raise anything; the second attempt tells
        with torch.device("cpu"):
            return function()


def _made(function: Callable[[], nn.Module]) -> nn.Module:
    try:
        made = built(function)
    except Exception as error:  # what others wrote may raise anything
        raise BadValue("the function did not make a network.", why=f"{type(error).__name__}: {error}", mend="give one that runs") from error
    if not isinstance(made, nn.Module):
        raise BadValue(f"the function gave no network, but a {type(made).__name__}.", mend="return a torch.nn.Module")
    return made


def _is_constant(tensor: Tensor) -> bool:
    """Whether a tensor that no module owns is kept with its numbers."""
    plain = type(tensor) is Tensor and tensor.layout is torch.strided and not tensor.is_meta
    return plain and not tensor.requires_grad and tensor.numel() <= REAL_LIMIT


def _without_numbers(tensor: Tensor) -> Tensor:
    kind = type(tensor)
    if kind in UNSHAPED:
        return cast(Any, kind)(requires_grad=tensor.requires_grad, device=META, dtype=tensor.dtype)
    if tensor.layout is torch.strided:
        made = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=META)
    else:
        made = torch.empty_like(tensor, device=META)
    if kind is nn.Parameter:
        return nn.Parameter(made, tensor.requires_grad)
    if kind is not Tensor:
        made = _of_kind(made, tensor)
    return made.requires_grad_() if tensor.requires_grad else made


def _of_kind(made: Tensor, tensor: Tensor) -> Tensor:
    """Raises: ValueError for a class that keeps its numbers in its own way."""
    kind: Any = type(tensor)
    if kind.__torch_dispatch__ is cast(Any, Tensor).__torch_dispatch__:
        return made.as_subclass(kind)
    if kind.__module__.startswith("torch._subclasses.fake_tensor"):  # has no numbers either
        return nn.Parameter(made, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else made
    raise ValueError(f"a {kind.__name__} keeps its numbers in a way that only real devices know")
