"""A model that is looked at stays as it was: attributes, buffers, modes, hooks, random state, whatever happens in between."""

import gc
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from operator import is_
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from receptron.analysis.recording.parameters import tables_of

Show = Callable[[Tensor], Tensor]

_TABLES = ("_parameters", "_buffers")
_CONTAINERS = (dict, list, set)


@contextmanager
def untouched(modules: Iterable[nn.Module]) -> Generator[None]:
    """Put back every attribute of the modules afterwards, and the contents of their lists, dicts and sets."""
    kept = [_kept(module.__dict__) for module in modules]
    try:
        yield
    finally:
        for live, attributes, empty, filled in kept:
            if len(live) != len(attributes) or not all(map(is_, live.values(), attributes.values())) or list(live) != list(attributes):
                live.clear()
                live.update(attributes)
            if any(empty):
                for container in empty:
                    container.clear()
            for container, contents in filled:
                container.clear()
                if isinstance(container, list):
                    container[:] = contents
                else:
                    container.update(contents)


_Kept = tuple[dict[str, Any], dict[str, Any], list[Any], list[tuple[Any, Any]]]


def _kept(live: dict[str, Any]) -> _Kept:
    """The attributes of a module, a copy of them, and its lists, dicts and sets: the empty ones, and the others beside a copy."""
    containers = [value for value in live.values() if isinstance(value, _CONTAINERS)]
    filled = [(value, value.copy()) for value in containers if value]
    return live, live.copy(), [value for value in containers if not value], filled


class _Shown(dict[str, Tensor | None]):
    """A module's table of tensors as the module sees it: each is shown as its stand-in, made when it is first looked at."""

    __slots__ = ("show",)
    show: Show

    def __getitem__(self, name: str) -> Tensor | None:
        return self._shown(super().__getitem__(name))

    def __iter__(self) -> Iterator[str]:  # without it, copies of the table would not ask for its items
        return super().__iter__()

    def get(self, name: str, default: Any = None) -> Any:
        return self._shown(super().get(name, default))

    def values(self) -> Any:
        return [self._shown(tensor) for tensor in super().values()]

    def items(self) -> Any:
        return [(name, self._shown(tensor)) for name, tensor in super().items()]

    def pop(self, name: str, *default: Any) -> Any:
        return self._shown(super().pop(name, *default))

    def copy(self) -> dict[str, Tensor | None]:
        return dict(self.items())

    def _shown(self, tensor: Any) -> Any:
        return self.show(tensor) if isinstance(tensor, Tensor) else tensor


@contextmanager
def shown(modules: Iterable[nn.Module], show: Show) -> Generator[None]:
    """Let the modules find, in place of each parameter and buffer, what `show` gives for it. The tables themselves stay as they are."""
    kept: list[tuple[dict[str, Any], str, Any]] = []
    try:
        for module in modules:
            own = module.__dict__
            for name, table in zip(_TABLES, tables_of(module), strict=True):
                if table and isinstance(table, dict):  # pyright: ignore[reportUnnecessaryIsInstance] scripted modules have others
                    kept.append((own, name, table))
                    own[name] = _Shown(table)
                    own[name].show = show
        yield
    finally:
        for own, name, table in kept:
            own[name] = table


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
def plain_arithmetic(*, decompose_attention: bool = True) -> Generator[None]:
    """Fused inference paths off, attention as its matrix products or, for memory, fused as on real devices; random state kept."""
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
