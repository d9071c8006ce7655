"""Small records that a run cannot do without: written twice, each with the digest of its text, so that one flipped bit loses nothing."""

import hashlib
from pathlib import Path
from typing import TypeVar

from receptron.atomic_write import write_file
from receptron.errors import DataFault
from receptron.records import from_json, to_json

T = TypeVar("T")


def write(path: Path, record: object) -> None:
    """Put `record` at `path` and in a copy beside it. Raises: StorageFault."""
    text = to_json(record)
    for file in (path, _copy(path)):
        write_file(file, f"{_digest(text)}\n{text}\n")


def read(path: Path, kind: type[T]) -> T | None:
    """The record at `path`, or in its copy where `path` is damaged; None where neither was ever written.

    Raises: DataFault if neither is sound.
    """
    faults: list[str] = []
    for file in (path, _copy(path)):
        try:
            seal, _, text = file.read_text(encoding="utf-8").partition("\n")
        except FileNotFoundError:
            continue
        except (OSError, UnicodeDecodeError) as error:
            faults.append(f"{file.name}: {error}")
            continue
        if seal == _digest(text.removesuffix("\n")):
            return from_json(text, kind, source=str(file))
        faults.append(f"{file.name} does not have the digest that it states")
    if faults:
        raise DataFault(f"{path} is damaged, and so is its copy.", why="; ".join(faults), mend="restore it from a backup")
    return None


def _copy(path: Path) -> Path:
    return path.with_name(f"{path.name}.copy")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()
