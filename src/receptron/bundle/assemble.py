"""From the contents of a model directory to its network: what the card names, holding exactly the tensors of the file."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from receptron.blocks.before_classes import add_hidden
from receptron.bundle import store
from receptron.bundle.card import ModelCard
from receptron.bundle.placed import MEND
from receptron.errors import BadValue, BundleCorrupt, BundleFault, ImageTooSmall, UnknownName
from receptron.records import short
from receptron.zoo import build

_VARIANCE = "running_var"


def assemble(folder: Path, card: ModelCard, state: Mapping[str, Tensor]) -> nn.Module:
    """The network of `card` with the tensors of `state`; it is shaped without numbers, so that nothing is allocated for a refused one.

    Raises: BundleFault for a net that this version does not know; BundleCorrupt naming the field or the tensor.
    """
    net = _shaped(folder / store.CARD, card)
    _check_tensors(folder / store.WEIGHTS, card, net.state_dict(), state)
    net.load_state_dict(state, assign=True)
    return net


def _shaped(file: Path, card: ModelCard) -> nn.Module:
    try:
        with torch.device("meta"):
            net = build(card.net, classes=len(card.classes), channels=card.channels, pixels=card.input.pixels)
            if units := int(card.head.partition(":")[2] or 0):
                add_hidden(net, units)
    except UnknownName as error:
        made = f"version {short(card.provenance.receptron)} made this model"
        raise BundleFault(f"{file}: {error.what}", why=made, mend="pip install --upgrade receptron") from error
    except BadValue as error:
        raise BundleCorrupt(f"{file}: head is {card.head}.", why=error.why, mend=MEND) from error
    except ImageTooSmall as error:
        raise BundleCorrupt(f"{file}: input.pixels is {card.input.pixels}.", why=error.what, mend=MEND) from error
    held = sum(parameter.numel() for parameter in net.parameters())
    if held != card.parameters:
        why = f"{card.net} with {len(card.classes)} classes and {card.channels} channels has {held:,}"
        raise BundleCorrupt(f"{file}: parameters is {card.parameters:,}.", why=why, mend=MEND)
    return net


def _check_tensors(file: Path, card: ModelCard, expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
    fault = next(filter(None, (_fault(name, expected.get(name), found.get(name)) for name in [*expected, *found])), "")
    if fault:
        raise BundleCorrupt(f"{file} does not fit {card.net} with {len(card.classes)} classes.", why=fault, mend=MEND)


def _fault(name: str, expected: Tensor | None, found: Tensor | None) -> str:
    """What is wrong with one tensor, or nothing."""
    if expected is None or found is None:
        return f"{short(name)} is not there" if found is None else f"{short(name)} is no tensor of this net"
    if found.shape != expected.shape:
        return f"{name} has the shape {short(list(found.shape))}, not {list(expected.shape)}"
    if found.dtype != expected.dtype:
        return f"{name} holds {found.dtype}, not {expected.dtype}"
    if not bool(torch.isfinite(found).all()):
        return f"{name} holds NaN or infinity"
    if name.endswith(_VARIANCE) and bool((found < 0).any()):
        return f"{name} is a variance and holds {found.min().item():.4g}"
    return ""
