"""Fit a network to other channels, and published weights to a network: the rules, each a function applied from outside."""

from collections.abc import Callable
from math import isqrt

import torch
from torch import Tensor, nn

from receptron.blocks.classifier import Classifier
from receptron.blocks.patches import stretch
from receptron.blocks.repvgg import RepConv

State = dict[str, Tensor]
Fitted = tuple[State, tuple[str, ...]]
"""Tensors that fit, and a sentence for each change."""


def first_conv(net: nn.Module) -> tuple[str, nn.Conv2d]:
    """The convolution that sees the image, and its dotted name."""
    return next((name, module) for name, module in net.named_modules() if isinstance(module, nn.Conv2d))


def first_convs(net: nn.Module) -> list[tuple[str, nn.Conv2d]]:
    """Every convolution that sees the image, with its dotted name: one, or those of parallel branches."""
    name, first = first_conv(net)
    around = next((path for path, module in net.named_modules() if isinstance(module, RepConv) and name.startswith(f"{path}.")), None)
    if around is None:
        return [(name, first)]
    return [(f"{around}.{path}", conv) for path, conv in net.get_submodule(around).named_modules() if isinstance(conv, nn.Conv2d)]


def take_channels(net: nn.Module, channels: int) -> None:
    """Give the first convolution `channels` inputs, in place; its weights start afresh."""
    for name, old in first_convs(net):
        if old.in_channels != channels:
            _widen(net, name, old, channels)


def _widen(net: nn.Module, name: str, old: nn.Conv2d, channels: int) -> None:
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


def fit_first_conv(net: Classifier, state: State) -> Fitted:
    """The first convolution's weights spread over the inputs that `net` has."""
    told = tuple[str, ...]()
    for name, layer in first_convs(net):
        state, more = _fit_conv(name, layer, state)
        told = (*told, *more)
    return state, told


def _fit_conv(name: str, layer: nn.Conv2d, state: State) -> Fitted:
    key = f"{name}.weight"
    if key not in state or layer.groups > 1 or state[key].ndim != 4 or state[key].shape[1] in (0, layer.in_channels):
        return state, ()
    given = state[key].shape[1]
    lost = f", those after the first {layer.in_channels} are lost" if 1 < layer.in_channels < given else ""
    told = f"{name} is spread from {given} channels over {layer.in_channels}{lost}"
    return state | {key: spread_channels(state[key], layer.in_channels)}, (told,)


def fit_classifier(net: Classifier, state: State) -> Fitted:
    """The class layers (every layer named `fc`) as `net` starts them, if `state` was trained for another number of classes."""
    layers = {name: ours for name, ours in net.state_dict().items() if name.split(".")[-2:-1] == ["fc"] and name in state}
    given, wanted = ({tuple(of[name].shape[:1]) for name in layers} for of in (state, layers))
    if given == wanted or len(given) != 1 or any(_row(state[name]) != _row(ours) for name, ours in layers.items()):
        return state, ()  # where more than the number differs, loading tells it
    names = ", ".join(sorted({name.rpartition(".")[0] for name in layers}))
    counts = [next(iter(found))[0] for found in (wanted, given)]
    return state | layers, (f"{names} starts afresh: {counts[0]:,} classes were asked for, the file has {counts[1]:,}",)


def _row(tensor: Tensor) -> int:
    """Numbers for each class."""
    return tensor[:1].numel() if tensor.ndim else -1


def fit_positions(net: Classifier, state: State) -> Fitted:
    """A ViT's positions interpolated to the image size that `net` was built for."""
    ours, told = net.state_dict(), list[str]()
    for name in [name for name in state if name.endswith(".position") and name in ours]:
        given, wanted = _across(state[name]), _across(ours[name])
        if given in (0, wanted):
            continue
        state = state | {name: stretch(state[name], wanted, wanted)}
        told.append(f"{name} is interpolated from {given}x{given} patches to {wanted}x{wanted}")
    return state, tuple(told)


def _across(position: Tensor) -> int:
    """Patches of a side, 0 for what is no square of positions; loading tells that."""
    patches = position.shape[1] - 1 if position.ndim == 3 and position.is_floating_point() else 0
    return isqrt(patches) if patches > 0 and isqrt(patches) ** 2 == patches else 0


def fit_auxiliary(net: Classifier, state: State) -> Fitted:
    """The auxiliary heads as `net` starts them, if `state` has none: they matter only while training from scratch."""
    fresh = {name: tensor for name, tensor in net.state_dict().items() if name.startswith("auxiliary.")}
    if not fresh or fresh.keys() & state.keys():
        return state, ()
    return state | fresh, ("the auxiliary heads start afresh: the file has none",)


FITS: tuple[Callable[[Classifier, State], Fitted], ...] = (fit_first_conv, fit_classifier, fit_positions, fit_auxiliary)
