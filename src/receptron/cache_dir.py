"""Where things that can be made again are kept on this machine."""

import os
import tempfile
from getpass import getuser
from pathlib import Path

import platformdirs

from receptron.errors import StorageFault
from receptron.given_path import expanded


def cache(part: str) -> Path:
    """The folder of one part ("weights", "features", "samples") in the user's cache; the variable RECEPTRON_CACHE moves them all.

    Where a user has no folder of their own to write to, it lies with the temporary files. Raises: StorageFault if that is not theirs.
    """
    if named := os.environ.get("RECEPTRON_CACHE"):
        return expanded(Path(named)) / part
    usual = Path(platformdirs.user_cache_dir("receptron"))
    return (usual if _can_write(usual) else _temporary()) / part


def _can_write(folder: Path) -> bool:
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)


def _temporary() -> Path:
    """A folder that nobody else can write to."""
    folder = Path(tempfile.gettempdir()) / f"receptron-{getuser()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if hasattr(os, "getuid") and (found.st_uid != os.getuid() or found.st_mode & 0o022 or folder.is_symlink()):
        raise StorageFault(
            f"{folder} is not a folder of yours alone.", why="caches would lie there, as your home cannot be written to",
            mend="name another folder with the variable RECEPTRON_CACHE",
        )  # fmt: skip
    return folder
