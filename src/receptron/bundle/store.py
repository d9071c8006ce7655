"""The model directory on disk: model.safetensors, model.json (the card), split.csv, novelty.safetensors, MANIFEST.json.

Written whole; verified when loaded. A model that cannot tell what is new to it has no novelty.safetensors.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from receptron import atomic_write
from receptron.bundle import manifest, novelty_file
from receptron.bundle.card import ModelCard
from receptron.bundle.contradictions import contradictions
from receptron.bundle.placed import MEND, Placed, placed, table
from receptron.errors import BundleCorrupt, BundleFault, DataFault, NonFinite, NotABundle
from receptron.evaluation.novelty.scorer import NoveltyScorer
from receptron.records import from_json, to_json
from receptron.weights.store import unpack

WEIGHTS, CARD, SPLIT, NOVELTY = "model.safetensors", "model.json", "split.csv", novelty_file.NAME
LIMITS = {WEIGHTS: 4 * 2**30, CARD: 256 * 2**20, SPLIT: 256 * 2**20, NOVELTY: 256 * 2**20}
"""Most bytes of each file: the largest net of the zoo has 1.4 GB, and the card of the most classes about 170 MB;
novelty has 8 MB of features and as much as the class layer."""
INNER = "model"  # where a run's folder keeps its model directory
FORMAT = 1


@dataclass(frozen=True)
class Contents:
    """A verified model directory, read into memory."""

    card: ModelCard
    state: dict[str, Tensor]
    split: tuple[Placed, ...]
    folder: Path
    novelty: NoveltyScorer | None = None
    converted: tuple[str, ...] = ()  # files whose line ends were changed since; what was read is as it was written


@dataclass(frozen=True)
class _Format:
    format: int = 0


def save(
    folder: Path,
    card: ModelCard,
    state: Mapping[str, Tensor],
    split: Iterable[Placed] = (),
    novelty: NoveltyScorer | None = None,
) -> Path:
    """Write the model directory `folder`; an older one there is replaced only once the new one is on disk.

    Raises: NonFinite naming a tensor with NaN or infinity; BundleFault if something else than a model lies at `folder`; StorageFault.
    """
    if folder.exists() and not is_replaceable(folder):
        what = f"{folder} holds something else than a model: {foreign(folder)}."
        raise BundleFault(what, why="saving would replace the whole folder", mend="choose another folder")
    files = {WEIGHTS: _weights(state), CARD: to_json(card).encode() + b"\n", SPLIT: table(split)}
    files |= {NOVELTY: novelty_file.packed(novelty)} if novelty else {}
    atomic_write.write_folder(folder, lambda path: manifest.write(path, files))
    return folder


def read(folder: Path) -> Contents:
    """Card, weights and split of a model directory, after every file was checked against the manifest. Never unpickles.

    Raises: NotABundle; BundleCorrupt naming the changed, missing or extra file; BundleFault for a format this version does not know.
    """
    try:
        for path in (folder, folder / INNER):
            with suppress(NotABundle):
                return atomic_write.read_folder(path, _contents)
        found = folder.is_dir()
    except (OSError, ValueError) as error:
        raise NotABundle(f"{folder} cannot be looked into.", why=str(error), mend="check the path and its permissions") from error
    mend = "give the folder that receptron train wrote"
    if found:
        raise NotABundle(f"{folder} is no model directory.", why=f"there is no {manifest.NAME} in it", mend=mend)
    raise NotABundle(f"{folder} is no model directory.", why="it is a file" if folder.exists() else "there is no such folder", mend=mend)


def _contents(folder: Path) -> Contents:
    files = manifest.read(folder, LIMITS, optional={NOVELTY})
    card, changed = _card(folder / CARD, files[CARD]), tuple(manifest.converted(folder, files))
    novelty = novelty_file.unpacked(folder / NOVELTY, files.get(NOVELTY), card)
    state, split = _state(folder / WEIGHTS, files[WEIGHTS]), placed(folder / SPLIT, files[SPLIT], card.classes)
    return Contents(card, state, split, folder, novelty, changed)


def verify(folder: Path) -> None:
    """Check a model directory to the last byte. Raises: as `read`."""
    read(folder)


def is_replaceable(folder: Path) -> bool:
    """Whether `folder` holds nothing but an earlier model, so that a new one may take its place without loss."""
    return not foreign(folder)


def foreign(folder: Path) -> str:
    """What in `folder` is no part of a model, in a few words; empty if nothing is."""
    if not folder.is_dir():
        return "it is a file"
    ours = {*LIMITS, manifest.NAME}
    odd = sorted(path.name for path in folder.iterdir() if path.name not in ours and not manifest.is_litter(path.name))
    return ", ".join(odd[:3]) + (f" and {len(odd) - 3} more" if len(odd) > 3 else "")


def _weights(state: Mapping[str, Tensor]) -> bytes:
    for name, tensor in state.items():
        if not bool(torch.isfinite(tensor).all()):
            raise NonFinite(f"{name} holds NaN or infinity; the model was not saved.", mend="train again with a lower learning rate")
    return safetensors.torch.save({name: t.detach().cpu().clone(memory_format=torch.contiguous_format) for name, t in state.items()})


def _card(path: Path, data: bytes) -> ModelCard:
    try:
        found = from_json(data, _Format, source=str(path)).format
        if found != FORMAT:
            raise BundleFault(
                f"{path} has format {found}, this version reads {FORMAT}.",
                why="another version of Receptron made this model",
                mend="pip install --upgrade receptron",
            )
        card = from_json(data, ModelCard, source=str(path), exact=True)
    except DataFault as error:
        raise BundleCorrupt(f"{path} is no card of a model.", why=error.why, mend=MEND) from error
    if contradiction := next(contradictions(card), ""):
        raise BundleCorrupt(f"{path} contradicts itself.", why=contradiction, mend=MEND)
    return card


def _state(path: Path, data: bytes) -> dict[str, Tensor]:
    try:
        return unpack(data)
    except ValueError as error:
        raise BundleCorrupt(f"{path} is not a sound safetensors file.", why=str(error), mend=MEND) from error
