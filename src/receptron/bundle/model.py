"""A trained network with everything it needs to answer: `load` a model directory, `Model.predict` images."""

from pathlib import Path
from typing import cast

import torch
from torch import nn

from receptron.bundle import store
from receptron.bundle.assemble import assemble
from receptron.bundle.card import ModelCard
from receptron.bundle.novelty_file import check_width
from receptron.bundle.placed import Placed
from receptron.bundle.predictor import Predictor
from receptron.data.reading.file_bytes import LIMITS, Limits
from receptron.errors import BadValue
from receptron.evaluation.novelty.scorer import NoveltyScorer
from receptron.given_path import check_given
from receptron.records import short


class Model(Predictor):
    """A network in eval mode with its card. `load` makes one.

    Args:
        card: What is known of the network.
        net: The network, which is set to eval mode and learns no more.
        split: Which side each image was on when it was trained.
        folder: Where it was loaded from.
        limits: What one image may cost.
        novelty: What tells images of no class; None where the card has no limits for it.

    Example:
        >>> model = load("digits-model")
        >>> model.classes[:3], model.folder.name
        (('0', '1', '2'), 'digits-model')
    """

    def __init__(
        self,
        card: ModelCard,
        net: nn.Module,
        split: tuple[Placed, ...] = (),
        folder: Path | None = None,
        limits: Limits = LIMITS,
        novelty: NoveltyScorer | None = None,
    ) -> None:
        super().__init__(card, net, limits)
        self.card, self.split, self.folder, self.novelty = card, split, folder, novelty


def load(folder: str | Path, device: str = "cpu", limits: Limits = LIMITS, net: str | None = None) -> Model:
    """The model in a directory that `receptron train` wrote, verified to the last byte, each number within its range; nothing is unpickled,
    and no code is run but that of the file which `net` names.

    Args:
        folder: The folder that `train` wrote, or the model directory in it.
        device: "cpu", "cuda", "mps", ... as torch names them, or "auto" for the best that is here.
        limits: What one image may cost.
        net: FILE.py or FILE.py:CLASS, for a model of a network of your own; its digest must be the model's.

    Returns:
        Ready to answer.

    Raises:
        NotABundle: If no model directory is there.
        BundleCorrupt: For a file that is not as it was written, naming the file and the field.
        BundleFault: For a format or a net that this version does not know, and for a network of your own without its very file.
        BadValue: For what is no path, and a device that is not here.
        ForwardFault: For what the code of a network of your own raises.

    Example:
        >>> load("digits-model").predict(["scans/first.png"])[0].answered
        True
    """
    path = check_given(folder)
    found = store.read(path)
    made = assemble(found.folder, found.card, found.state, net)
    if found.novelty:
        check_width(found.folder / store.NOVELTY, found.novelty, made)
    model = Model(found.card, made.to(device_called(device)), found.split, path, limits, found.novelty)
    told = "its line ends were made those of Windows (CRLF); it is read as it was written"
    model.notes = [f"{found.folder / name}: {told}" for name in found.converted]
    return model


def device_called(name: str) -> torch.device:
    """The device of torch that `name` means; "auto": the best that is here. Raises: BadValue."""
    if not isinstance(cast(object, name), str):
        raise BadValue(f"device is {short(name)}.", why=f"it is a {type(name).__name__}", mend="use cpu, or auto")
    if name == "auto":
        best = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        return best or torch.device("cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, TypeError) as error:
        raise BadValue(f"there is no device {name!r} here.", why=str(error).splitlines()[0], mend="use cpu, or auto") from error
    return device
