"""What a model keeps of a user's own network: never code, only by what the file is known again."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeAlias

from msgspec import Meta

from receptron.errors import BundleFault

_Within: TypeAlias = Annotated[str, Meta(pattern=r"^(?!/)(?!(?:.*/)?\.{0,2}(?:/|$))[^\\:\x00-\x1f]+$", max_length=500)]
"""A path below a folder: relative, of plain names, none of which leads up or to another drive."""


@dataclass(frozen=True)
class OwnNetRecord:
    """Which file, class and arguments made a network, and the digests of the file and of what it imports from beside it.

    Installed packages and what lies elsewhere are not covered.
    """

    file: _Within
    name: Annotated[str, Meta(pattern=r"^[^\W\d]\w{0,199}$")]  # of the class, function or instance
    arguments: Annotated[str, Meta(max_length=10_000)]  # JSON, as --args gave it; empty without
    sources: Annotated[dict[_Within, Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]], Meta(min_length=1, max_length=1000)]

    @property
    def shown(self) -> str:
        """As it is named: net.py:SmallNet."""
        return f"{self.file.rpartition('/')[2]}:{self.name}"

    @property
    def digest(self) -> str:
        """One digest over file, class, arguments and everything covered."""
        return hashlib.sha256(repr((self.name, self.arguments, sorted(self.sources.items()))).encode()).hexdigest()


def sha256_of(path: Path) -> str:
    """Of a file's bytes; empty where it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def check_same(record: OwnNetRecord, path: Path, root: Path) -> None:
    """Before anything of it is run: the file at `path`, and those beside it below `root`, are those of the record. Raises: BundleFault."""
    for within, digest in record.sources.items():
        file = path if within == record.file else root / within
        found = sha256_of(file)
        if found != digest:
            is_there = f"its sha256 is {found}" if found else "there is no such file"
            raise BundleFault(
                f"{file} is not the file that the model was made with.",
                why=f"{is_there}, the model was made with {digest}; nothing of it was run",
                mend="give the file as it was, with those that it imports beside it, or train again",
            )
