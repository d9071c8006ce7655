"""From a name to a network that is ready to use: any classes, any channels, any sensible size, with or without published weights."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from receptron.blocks.classifier import Classifier
from receptron.blocks.init import initialise
from receptron.blocks.patches import resize_positions
from receptron.errors import BadValue, ImageTooSmall, UnknownName
from receptron.zoo.adapt import take_channels
from receptron.zoo.nets import ZOO, Net

if TYPE_CHECKING:
    from receptron.weights.pretrained import Pretrained


def build(
    name: str,
    classes: int | None = None,
    channels: int | None = None,
    pretrained: "str | Path | Pretrained | None" = None,
    pixels: int | None = None,
) -> Classifier:
    """A net of the zoo: (N, channels, pixels, pixels) -> (N, classes).

    Under `torch.device("meta")` nothing is allocated, and `pretrained` is not allowed.

    Args:
        name: As in `receptron zoo`, such as "resnet50".
        classes: Classes to answer; as published if None (1000 for ImageNet nets, 10 for LeNet-5).
        channels: Channels of the input; as published if None. Pretrained weights are spread over others by `adapt.spread_channels`.
        pretrained: A reference such as "torchvision/IMAGENET1K_V2", a local file with its sidecar, or what `weights.source.resolve`
            returned; None starts afresh. The layers that name the classes start afresh where `classes` differs.
        pixels: Side of the input, for nets whose weights depend on it (px); as published if None.

    Returns:
        The network in train mode, its weights float32.

    Raises:
        UnknownName: No net of that name; near names are told.
        ImageTooSmall: The net needs larger images than `pixels`.
        BadValue: A number is out of range.
        WeightsUnavailable: The weights are not here and cannot be fetched.
        CheckpointMismatch: Names or shapes of the weights do not fit.
        UnsafeCheckpoint: The file holds more than plain tensors.

    Example:
        >>> net = build("lenet5", classes=3)
        >>> sum(weight.numel() for weight in net.parameters())
        61111
    """
    check_request(name, classes, channels, pixels)
    if pretrained is None:
        return started(shaped(name, classes, channels, pixels))
    if torch.get_default_device().type == "meta":
        raise BadValue("pretrained weights were asked for on the meta device.", why="it holds shapes only", mend="build on the CPU")
    from receptron.zoo.loading import load_pretrained, resolved  # here, as key maps and the catalogue would double the import's cost

    weights = resolved(name, pretrained)
    net = started(shaped(name, classes, channels, pixels or weights.inputs.pixels))
    load_pretrained(net, weights)
    return net


def shaped(name: str, classes: int | None, channels: int | None, pixels: int | None) -> Classifier:
    """The net on the meta device: shapes without numbers."""
    row = find(name)
    with torch.device("meta"):
        net = row.make(classes or row.classes)
        take_channels(net, channels or row.channels)
        resize_positions(net, pixels or row.pixels)
    net.name, net.min_pixels = name, row.least
    return net


def started(net: Classifier) -> Classifier:
    """`net` with fresh weights on the default device, or as it is if that is the meta device."""
    device = torch.get_default_device()
    if device.type != "meta":
        net.to_empty(device=device)
        initialise(net)
    return net


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
    row = find(name)
    if pixels is None or pixels >= row.least:
        return
    other = next((other for other, net in ZOO.items() if net.least <= pixels and net.pixels <= row.least), "")
    raise ImageTooSmall(
        f"{name} needs images of {row.least}x{row.least} pixels or more, got {pixels}x{pixels}.",
        why="a layer would get an empty map, or the net's strides would leave no whole pixel in the last map",
        mend=f"resize to {row.pixels}x{row.pixels}"
        + (f", or use {other}, which takes {ZOO[other].pixels}x{ZOO[other].pixels}" if other else ""),
    )
