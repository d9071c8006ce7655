"""Fit a network to other channels, and published weights to a network: the rules, each a function applied from outside."""

from collections.abc import Callable
from math import isqrt

import torch
from torch import Tensor, nn

from receptron.blocks.classifier import Classifier
from receptron.blocks.patches import stretch

State = dict[str, Tensor]


def first_conv(net: nn.Module) -> tuple[str, nn.Conv2d]:
    """The convolution that sees the image, and its dotted name."""
    return next((name, module) for name, module in net.named_modules() if isinstance(module, nn.Conv2d))


def take_channels(net: nn.Module, channels: int) -> None:
    """Give the first convolution `channels` inputs, in place; its weights start afresh."""
    name, old = first_conv(net)
    if old.in_channels == channels:
        return
    new = type(old)(
        channels, old.out_channels, _pair(old.kernel_size), _pair(old.stride), _pair(old.padding), _pair(old.dilation), old.groups,
        bias=old.bias is not None, device=old.weight.device,
    )  # fmt: skip
    parent, _, child = name.rpartition(".")
    setattr(net.get_submodule(parent), child, new)


def _pair(size: tuple[int, ...] | str) -> tuple[int, int]:
    """Height and width, as torch declares neither."""
    return int(size[0]), int(size[1])


def spread_channels(weight: Tensor, channels: int) -> Tensor:
    """Weights (c_out, c, h, w) for `channels` inputs: one is the sum over c; else they repeat c in a cycle, all scaled by c / channels.

    Either way an image whose channels are all alike gets about the answer that it got before, exactly so where c divides `channels`.
    """
    given = weight.shape[1]
    if channels == 1:
        return weight.sum(1, keepdim=True)
    return weight[:, torch.arange(channels) % given] * (given / channels)


def fit_first_conv(net: nn.Module, state: State) -> State:
    """`state` with the first convolution's weights spread over the inputs that `net` has."""
    name, layer = first_conv(net)
    key = f"{name}.weight"
    if key not in state or layer.groups > 1:
        return state
    return state | {key: spread_channels(state[key], layer.in_channels)}


def fit_classifier(net: Classifier, state: State) -> State:
    """`state` with the class layers (every layer named `fc`) as `net` starts them, if it was trained for another number of classes."""
    ours = net.state_dict()
    layers = {name for name in state if name.split(".")[-2:-1] == ["fc"]}
    if all(ours[name].shape[0] == state[name].shape[0] for name in layers & ours.keys()):
        return state
    return {name: ours[name] if name in layers else tensor for name, tensor in state.items()}


def fit_positions(net: Classifier, state: State) -> State:
    """`state` with a ViT's positions interpolated to the image size that `net` was built for."""
    ours = net.state_dict()
    wanted = {name: ours[name].shape[1] for name in state if name.endswith(".position") and name in ours}
    return state | {name: stretch(state[name], isqrt(n - 1), isqrt(n - 1)) for name, n in wanted.items()}


def fit_auxiliary(net: Classifier, state: State) -> State:
    """`state` with the auxiliary heads as `net` starts them, if the file has none: they matter only while training from scratch."""
    fresh = {name: tensor for name, tensor in net.state_dict().items() if name.startswith("auxiliary.")}
    return state if fresh.keys() & state.keys() else state | fresh


FITS: tuple[Callable[[Classifier, State], State], ...] = (fit_first_conv, fit_classifier, fit_positions, fit_auxiliary)
