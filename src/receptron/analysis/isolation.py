"""A model that is looked at stays as it was: attributes, buffers, modes, hooks, random state, whatever happens in between."""

import gc
from collections.abc import Generator, Iterable
from contextlib import ExitStack, contextmanager
from operator import is_
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

UNSHAPED = (UninitializedParameter, UninitializedBuffer)
"""What lazy layers own before their first input."""

_CONTAINERS = (dict, list, set)


@contextmanager
def untouched(modules: Iterable[nn.Module]) -> Generator[None]:
    """Put back every attribute of the modules afterwards, and the contents of their lists, dicts and sets."""
    states = [(module.__dict__, *_copy(module.__dict__)) for module in modules]
    try:
        yield
    finally:
        for live, kept, filled in states:
            _restore(live, kept, filled)


@contextmanager
def stand_ins(modules: Iterable[nn.Module]) -> Generator[dict[int, Tensor]]:
    """Give the modules meta tensors in place of its parameters and buffers, shared ones shared; to be used inside `untouched`.

    Yields the stand-in for each original, by `id`.
    """
    made: dict[int, Tensor] = {}
    for module in modules:
        for table in tables_of(module):
            for name, tensor in table.items():
                if tensor is not None:
                    table[name] = made.setdefault(id(tensor), _meta(tensor))
    yield made


@contextmanager
def plain_arithmetic(*, decompose_attention: bool = True) -> Generator[None]:
    """Fused inference paths off, attention written out as its matrix products or, for memory, fused as on real devices; random state kept.

    The garbage collector pauses: it would search all of torch's objects, and tensors die by their reference counts.
    """
    collecting = gc.isenabled()
    gc.disable()
    fast = torch.backends.mha.get_fastpath_enabled()
    state = torch.get_rng_state()
    with ExitStack() as stack:
        stack.enter_context(sdpa_kernel(SDPBackend.MATH) if decompose_attention else _fused_attention())
        torch.backends.mha.set_fastpath_enabled(False)
        try:
            yield
        finally:
            torch.backends.mha.set_fastpath_enabled(fast)
            torch.set_rng_state(state)
            if collecting:
                gc.enable()


@contextmanager
def _fused_attention() -> Generator[None]:
    """Attention that keeps no matrix of all pairs, as processors and GPUs run it; meta tensors would fall back to the written-out form.

    Source: Dao et al. 2022, FlashAttention, arXiv:2205.14135.
    """
    original = functional.scaled_dot_product_attention

    def attention(*args: Any, **kwargs: Any) -> Tensor:
        fused = _fused(*args, **kwargs)
        return original(*args, **kwargs) if fused is None else fused

    functional.scaled_dot_product_attention = attention
    try:
        yield
    finally:
        functional.scaled_dot_product_attention = original


def _fused(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor | None:
    """The output of fused attention, None for inputs that no such kernel takes."""
    if attn_mask is not None or enable_gqa or query.dim() != 4 or value.shape[-1] != query.shape[-1]:
        return None
    return torch.ops.aten._scaled_dot_product_efficient_attention(query, key, value, None, True, dropout_p, is_causal, scale=scale)[0]


def tables_of(module: nn.Module) -> tuple[dict[str, Tensor | None], dict[str, Tensor | None]]:
    """The module's own parameters and buffers, by name, as it holds them."""
    return vars(module).get("_parameters", {}), vars(module).get("_buffers", {})


def _meta(tensor: Tensor) -> Tensor:
    if type(tensor) in UNSHAPED:
        return tensor
    empty = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")
    return nn.Parameter(empty, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else empty


def _copy(live: dict[str, Any]) -> tuple[dict[str, Any], list[tuple[Any, Any]]]:
    """The attributes, and each filled container among them beside a copy of its contents."""
    return live.copy(), [(value, value.copy()) for value in live.values() if isinstance(value, _CONTAINERS) and value]


def _restore(live: dict[str, Any], kept: dict[str, Any], filled: list[tuple[Any, Any]]) -> None:
    if list(live) != list(kept) or not all(map(is_, live.values(), kept.values())):
        live.clear()
        live.update(kept)
    for value in kept.values():
        if isinstance(value, _CONTAINERS) and value:
            value.clear()
    for value, contents in filled:
        if isinstance(value, list):
            value[:] = contents
        else:
            value.update(contents)
