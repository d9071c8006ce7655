"""One name in several spellings: Unicode writes é as one character (NFC) or as e with an accent (NFD), and disks differ in which they keep.

Labels are compared and kept in NFC; a path that is not there as given is looked for in the other form.
"""

import errno
import os
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path


def composed(name: str) -> str:
    """The name in NFC.

    >>> composed("cafe\\u0301") == "caf\\u00e9"
    True
    """
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def exists(path: Path) -> bool:
    """Whether something lies there, a broken link included; a name that no file can have is none. Raises: OSError if it cannot be told."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return False
        raise
    return True


def on_disk(path: Path) -> Path | None:
    """What `path` names, or what differs from it in the Unicode form of its names only; None if nothing does, or several do.

    Raises: OSError where that cannot be told, as in a folder that may not be entered.
    """
    if exists(path):
        return path
    return _found(path, composed)


def in_other_case(path: Path) -> Path | None:
    """What differs from `path`, which is not there, only in capitals and small letters."""
    return _found(path, lambda name: composed(name).casefold())


def _found(path: Path, form: Callable[[str], str]) -> Path | None:
    if path == path.parent:
        return path
    above = path.parent if exists(path.parent) else _found(path.parent, form)
    if above is None:
        return None
    alike = [name for name in _names(above) if form(name) == form(path.name)]
    return above / alike[0] if len(alike) == 1 else None


@lru_cache(maxsize=256)
def _listing(folder: Path, changed: int) -> tuple[str, ...]:
    return tuple(os.listdir(folder))  # noqa: PTH208 - names alone


def _names(folder: Path) -> tuple[str, ...]:
    try:
        return _listing(folder, folder.stat().st_mtime_ns)
    except OSError:
        return ()
