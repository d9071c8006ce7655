"""Paths as users give them: an empty one would mean the folder they stand in, and a pipe or a device would be waited for, or never end."""

import os
from pathlib import Path

from receptron.errors import BadValue


def check_given(path: object) -> Path:
    """The path with `~` as the user's home. Raises: BadValue for what is no path, and for empty text, as of a variable that is not set."""
    if isinstance(path, os.PathLike):
        path = os.fspath(path)  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(path, str):
        kind = type(path).__name__  # pyright: ignore[reportUnknownArgumentType]
        raise BadValue(f"a path was asked for, and what came is a {kind}.", mend="give text or a pathlib.Path")
    if not path:
        raise BadValue("the path is empty.", why="it would mean the folder you are in", mend="name it; the folder you are in is .")
    return expanded(Path(path))


def expanded(path: Path) -> Path:
    """With `~` as the user's home; `~name` stays where there is no such user, as in a shell."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def check_plain(path: Path) -> Path:
    """The path itself; what lies there, links followed, is not opened. Raises: BadValue if it is neither a file nor a folder."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise BadValue(f"{path} is no plain file.", why="it is a pipe, a socket or a device", mend="give the name of a plain file")
    return path
