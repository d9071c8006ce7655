"""Outputs worked out here where torch's answer on the meta device is slow, and other than that on real devices.

Of a batch norm in eval mode torch says on meta that it saves statistics, which no device does, and each new width takes it a millisecond.
A rule takes the call's arguments, on the meta device, and gives its outputs; no answer where torch has to be asked, above all where it
would refuse. The tests hold every one against torch. An operator that this torch does not have has no rule.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Rule = Callable[..., Tensor | tuple[Tensor, ...] | None]


def batch_norm(
    x: Tensor, weight: Tensor | None, bias: Tensor | None, mean: Tensor | None, var: Tensor | None, training: bool, *rest: Any
) -> tuple[Tensor, ...] | None:
    """aten::native_batch_norm: the output, and statistics of the batch in train mode."""
    channels = x.shape[1:2]
    given = [t for t in (weight, bias, mean, var) if t is not None]
    lies = x.is_contiguous() or (x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last))
    if not channels or not lies or any([t.shape != channels or t.dtype != x.dtype for t in given]):
        return None
    kept = channels if training else (0,)
    return torch.empty_like(x), x.new_empty(kept), x.new_empty(kept)


def convolution(*args: Any) -> Tensor:
    """aten::_convolution, which traced programs call: the same without switches of cuDNN. Torch 2.10 does not know it on meta."""
    return torch.ops.aten.convolution.default(*args[:9])


def operator(name: str, overload: str = "default") -> Any:
    """An operator of torch, None if this release does not have it."""
    return getattr(getattr(torch.ops.aten, name, None), overload, None)


RULES: dict[Any, Rule] = {
    found: rule
    for name, rule in {"native_batch_norm": batch_norm, "_convolution": convolution}.items()
    if (found := operator(name)) is not None
}
