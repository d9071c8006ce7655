"""From a name to a network that is ready to use: any classes, any channels, any sensible size, with or without published weights."""

from pathlib import Path

import torch

from receptron.blocks.classifier import Classifier
from receptron.blocks.init import initialise
from receptron.errors import BadValue, CheckpointMismatch, ImageTooSmall, UnknownName
from receptron.weights.keymap import load
from receptron.weights.pretrained import Pretrained
from receptron.weights.sidecar import Facts
from receptron.weights.source import resolve
from receptron.zoo.adapt import FITS, State, take_channels
from receptron.zoo.keys.table import key_map
from receptron.zoo.nets import ZOO, Net


def build(
    name: str,
    classes: int | None = None,
    channels: int | None = None,
    pretrained: str | Path | Pretrained | None = None,
    pixels: int | None = None,
) -> Classifier:
    """The net called `name`: (N, channels, pixels, pixels) -> (N, classes).

    What is None is as published: 1000 classes and 3 channels for ImageNet nets, 10 and 1 for LeNet-5. `pretrained` is a reference such as
    "torchvision/IMAGENET1K_V2", a local file with its sidecar, or what `weights.resolve` returned; without it weights start afresh.
    The first convolution of pretrained weights is spread over other channels by `adapt.spread_channels`; class layers are kept if their number
    of classes fits and start afresh if not. Under `torch.device("meta")` nothing is allocated.
    Raises: UnknownName, ImageTooSmall, BadValue, WeightsUnavailable, CheckpointMismatch, UnsafeCheckpoint.
    """
    row = find(name)
    check_request(name, classes, channels, pixels)
    with torch.device("meta"):
        net = row.make(classes or row.classes)
        take_channels(net, channels or row.channels)
    net.name, net.min_pixels = name, row.least
    device = torch.get_default_device()
    if device.type == "meta":
        return net
    net.to_empty(device=device)
    initialise(net)
    if pretrained is not None:
        load_pretrained(net, pretrained if isinstance(pretrained, Pretrained) else resolve(pretrained, Facts(net=name)))
    return net


def load_pretrained(net: Classifier, weights: Pretrained) -> None:
    """Copy published weights into `net`, fitted to its channels and classes, in place. Raises: CheckpointMismatch, UnsafeCheckpoint."""
    if weights.net != net.name:
        raise CheckpointMismatch(
            f"{weights.reference} holds weights of {weights.net}, not of {net.name}.",
            mend=f"build {weights.net}, or give weights of {net.name}",
        )
    state: State = key_map(net.name, weights.keys)(weights.state())
    for fit in FITS:
        state = fit(net, state)
    load(net, state, source=weights.keys)


def find(name: str) -> Net:
    """Row of the table called `name`. Raises: UnknownName."""
    if name not in ZOO:
        raise UnknownName("net", name, ZOO)
    return ZOO[name]


def check_request(name: str, classes: int | None, channels: int | None, pixels: int | None) -> None:
    """Raises: BadValue for counts below one, ImageTooSmall for `pixels` that the net cannot take."""
    for what, value in (("classes", classes), ("channels", channels), ("pixels", pixels)):
        if value is not None and value < 1:
            raise BadValue(f"{what} is {value}.", why="it must be 1 or more", mend=f"give {what} a whole number of 1 or more")
    row = ZOO[name]
    if pixels is not None and pixels < row.least:
        smaller = next(
            (f", or use {other}, which takes {net.pixels}x{net.pixels}" for other, net in ZOO.items() if net.least <= pixels), ""
        )
        raise ImageTooSmall(
            f"{name} needs images of {row.least}x{row.least} pixels or more, got {pixels}x{pixels}.",
            why="a layer would get an empty map, or the net's strides would leave no whole pixel in the last map",
            mend=f"resize to {row.pixels}x{row.pixels}{smaller}",
        )
