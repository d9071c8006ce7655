"""Checkpoints that survive: one folder per step, whole or absent, and the newest that verifies wins.

A save writes into a temp folder beside its target, forces every file and folder to the disk, renames, and forces the parent. Older
checkpoints go only after the new one was read back and verified. What a killed process left behind is swept away at the next start.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TypeVar

import msgspec
import safetensors.torch
import torch
from torch import Tensor

from receptron import atomic_write
from receptron.bundle import manifest
from receptron.errors import BadValue, BundleCorrupt, BundleFault, NonFinite, StorageFault
from receptron.records import from_json, to_json
from receptron.training.hardware.disk_room import shortage
from receptron.weights.store import unpack

T = TypeVar("T")
_PREFIX, _STATE, _ENDING = "step-", "state.json", ".safetensors"
_BLOCK = 4096  # bytes that each file or folder may take beyond its content


@dataclass(frozen=True)
class Checkpoint:
    """What one step left behind: named groups of tensors on the CPU, and the JSON text of the rest."""

    step: int
    path: Path
    tensors: dict[str, dict[str, Tensor]]  # "model" -> name -> tensor, "optimiser" -> ...
    state: bytes

    def record(self, kind: type[T]) -> T:
        """The rest of the state, as the record that was saved."""
        return from_json(self.state, kind, source=str(self.path / _STATE))


class Checkpoints:
    """The checkpoints of one run in a folder that belongs to it alone; at most `keep` of them stay.

    `skipped` tells, one sentence each, which checkpoints `newest` passed over and why.
    """

    def __init__(self, folder: Path, keep: int = 2) -> None:
        if keep < 1:
            raise BadValue(f"at least one checkpoint must be kept, got keep={keep}.")
        self.folder, self.keep, self.skipped = folder, keep, list[str]()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            atomic_write.sweep(folder)
        except OSError as error:
            raise StorageFault(f"{folder} cannot hold checkpoints.", why=str(error), mend="choose another place with --out") from error

    def save(self, step: int, tensors: Mapping[str, Mapping[str, Tensor]], state: object) -> Path:
        """Put groups of tensors ("model", "optimiser", ...) and a record on disk as checkpoint number `step`; returns its folder.

        Raises: NonFinite naming the tensor or field with NaN or infinity; StorageFault, with every older checkpoint as it was.
        """
        _finite_state(msgspec.to_builtins(state, enc_hook=str), "state")
        contents = {f"{group}{_ENDING}": _packed(group, named) for group, named in tensors.items()}
        contents[_STATE] = to_json(state).encode()
        path = self.folder / f"{_PREFIX}{step:09d}"
        self._room(path, contents)
        atomic_write.write_folder(path, lambda folder: manifest.write(folder, contents))
        self._verify(path)
        self._drop_older(path)
        return path

    def newest(self) -> Checkpoint | None:
        """The checkpoint of the highest step that verifies, or None; damaged ones are told in `skipped`."""
        self.skipped.clear()
        for path in self._paths():
            try:
                return _load(path)
            except BundleFault as error:
                self.skipped.append(f"checkpoint {path.name} is passed over: {error.what} {error.why}.")
        return None

    def clear(self) -> None:
        """Remove every checkpoint, for a run that starts anew in the same folder."""
        for path in self._paths():
            _remove(path)

    def _paths(self) -> list[Path]:
        return sorted((p for p in self.folder.glob(f"{_PREFIX}*") if p.name.removeprefix(_PREFIX).isdigit()), key=_step, reverse=True)

    def _room(self, path: Path, contents: Mapping[str, bytes]) -> None:
        needed = sum(len(data) + _BLOCK for data in contents.values()) + 2 * _BLOCK
        if short := shortage(self.folder, needed):
            raise StorageFault(
                f"no room to write {path}; the checkpoints there are untouched.",
                why=f"{short.free:,} bytes free, {needed:,} needed",
                mend="free some room on that disk, or choose another place with --out",
            )

    def _verify(self, path: Path) -> None:
        try:
            manifest.read(path)
        except BundleFault as error:
            raise StorageFault(
                f"{path} was written but reads back wrong; older checkpoints are untouched.",
                why=f"{error.what} {error.why}",
                mend="the disk may be failing: choose another place with --out",
            ) from error

    def _drop_older(self, newest: Path) -> None:
        others = [path for path in self._paths() if path != newest]
        for path in others[self.keep - 1 :]:
            _remove(path)


def _load(path: Path) -> Checkpoint:
    contents = manifest.read(path)
    try:
        tensors = {name.removesuffix(_ENDING): unpack(data) for name, data in contents.items() if name.endswith(_ENDING)}
        return Checkpoint(_step(path), path, tensors, contents[_STATE])
    except (ValueError, KeyError) as error:
        raise BundleCorrupt(f"{path} holds no checkpoint.", why=str(error), mend="remove that folder") from error


def _packed(group: str, named: Mapping[str, Tensor]) -> bytes:
    plain: dict[str, Tensor] = {}
    for name, tensor in named.items():
        if not bool(torch.isfinite(tensor).all()):
            raise NonFinite(
                f"{group}: {name} holds NaN or infinity; no checkpoint was written.",
                why="training went astray after the last checkpoint",
                mend="resume from it with a lower learning rate, or in 32-bit",
            )
        plain[name] = tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
    return safetensors.torch.save(plain)


def _finite_state(state: object, place: str) -> None:
    match state:
        case float(number) if not isfinite(number):
            raise NonFinite(f"{place} is {number}; no checkpoint was written.", mend="resume from the last one with a lower learning rate")
        case dict(fields):
            for name, value in fields.items():
                _finite_state(value, f"{place}.{name}")
        case list(values) | tuple(values):
            for i, value in enumerate(values):
                _finite_state(value, f"{place}.{i}")
        case _:
            pass


def _step(path: Path) -> int:
    return int(path.name.removeprefix(_PREFIX))


def _remove(path: Path) -> None:
    """Hide first, then delete: a kill in between leaves a temp folder to sweep, never half a checkpoint."""
    hidden = atomic_write.temp_beside(path)
    try:
        path.rename(hidden)
    except OSError:
        return  # an old checkpoint too many does no harm; the new one stands
    shutil.rmtree(hidden, ignore_errors=True)
