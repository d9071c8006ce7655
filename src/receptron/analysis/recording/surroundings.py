"""What a recording needs around it, in its own thread: no fused attention where memory asks otherwise, no chance, no collection.

Nothing that other threads could see is changed for the network's sake; random generators, which all threads share, are put back
where the network drew from them.
"""

import gc
import pickle
import random
from collections.abc import Generator
from contextlib import contextmanager
from types import FunctionType
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode


@contextmanager
def uncollected() -> Generator[None]:
    """The garbage collector pauses: it would search all of torch's objects, and tensors die by their reference counts."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


@contextmanager
def kept_chance() -> Generator[None]:
    """Put the random generators of torch, numpy and Python back if something was drawn from them."""
    torchs, pythons, numpys = torch.get_rng_state(), random.getstate(), np.random.get_state(legacy=False)
    try:
        yield
    finally:
        if not torch.equal(torch.get_rng_state(), torchs):
            torch.set_rng_state(torchs)
        if random.getstate() != pythons:
            random.setstate(pythons)
        if pickle.dumps(np.random.get_state(legacy=False)) != pickle.dumps(numpys):
            np.random.set_state(numpys)


class FusedAttention(TorchFunctionMode):
    """Attention that keeps no matrix of all pairs, as processors and GPUs run it; meta tensors would fall back to the written-out form.

    Source: Dao et al. 2022, FlashAttention, arXiv:2205.14135.
    """

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        return _FUSED.get(func, func)(*args, **(kwargs or {}))


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
    """The output of fused attention, None for inputs that no such kernel takes, and where torch has none."""
    kernel = getattr(torch.ops.aten, "_scaled_dot_product_efficient_attention", None)
    if kernel is None or attn_mask is not None or enable_gqa or query.dim() != 4 or value.shape[-1] != query.shape[-1]:
        return None
    return kernel(query, key, value, None, True, dropout_p, is_causal, scale=scale)[0]


def _attention(*args: Any, **kwargs: Any) -> Tensor:
    fused = _fused(*args, **kwargs)
    return functional.scaled_dot_product_attention(*args, **kwargs) if fused is None else fused


def _several_heads() -> Any:
    """Torch's own function for several heads, with that attention inside: what it calls itself is not told to a mode.

    Where torch has wrapped it, it stays as it is, and so does the attention inside.
    """
    original = functional.multi_head_attention_forward
    if not isinstance(original, FunctionType) or original.__code__.co_freevars:
        return original
    names = {**original.__globals__, "scaled_dot_product_attention": _attention}
    return FunctionType(original.__code__, names, original.__name__, original.__defaults__)


_FUSED = {functional.scaled_dot_product_attention: _attention, functional.multi_head_attention_forward: _several_heads()}
