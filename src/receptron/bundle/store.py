"""The model directory on disk: model.safetensors, model.json (the card), split.csv, MANIFEST.json. Written whole; verified when loaded."""

import csv
import io
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from receptron import durable
from receptron.bundle import manifest
from receptron.bundle.card import Card
from receptron.errors import BundleCorrupt, BundleFault, NonFinite, NotABundle
from receptron.records import from_json, to_json

WEIGHTS, CARD, SPLIT = "model.safetensors", "model.json", "split.csv"
INNER = "model"  # where a run's folder keeps its model directory
FORMAT = 1
_MEND = "give the folder that receptron train wrote"
_COLUMNS = ("sha256", "path", "side", "label")


@dataclass(frozen=True)
class Placed:
    """Which side one image was on when the model was made; the digest tells it again, whatever it is called by then."""

    sha256: str
    path: str
    side: str  # "train", "test", ...
    label: str


@dataclass(frozen=True)
class Contents:
    """A verified model directory, read into memory."""

    card: Card
    state: dict[str, Tensor]
    split: tuple[Placed, ...]


@dataclass(frozen=True)
class _Format:
    format: int = 0


def save(folder: Path, card: Card, state: Mapping[str, Tensor], split: Iterable[Placed] = ()) -> Path:
    """Write the model directory `folder`; an older one there is replaced only once the new one is on disk.

    Raises: NonFinite naming a tensor with NaN or infinity; BundleFault if something else than a model lies at `folder`; StorageFault.
    """
    if folder.exists() and not is_replaceable(folder):
        what = f"{folder} holds something else than a model: {foreign(folder)}."
        raise BundleFault(what, why="saving would replace the whole folder", mend="choose another folder")
    files = {WEIGHTS: _weights(state), CARD: to_json(card).encode() + b"\n", SPLIT: _table(split)}
    durable.write_folder(folder, lambda place: manifest.write(place, files))
    return folder


def read(folder: Path) -> Contents:
    """Card, weights and split of a model directory, after every file was checked against the manifest. Never unpickles.

    Raises: NotABundle; BundleCorrupt naming the changed, missing or extra file; BundleFault for a format this version does not know.
    """
    for place in (folder, folder / INNER):
        with suppress(NotABundle):
            return durable.read_folder(place, _contents)
    if folder.is_dir():
        raise NotABundle(f"{folder} is no model directory.", why=f"there is no {manifest.NAME} in it", mend=_MEND)
    raise NotABundle(f"{folder} is no model directory.", why="it is a file" if folder.exists() else "there is no such folder", mend=_MEND)


def _contents(folder: Path) -> Contents:
    files = manifest.read(folder)
    for name in (WEIGHTS, CARD, SPLIT):
        if name not in files:
            raise BundleCorrupt(f"{folder / name} is missing.", why="the manifest does not list it", mend="make the model again")
    return Contents(_card(folder, files[CARD]), _state(folder, files[WEIGHTS]), _placed(folder, files[SPLIT]))


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
    ours = {WEIGHTS, CARD, SPLIT, manifest.NAME} | manifest.LITTER
    odd = sorted(path.name for path in folder.iterdir() if path.name not in ours)
    return ", ".join(odd[:3]) + (f" and {len(odd) - 3} more" if len(odd) > 3 else "")


def _weights(state: Mapping[str, Tensor]) -> bytes:
    for name, tensor in state.items():
        if not bool(torch.isfinite(tensor).all()):
            raise NonFinite(f"{name} holds NaN or infinity; the model was not saved.", mend="train again with a lower learning rate")
    return safetensors.torch.save({name: t.detach().cpu().clone(memory_format=torch.contiguous_format) for name, t in state.items()})


def _table(split: Iterable[Placed]) -> bytes:
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(_COLUMNS)
    rows.writerows((row.sha256, row.path, row.side, row.label) for row in split)
    return text.getvalue().encode(errors="surrogateescape")


def _placed(folder: Path, data: bytes) -> tuple[Placed, ...]:
    header, *rows = csv.reader(io.StringIO(data.decode(errors="surrogateescape"), newline=""))
    if tuple(header) != _COLUMNS or any(len(row) != len(_COLUMNS) for row in rows):
        raise BundleCorrupt(f"{folder / SPLIT} does not have the columns {', '.join(_COLUMNS)}.", mend="make the model again")
    return tuple(Placed(*row) for row in rows)


def _card(folder: Path, data: bytes) -> Card:
    found = from_json(data, _Format, source=str(folder / CARD)).format
    if found != FORMAT:
        raise BundleFault(
            f"{folder / CARD} has format {found}, this version reads {FORMAT}.",
            why="another version of Receptron made this model",
            mend="pip install --upgrade receptron",
        )
    return from_json(data, Card, source=str(folder / CARD))


def _state(folder: Path, data: bytes) -> dict[str, Tensor]:
    try:
        return safetensors.torch.load(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise BundleCorrupt(f"{folder / WEIGHTS} is not a sound safetensors file.", why=str(error), mend="make the model again") from error
