"""From the contents of a model directory to its network: what the card names, holding exactly the tensors of the file."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from receptron.blocks.before_classes import add_hidden
from receptron.blocks.classifier import Classifier
from receptron.bundle import store
from receptron.bundle.card import ModelCard
from receptron.bundle.ensembles.ensemble import Ensemble
from receptron.bundle.ensembles.kept import EnsembleCard, parts_of, state_of, state_of_member
from receptron.bundle.placed import MEND
from receptron.errors import BadValue, BundleCorrupt, BundleFault, ImageTooSmall, UnknownName
from receptron.own_net.own_network import read_own
from receptron.records import short
from receptron.zoo import build

_VARIANCE = "running_var"


def assemble(folder: Path, card: ModelCard, state: Mapping[str, Tensor], own: str | None = None) -> nn.Module:
    """The network of `card` with the tensors of `state`; it is shaped without numbers, so that nothing is allocated for a refused one.

    `own` names the file of a network of the user's own, FILE.py or FILE.py:CLASS: without it nothing is run.
    Raises: BundleFault for a net that this version does not know, and for another file than the model was made with; BundleCorrupt naming
    the field or the tensor.
    """
    if card.ensemble:
        return _together(folder, card, card.ensemble, state, own)
    net = _fresh(folder, card, own)
    _check_parameters(folder / store.CARD, card, net)
    _check_tensors(folder / store.WEIGHTS, card, net.state_dict(), state)
    net.load_state_dict(state, assign=True)
    return net


def _together(folder: Path, card: ModelCard, told: EnsembleCard, state: Mapping[str, Tensor], own: str | None) -> Ensemble:
    """Every network of an ensemble; what they share lies once in the file."""
    file, nets = folder / store.CARD, list[Classifier]()
    for _ in range(told.members):
        net = _fresh(folder, card, own)
        if not isinstance(net, Classifier):
            raise BundleCorrupt(f"{file}: ensemble is there.", why=f"{card.net} is no classifier", mend=MEND)
        nets.append(net)
    if told.shared > (most := parts_of(nets[0])):
        raise BundleCorrupt(
            f"{file}: ensemble.shared is {told.shared}.", why=f"{card.net} has {most} parts before its class layer", mend=MEND
        )
    _check_tensors(folder / store.WEIGHTS, card, state_of(nets, told.shared), state)
    for number, net in enumerate(nets):
        net.load_state_dict(state_of_member(state, net, number, told.shared), assign=True)
    found = Ensemble(nets, told.shared, told.inner)
    _check_parameters(file, card, found)
    return found


def _fresh(folder: Path, card: ModelCard, own: str | None) -> nn.Module:
    return _own(folder, card, own) if card.own or own else _shaped(folder / store.CARD, card)


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
    return net


def _own(folder: Path, card: ModelCard, own: str | None) -> nn.Module:
    """The user's own network, from the very file that the model was made with."""
    if card.own is None:
        raise BundleFault(f"{folder} holds {card.net} of the zoo, and no network of your own.", mend=f"leave --net {own} out")
    if own is None:
        raise BundleFault(
            f"{folder} needs the file of its network, {card.own.shown}.",
            why="a model directory holds no code and runs none by itself",
            mend=f"name the file that you trust: --net {card.own.shown}",
        )
    return read_own(own, record=card.own).classifier(len(card.classes), (card.channels, card.input.pixels))


def _check_parameters(file: Path, card: ModelCard, net: nn.Module) -> None:
    held = sum(parameter.numel() for parameter in net.parameters())
    if held != card.parameters:
        why = f"{card.net} with {len(card.classes)} classes and {card.channels} channels has {held:,}"
        raise BundleCorrupt(f"{file}: parameters is {card.parameters:,}.", why=why, mend=MEND)


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
