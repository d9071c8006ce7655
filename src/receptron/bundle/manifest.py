"""MANIFEST.json: name, size and SHA-256 of every file of a folder, so that a changed, missing or extra one is found before it is used.

Model directories and checkpoints share it. It is written last; a folder without it was never finished. It promises integrity, not
authorship: whoever can edit the folder can write a manifest that agrees. So what the files say is checked as well, by whoever reads them,
and nothing in them is ever run. Links to plain files are followed; pipes and devices are never opened.
"""

import hashlib
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from receptron.errors import BundleCorrupt, BundleFault, DataFault, NotABundle
from receptron.records import from_json, to_json

NAME = "MANIFEST.json"
FORMAT = 1
_LIMIT = 1 << 20  # bytes; a manifest of a dozen files takes two thousand
_LITTER = {".DS_Store", "Thumbs.db", "desktop.ini"}  # what file managers leave behind; never read
_LONGEST = 255  # bytes of a file name
_MEND = "restore the folder from a copy, or make it again"


@dataclass(frozen=True)
class Sum:
    """Size and digest of one file."""

    bytes: Annotated[int, Meta(ge=0, le=2**53)]
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


@dataclass(frozen=True)
class Manifest:
    """Every file of a folder, by name, and the digest of this list itself, so that damage to it is not blamed on a file it lists."""

    format: Annotated[int, Meta(ge=0, le=2**31)]
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
    """Write the files and then the manifest into `folder`; for use inside `atomic_write.write_folder`."""
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    (folder / NAME).write_bytes(of(contents))


def read(folder: Path, limits: Mapping[str, int] | None = None, optional: Container[str] = ()) -> dict[str, bytes]:
    """The files of `folder`, each checked against the manifest: the bytes that were checked are the bytes returned.

    With `limits`, name -> most bytes, the folder must hold these files and no others, and a larger one is not read; those that are
    `optional` may be left out.
    Raises: NotABundle without a manifest; BundleCorrupt naming the changed, missing or extra file; BundleFault for another format, or a
    file or folder that cannot be read.
    """
    listed = _manifest(folder)
    wanted = listed.files if limits is None else limits
    for name in (name for name in wanted if name not in listed.files and name not in optional):
        raise BundleCorrupt(f"{folder / name} is missing.", why="the manifest does not list it", mend=_MEND)
    for name in sorted(_present(folder) | listed.files.keys()):
        if name not in listed.files or name not in wanted:
            why = "something was added" if name not in listed.files else "a model has no such file"
            raise BundleCorrupt(f"{folder / name} is not part of this folder's manifest.", why=why, mend="move it elsewhere")
    return {name: _checked(folder / name, sum_, (limits or {}).get(name)) for name, sum_ in listed.files.items()}


def is_litter(name: str) -> bool:
    """Whether file managers leave such a file behind: `.DS_Store`, and `._x` beside each x (RFC 1740) on disks that are not a Mac's own."""
    return name in _LITTER or name.startswith("._")


def converted(folder: Path, files: Mapping[str, bytes]) -> list[str]:
    """Which of the files that `read` gave lie there with other line ends than they were written with."""
    return [name for name, data in files.items() if (folder / name).stat().st_size != len(data)]


def _present(folder: Path) -> set[str]:
    try:
        return {path.name for path in folder.iterdir() if not is_litter(path.name)} - {NAME}
    except OSError as error:
        raise _unreadable(folder, error) from error


def _manifest(folder: Path) -> Manifest:
    path = folder / NAME
    if not _is_plain(path):
        raise NotABundle(f"{folder} has no {NAME}.", why="it is not a model directory, or was never finished", mend="check the path")
    data = _bytes(path, _LIMIT + 1)
    try:
        found = from_json(data, Manifest, source=str(path))
    except DataFault as error:
        raise BundleCorrupt(f"{path} is damaged.", why=error.why, mend=_MEND) from error
    if text(found.format, found.files) not in (data, _unix(data)) or any(_odd(name) for name in found.files):
        raise BundleCorrupt(f"{path} is damaged.", why="its text is not what this program writes", mend=_MEND)
    if found.format != FORMAT:
        raise BundleFault(
            f"{path} has format {found.format}, this version reads {FORMAT}.",
            why="a newer version wrote it, or the file is damaged",
            mend="pip install --upgrade receptron",
        )
    return found


def _checked(path: Path, expected: Sum, limit: int | None) -> bytes:
    if not _is_plain(path):
        what = "is no plain file" if path.exists() else "is missing"
        raise BundleCorrupt(f"{path} {what}.", why=f"the manifest lists {expected.bytes:,} bytes", mend=_MEND)
    size = path.stat().st_size
    if expected.bytes < size <= 2 * expected.bytes and (limit is None or expected.bytes <= limit):
        return _restored(path, expected, size)
    if size != expected.bytes:
        raise BundleCorrupt(f"{path} has changed.", why=f"{size:,} bytes where the manifest says {expected.bytes:,}", mend=_MEND)
    if limit is not None and size > limit:
        raise BundleCorrupt(f"{path} is too large to be read.", why=f"it has {size:,} bytes, at most {limit:,} are possible", mend=_MEND)
    data = _bytes(path, expected.bytes + 1)
    digest = hashlib.sha256(data).hexdigest()
    if digest != expected.sha256:
        raise BundleCorrupt(
            f"{path} has changed.", why=f"its SHA-256 is {digest[:12]}..., the manifest says {expected.sha256[:12]}...", mend=_MEND
        )
    return data


def _restored(path: Path, expected: Sum, size: int) -> bytes:
    """The file as it was written, where only its line ends were made those of Windows since. Raises: BundleCorrupt."""
    data = _bytes(path, size + 1)
    unix = _unix(data)
    if hashlib.sha256(unix).hexdigest() == expected.sha256:
        return unix
    why = f"{size:,} bytes where the manifest says {expected.bytes:,}"
    if b"\r\n" in data and b"\n" not in data.replace(b"\r\n", b""):
        why += "; its line ends were made those of Windows (CRLF), as git and FTP do to text"
        raise BundleCorrupt(f"{path} has changed.", why=why, mend="copy the folder again as binary files (git: * -text in .gitattributes)")
    raise BundleCorrupt(f"{path} has changed.", why=why, mend=_MEND)


def _unix(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n")


def _bytes(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(limit)
    except OSError as error:
        raise _unreadable(path, error) from error


def _is_plain(path: Path) -> bool:
    """Whether a plain file is there, or a link to one: a pipe would keep whoever opens it waiting."""
    try:
        return path.is_file()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> BundleFault:
    return BundleFault(f"{path} cannot be read.", why=error.strerror or str(error), mend="check its permissions and the disk")


def _odd(name: str) -> bool:
    """Whether a name could lead elsewhere, here or on another system, or is none that this program gives."""
    return not name.isprintable() or bool(set(name) & set("/\\:")) or name in {"", ".", "..", NAME} or len(name.encode()) > _LONGEST
