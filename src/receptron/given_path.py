"""Paths as users give them: an empty one would mean the folder they stand in, and a pipe or a device would be waited for, or never end."""

from pathlib import Path

from receptron.errors import BadValue


def check_given(path: str | Path) -> Path:
    """The path itself. Raises: BadValue for empty text, as of a variable that is not set."""
    if not str(path):
        raise BadValue("the path is empty.", why="it would mean the folder you are in", mend="name it; the folder you are in is .")
    return Path(path)


def check_plain(path: Path) -> Path:
    """The path itself; what lies there, links followed, is not opened. Raises: BadValue if it is neither a file nor a folder."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise BadValue(f"{path} is no plain file.", why="it is a pipe, a socket or a device", mend="give the name of a plain file")
    return path
