"""From a name to a network that is ready to use: any classes, any channels, any sensible size, with or without published weights."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from receptron.blocks.classifier import Classifier
from receptron.blocks.drop import drop_paths
from receptron.blocks.init import initialise
from receptron.blocks.patches import resize_positions
from receptron.errors import BadValue, ImageTooSmall, UnknownName
from receptron.zoo.adapt import take_channels
from receptron.zoo.nets import ZOO, Net
from receptron.zoo.network_input import usual_input
from receptron.zoo.on_encoder import check_count

if TYPE_CHECKING:
    from receptron.weights.pretrained import Pretrained


def build(
    name: str,
    classes: int | None = None,
    channels: int | None = None,
    pretrained: "bool | str | Path | Pretrained | None" = None,
    pixels: int | None = None,
    drop_path: float = 0.0,
) -> Classifier:
    """The net called `name`: (N, channels, pixels, pixels) -> (N, classes).

    Pretrained weights are changed only where asked for: spread over other channels by `adapt.spread_channels`, class layers afresh for
    other classes, positions interpolated. Each change is a sentence of the net's `fitted`, and logged as a warning. Under
    `torch.device("meta")` nothing is allocated, and `pretrained` is not allowed.

    Args:
        name: A key of `ZOO`.
        classes: Classes to tell apart; None: as the weights have them, else as published, 1000 for ImageNet nets, 10 for LeNet-5.
            0: no class layer, so that the net answers what that would see (`embedding_width` numbers for an image).
        channels: Channels of an image; None: as the weights have them, else as published, 3 for ImageNet nets, 1 for LeNet-5.
        pretrained: A reference such as "torchvision/IMAGENET1K_V2", True for the published weights to prefer, a local file with its
            sidecar, or what `weights.source.resolve` returned; None or False: weights start afresh.
        pixels: px of the side of the images; None: as the weights expect or as published. Only nets with positions depend on it.
        drop_path: Probability that the last residual branch is left out for an image while training; it grows from 0 at the first.

    Returns:
        On the default device, in train mode.

    Raises:
        UnknownName: For a net or a reference that is not there; near names are told.
        BadValue: For a count that is no whole number of 1 or more (classes: 0), pretrained weights on the meta device, published ones asked
            for where there are none, a file of weights that is not all said of, and a drop path that the net cannot have.
        ImageTooSmall: For fewer pixels than the net can take.
        WeightsUnavailable: For weights that are neither here nor to be fetched.
        CheckpointMismatch: For weights of another net, and for values that are no finite numbers.
        UnsafeCheckpoint: For a file that holds more than plain tensors.

    Example:
        >>> net = build("resnet50", classes=5, channels=1)
        >>> tuple(net(torch.zeros(1, 1, 64, 64)).shape)
        (1, 5)
    """
    check_request(name, classes, channels, pixels)
    net = _made(name, classes or None, channels, pixels, pretrained)
    if classes == 0:
        net.reset_head(0)
    if drop_path:
        drop_paths(net, drop_path)
    return net


def _made(
    name: str, classes: int | None, channels: int | None, pixels: int | None, pretrained: "bool | str | Path | Pretrained | None"
) -> Classifier:
    if pretrained is None or pretrained is False:
        return started(shaped(name, classes, channels, pixels))
    if torch.get_default_device().type == "meta":
        raise BadValue("pretrained weights were asked for on the meta device.", why="it holds shapes only", mend="build on the CPU")
    from receptron.zoo.loading import load_pretrained, resolved  # here, as key maps and the catalogue would double the import's cost

    weights = resolved(name, pretrained)
    net = load_pretrained(weights, classes, channels, pixels)
    for change in net.fitted:
        logging.getLogger("receptron").warning("%s with %s: %s.", name, weights.reference, change)
    return net


def shaped(name: str, classes: int | None, channels: int | None, pixels: int | None) -> Classifier:
    """The net on the meta device: shapes without numbers."""
    row = find(name)
    with torch.device("meta"):
        net = row.make(classes or row.classes)
        take_channels(net, channels or row.channels)
        resize_positions(net, pixels or row.pixels)
    net.name, net.min_pixels = name, row.least
    net.input = usual_input(name, row, pixels)
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
    """Raises: BadValue for counts below one (classes: zero), ImageTooSmall for `pixels` that the net cannot take."""
    for what, value, least in (("classes", classes, 0), ("channels", channels, 1), ("pixels", pixels, 1)):
        if value is not None:
            check_count(what, value, least)
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
