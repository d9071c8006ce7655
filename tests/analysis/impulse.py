"""The gradient-impulse oracle: which pixels really reach a unit, by autograd through positive weights and averaging pools."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def made_positive(net: nn.Module) -> nn.Module:
    """Double precision, eval mode, weights positive and averaging: no gradient cancels, dies in a ReLU or runs away."""
    generator = torch.Generator().manual_seed(0)
    net = net.double().eval()
    with torch.no_grad():
        for module in net.modules():
            for name, tensor in module.named_parameters(recurse=False):
                if tensor.dim() > 1:
                    fan = tensor[0].numel() if not isinstance(module, nn.ConvTranspose2d) else tensor[:, 0].numel()
                    tensor.copy_((0.5 + torch.rand(tensor.shape, generator=generator, dtype=torch.double)) / fan)
                else:
                    tensor.fill_(0.01 if name == "bias" else 1.0)
            if isinstance(module, nn.ReLU6):
                module.max_val = 1e30
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.zero_()
                module.running_var.fill_(1.0)
    return net


@contextmanager
def averaging_pools() -> Iterator[None]:
    """Max pooling passes gradient to one tap alone; here it adds up all of them."""
    original = F.max_pool2d

    def add_up(x: Tensor, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False) -> Tensor:
        shape = original(x, kernel_size, stride, padding, dilation, ceil_mode).shape
        weight = torch.ones(x.shape[1], 1, *(kernel_size if isinstance(kernel_size, tuple) else (kernel_size,) * 2), dtype=x.dtype)
        far = [2 * s for s in x.shape[2:]] if ceil_mode else [0, 0]
        out = F.conv2d(F.pad(x, (0, far[1], 0, far[0])), weight, None, stride or kernel_size, padding, dilation, x.shape[1])
        return out[:, :, : shape[2], : shape[3]] / weight[0].numel()

    F.max_pool2d = add_up
    try:
        yield
    finally:
        F.max_pool2d = original


def pixels_reaching(x: Tensor, out: Tensor, unit: tuple[int, ...]) -> tuple[set[int], ...]:
    """For each spatial axis of x the positions with any gradient from a unit (its last indices; earlier dimensions added up).

    Channels count differently: the plain sum of what a LayerNorm puts out has no gradient.
    """
    picked = out[(Ellipsis, *unit)]
    chosen = (picked * torch.linspace(0.5, 1.5, picked.numel(), dtype=picked.dtype).view_as(picked)).sum()
    if not chosen.requires_grad:
        return tuple(set() for _ in x.shape[2:])
    (grad,) = torch.autograd.grad(chosen, x, retain_graph=True, allow_unused=True)
    if grad is None:
        return tuple(set() for _ in x.shape[2:])
    reached = grad.abs().sum((0, 1)) > 0
    axes = range(reached.dim())
    return tuple(set(reached.any(tuple(d for d in axes if d != axis)).nonzero().flatten().tolist()) for axis in axes)
