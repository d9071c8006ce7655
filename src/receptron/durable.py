"""Writes that are whole or absent: temp name in the target's own folder, fsync, rename, fsync of the parent.

A kill or a power cut at any instant leaves either the old content or the new one. The temp name starts with
`.tmp-`, so that whoever owns a folder can sweep away what a dead process left there.
"""

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from receptron.errors import StorageFault

TEMP_PREFIX = ".tmp-"
_FULL = {errno.ENOSPC, errno.EDQUOT}


def write_file(path: Path, content: bytes | str) -> None:
    """Put `content` at `path`, replacing what is there only once the new bytes are on disk.

    Raises: StorageFault, with the previous file untouched.
    """
    temp = _temp_beside(path)
    data = content.encode() if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temp.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temp.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):  # no folder, no temporary file
            temp.unlink()
        raise _fault(path, len(data), error) from error


def write_chunks(path: Path, chunks: Iterable[bytes]) -> None:
    """Put at `path` what `chunks` gives, as it comes; what is there is replaced once all is on disk, and stays if `chunks` raises.

    Raises: StorageFault, and whatever `chunks` raises.
    """
    temp = _temp_beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temp.open("wb") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        temp.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise _fault(path, None, error) from error
    finally:
        with suppress(OSError):
            temp.unlink(missing_ok=True)


def write_folder(path: Path, fill: Callable[[Path], None]) -> None:
    """Make the folder `path` from what `fill` writes into an empty one; an older folder there is replaced.

    A kill between the two renames leaves the old folder under its spare name: `recover` brings it back.
    Raises: StorageFault, with the previous folder in place.
    """
    temp, spare = _temp_beside(path), _spare(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        recover(path)
        temp.mkdir()
        fill(temp)
        for place in [temp, *sorted(temp.rglob("*"))]:
            sync_folder(place) if place.is_dir() else sync_file(place)
        if path.exists():
            path.rename(spare)
        temp.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):  # on a disk that fails for good, the next start recovers
            recover(path)
        raise _fault(path, None, error) from error
    finally:
        shutil.rmtree(temp, ignore_errors=True)
    shutil.rmtree(spare, ignore_errors=True)


def recover(path: Path) -> None:
    """Put back the folder that a killed `write_folder` had moved aside, if the new one never took its place."""
    spare = _spare(path)
    if spare.exists():
        shutil.rmtree(spare, ignore_errors=True) if path.exists() else spare.rename(path)


def sweep(folder: Path) -> None:
    """Remove what dead processes left half written in `folder`."""
    for left in folder.glob(f"{TEMP_PREFIX}*"):
        shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_file(path: Path) -> None:
    """Force a file's bytes to the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Force a folder's names to the disk; a no-op where folders cannot be opened."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _temp_beside(path: Path) -> Path:
    return path.parent / f"{TEMP_PREFIX}{path.name}-{os.getpid()}-{uuid4().hex[:8]}"


def _spare(path: Path) -> Path:
    return path.parent / f".old-{path.name}"


def _fault(path: Path, size: int | None, error: OSError) -> StorageFault:
    why = error.strerror or str(error)
    mend = "check that the folder exists, is writable and lies on a healthy disk"
    if error.errno in _FULL:
        free = shutil.disk_usage(_existing(path)).free
        why = f"{why}: {free:,} bytes free" + (f", {size:,} needed" if size else "")
        mend = "free some room on that disk, or choose another place with --out"
    return StorageFault(f"could not write {path}; what was there before is untouched.", why=why, mend=mend)


def _existing(path: Path) -> Path:
    return next(p for p in [path, *path.parents] if p.exists())
