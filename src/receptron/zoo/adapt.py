"""Fit a network to other channels, and published weights to a network: the rules, each a function applied from outside."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from receptron.blocks.classifier import Classifier

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
        channels, old.out_channels, (old.kernel_size[0], old.kernel_size[1]), (old.stride[0], old.stride[1]),
        old.padding, (old.dilation[0], old.dilation[1]), old.groups, bias=old.bias is not None, device=old.weight.device,
    )  # fmt: skip
    parent, _, child = name.rpartition(".")
    setattr(net.get_submodule(parent), child, new)


def spread_channels(weight: Tensor, channels: int) -> Tensor:
    """Weights (c_out, c, h, w) for `channels` inputs: one is the sum over c, more repeat c in a cycle, scaled by c / channels.

    Either way an image whose channels are all alike gets the answer that it got before.
    """
    given = weight.shape[1]
    if channels == given:
        return weight
    if channels == 1:
        return weight.sum(1, keepdim=True)
    cycle = torch.arange(channels) % given
    share = torch.bincount(cycle, minlength=given).clamp(min=1)[cycle]  # how many inputs stand in for the same one
    spread = weight[:, cycle] / share.view(1, -1, 1, 1)
    if channels < given:  # the inputs left out are shared among those that stay
        spread = spread * (weight.sum(1, keepdim=True).abs().sum() / spread.sum(1, keepdim=True).abs().sum())
    return spread


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


FITS: tuple[Callable[[Classifier, State], State], ...] = (fit_first_conv, fit_classifier)
