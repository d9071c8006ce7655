"""MANIFEST.json: name, size and SHA-256 of every file of a folder, so that a changed, missing or extra one is found before it is used.

Model directories and checkpoints share it. It is written last; a folder without it was never finished.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from receptron.errors import BundleCorrupt, BundleFault, DataFault, NotABundle
from receptron.records import from_json, to_json

NAME = "MANIFEST.json"
FORMAT = 1
_LIMIT = 1 << 20  # bytes; a manifest of a dozen files takes two thousand
LITTER = {".DS_Store", "Thumbs.db", "desktop.ini"}  # what file managers leave behind; never read
_MEND = "restore the folder from a copy, or make it again"


@dataclass(frozen=True)
class Sum:
    """Size and digest of one file."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """Every file of a folder, by name, and the digest of this list itself, so that damage to it is not blamed on a file it lists."""

    format: int
    files: dict[str, Sum]
    sha256: str = ""


def of(contents: Mapping[str, bytes]) -> bytes:
    """The text of the manifest for these files, name -> content."""
    sums = {name: Sum(len(data), hashlib.sha256(data).hexdigest()) for name, data in sorted(contents.items())}
    return text(FORMAT, sums)


def text(number: int, files: dict[str, Sum]) -> bytes:
    """The one text that a manifest of format `number` for these files has."""
    listed = Manifest(number, files)
    return to_json(replace(listed, sha256=hashlib.sha256(to_json(listed).encode()).hexdigest())).encode() + b"\n"


def write(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write the files and then the manifest into `folder`; for use inside `durable.write_folder`."""
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    (folder / NAME).write_bytes(of(contents))


def read(folder: Path) -> dict[str, bytes]:
    """The files of `folder`, each checked against the manifest: the bytes that were checked are the bytes returned.

    Raises: NotABundle without a manifest; BundleCorrupt naming the changed, missing or extra file; BundleFault for another format.
    """
    listed = _manifest(folder)
    present = {path.name for path in folder.iterdir()} - {NAME} - LITTER
    for name in sorted(present - listed.files.keys()):
        raise BundleCorrupt(f"{folder / name} is not part of this folder's manifest.", why="something was added", mend="move it elsewhere")
    return {name: _checked(folder / name, expected) for name, expected in listed.files.items()}


def _manifest(folder: Path) -> Manifest:
    path = folder / NAME
    if not path.is_file():
        raise NotABundle(f"{folder} has no {NAME}.", why="it is not a model directory, or was never finished", mend="check the path")
    data = _bytes(path, _LIMIT + 1)
    try:
        found = from_json(data, Manifest, source=str(path))
    except DataFault as error:
        raise BundleCorrupt(f"{path} is damaged.", why=error.why, mend=_MEND) from error
    if text(found.format, found.files) != data or any(_odd(name) for name in found.files):
        raise BundleCorrupt(f"{path} is damaged.", why="its text is not what this program writes", mend=_MEND)
    if found.format != FORMAT:
        raise BundleFault(
            f"{path} has format {found.format}, this version reads {FORMAT}.",
            why="a newer version wrote it, or the file is damaged",
            mend="pip install --upgrade receptron",
        )
    return found


def _checked(path: Path, expected: Sum) -> bytes:
    if not path.is_file():
        raise BundleCorrupt(f"{path} is missing.", why=f"the manifest lists {expected.bytes:,} bytes", mend=_MEND)
    if (size := path.stat().st_size) != expected.bytes:
        raise BundleCorrupt(f"{path} has changed.", why=f"{size:,} bytes where the manifest says {expected.bytes:,}", mend=_MEND)
    data = _bytes(path, expected.bytes + 1)
    digest = hashlib.sha256(data).hexdigest()
    if digest != expected.sha256:
        raise BundleCorrupt(
            f"{path} has changed.", why=f"its SHA-256 is {digest[:12]}..., the manifest says {expected.sha256[:12]}...", mend=_MEND
        )
    return data


def _bytes(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(limit)
    except OSError as error:
        raise BundleFault(f"{path} cannot be read.", why=error.strerror or str(error), mend="check its permissions and the disk") from error


def _odd(name: str) -> bool:
    return name != Path(name).name or name in {"", ".", "..", NAME}
