"""Published weights into a network of the zoo: shaped as the weights are where nothing else was asked for, and every change told."""

from dataclasses import replace
from pathlib import Path

from torch import Tensor

from receptron.blocks.classifier import Classifier
from receptron.errors import BadValue, CheckpointMismatch
from receptron.weights.keymap import load
from receptron.weights.pretrained import Pretrained
from receptron.weights.published import published_for
from receptron.weights.sidecar import Sidecar
from receptron.weights.source import resolve
from receptron.zoo.adapt import FITS, State, first_conv
from receptron.zoo.builder import find, shaped, started
from receptron.zoo.keys.table import key_map
from receptron.zoo.network_input import NetworkInput


def resolved(name: str, pretrained: object) -> Pretrained:
    """The weights that `pretrained` names for the net `name`; True: the published ones to prefer.

    Raises: WeightsUnavailable, UnsafeCheckpoint, CheckpointMismatch, UnknownName, BadValue.
    """
    if pretrained is True:
        pretrained = preferred(name)
    if isinstance(pretrained, str | Path):
        return resolve(pretrained, Sidecar(net=name))
    if not isinstance(pretrained, Pretrained):
        raise BadValue(
            f"pretrained is {pretrained!r}.",
            why="it names weights",
            mend='give True, a reference such as "torchvision/IMAGENET1K_V1", or a file',
        )
    if pretrained.net != name:
        raise CheckpointMismatch(
            f"{pretrained.reference} holds weights of {pretrained.net}, not of {name}.",
            mend=f"build {pretrained.net}, or give weights of {name}",
        )
    return pretrained


def preferred(name: str) -> str:
    """Reference of the published weights to prefer for `name`. Raises: BadValue."""
    rows = published_for(name)
    if not rows:
        raise BadValue(f"no weights are published for {name}.", mend="give a file of weights, or build without: pretrained=None")
    return rows[0].reference


def translated(weights: Pretrained) -> tuple[State, tuple[str, ...]]:
    """The file's tensors under our names, and a sentence on those that have no place in the net.

    Tables of whole numbers follow from the shape of a net; that they are left out loses nothing.

    Raises: WeightsUnavailable, UnsafeCheckpoint, CheckpointMismatch.
    """
    names, given = key_map(weights.net, weights.keys), weights.state()
    state = names(given)
    left = sorted({key.partition(".")[0] for key in given if names.translate(key) is None and given[key].is_floating_point()})
    return state, ((f"{', '.join(left)} of the file left out: {weights.net} has no such part",) if left else ())


def classes_in(net: Classifier, state: State) -> int | None:
    """Classes that `state` was trained for; None where its class layer is not that of `net`."""
    name, layer = next(iter(net.head.get_submodule("fc").state_dict(prefix="head.fc.").items()))
    return _length(state.get(name), layer, axis=0)


def channels_in(net: Classifier, state: State) -> int | None:
    """Channels of the images that `state` was trained on; None where its first convolution is not that of `net`."""
    name, layer = first_conv(net)
    return _length(state.get(f"{name}.weight"), layer.weight, axis=1) if layer.groups == 1 else None


def _length(theirs: Tensor | None, ours: Tensor, axis: int) -> int | None:
    """Length of `axis`, if nothing else differs: a file of a few bytes may name any shape, and what it names is built."""
    if theirs is None or theirs.ndim <= axis or theirs.shape[axis] < 1 or not theirs.numel():
        return None
    rest = ours.numel() // ours.shape[axis]
    return theirs.shape[axis] if theirs.numel() == theirs.shape[axis] * rest else None


def load_pretrained(weights: Pretrained, classes: int | None, channels: int | None, pixels: int | None) -> Classifier:
    """A net with `weights`, of the file's own classes, channels and size where None is asked for; its `fitted` says what was changed.

    Raises: CheckpointMismatch, UnsafeCheckpoint, WeightsUnavailable.
    """
    state, told = translated(weights)
    side, ghost = pixels or weights.inputs.pixels, shaped(weights.net, None, None, None)
    net = started(shaped(weights.net, classes or classes_in(ghost, state), channels or channels_in(ghost, state), side))
    for fit in FITS:
        state, more = fit(net, state)
        told = (*told, *more)
    load(net, state, source=weights.keys)
    net.fitted = told
    net.input = NetworkInput.of(replace(weights.inputs, pixels=side))
    return net


def channels_of(weights: Pretrained) -> int:
    """Channels of the images that `weights` were trained on. Raises: CheckpointMismatch, UnsafeCheckpoint, WeightsUnavailable."""
    return channels_in(shaped(weights.net, None, None, None), translated(weights)[0]) or find(weights.net).channels
