"""Channels and strides of the maps that a network hands on, found without numbers."""

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn

Net = TypeVar("Net", bound=nn.Module)
NEAR, FAR = 256, 768  # px; what lies between is a multiple of every stride


def without_numbers(net: Net) -> Net:
    """A copy of `net` in eval mode on the meta device; nothing but shapes is copied."""
    memo: dict[int, object] = {}
    for parameter in net.parameters():
        memo[id(parameter)] = nn.Parameter(torch.empty_like(parameter, device="meta"), requires_grad=False)
    for buffer in net.buffers():
        memo[id(buffer)] = torch.empty_like(buffer, device="meta")
    return copy.deepcopy(net, memo).eval()


def picture_for(net: nn.Module, pixels: int) -> Tensor:
    """An image (1, C, pixels, pixels) on the meta device, as the first convolution of `net` reads it."""
    first = next(module for module in net.modules() if isinstance(module, nn.Conv2d))
    return torch.empty(1, first.in_channels, pixels, pixels, device="meta", dtype=first.weight.dtype)


def strides_between(near: list[Tensor], far: list[Tensor]) -> list[int]:
    """px of the image from one position of a map to the next, from the maps of `NEAR` and of `FAR` pixels."""
    return [round((FAR - NEAR) / (b.shape[-1] - a.shape[-1])) for a, b in zip(near, far, strict=True)]
