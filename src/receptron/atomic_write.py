"""Writes that are whole or absent: made under a temporary name on the same disk, fsync, rename, fsync of the parent.

A kill or a power cut at any instant leaves either the old content or the new one. While a folder is replaced, everything temporary lies in
one staging folder beside it that carries this program's mark and a lock; nothing without the mark is ever moved or removed. Who reads takes
no lock and writes nothing: `read_folder` sees the folder as one save left it.
"""

import errno
import hashlib
import os
import re
import shutil
import sys
import warnings
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

from receptron.errors import BundleFault, StorageFault

if TYPE_CHECKING:
    from filelock import BaseFileLock

T = TypeVar("T")
TEMP_PREFIX, STAGING_PREFIX = ".receptron-new-", ".receptron-staging-"
_TEMP = re.compile(re.escape(TEMP_PREFIX) + r".*-(\d+)-[0-9a-f]{8}")
_LOCK, MARKED, _OLD, _NEW = "lock", "mark", "old", "new"
_MARK = "made by receptron for its own work; it removes what lies here\n"
_PATIENCE = 300.0  # seconds that a save waits for another one of the same folder
_FULL = {errno.ENOSPC, errno.EDQUOT}
_Standing = tuple[Path, tuple[int, int, int] | None]


def write_file(path: Path, content: bytes | str) -> None:
    """Put `content` at `path`, or where the link `path` leads, replacing what is there only once the new bytes are on disk.

    Raises: StorageFault, with the previous file untouched.
    """
    data = content.encode(errors="backslashreplace") if isinstance(content, str) else content
    write_chunks(path, (data,), len(data))


def write_chunks(path: Path, chunks: Iterable[bytes], size: int | None = None) -> None:
    """Put at `path` what `chunks` gives, as it comes; what is there is replaced once all is on disk, and stays if `chunks` raises.

    `size`, if known, is told where the disk has no room for it. Raises: StorageFault, and whatever `chunks` raises.
    """
    target = _real(path)
    temp = temp_beside(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with temp.open("wb") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        temp.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        raise _fault(path, size, error) from error
    finally:
        with suppress(OSError):  # no folder, no temporary file
            temp.unlink(missing_ok=True)


def write_folder(path: Path, fill: Callable[[Path], None]) -> None:
    """Make the folder `path` from what `fill` writes into an empty one; an older folder there is replaced.

    One save after another: a second process waits for the first. A kill between the two renames leaves the old folder in the staging
    folder, where `read_folder` finds it and the next save puts it back. Raises: StorageFault, with the previous folder in place.
    """
    target = _real(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _staging(target) as staging:
            new = staging / _NEW
            new.mkdir()
            fill(new)
            for made in [new, *sorted(new.rglob("*"))]:
                sync_folder(made) if made.is_dir() else sync_file(made)
            if target.exists():
                target.rename(staging / _OLD)
            new.rename(target)
            sync_folder(target.parent)
    except OSError as error:
        raise _fault(path, None, error) from error


def read_folder(path: Path, read: Callable[[Path], T]) -> T:
    """What `read` makes of the folder at `path`, as one save left it; tried again whenever another process replaced it meanwhile.

    Where a save was killed between its renames, `read` is given the old folder, which lies in staging. Nothing is written.
    Raises: what `read` raises of a folder that stands still.
    """
    while True:
        before = _standing(path)
        try:
            return read(before[0])
        except (BundleFault, OSError):
            if _standing(path) == before:
                raise


def temp_beside(path: Path) -> Path:
    """A name in the same folder that nobody has, for what is not yet, or no longer, at `path`; `sweep` removes what is left of such."""
    return path.parent / f"{TEMP_PREFIX}{path.name}-{os.getpid()}-{uuid4().hex[:8]}"


def recover(path: Path) -> None:
    """Put back the folder that a killed `write_folder` had moved aside, if the new one never took its place. Raises: StorageFault."""
    target = _real(path)
    if not is_marked(_staging_of(target)):
        return
    try:
        with _staging(target):
            pass  # taking the staging folder over puts things right
    except OSError as error:
        raise _fault(path, None, error) from error


def mark_folder(folder: Path) -> None:
    """Put a folder with this program's mark under a name that nothing bears: by a rename, so that it is never seen unmarked."""
    if folder.exists():
        return
    new = temp_beside(folder)
    try:
        new.mkdir()
        (new / MARKED).write_text(_MARK, encoding="utf-8")
        new.rename(folder)
    except OSError as error:
        shutil.rmtree(new, ignore_errors=True)
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):  # else another process was quicker
            raise


def is_marked(folder: Path) -> bool:
    """Whether this program made the folder for its own purposes, so that it may move and remove what lies there."""
    try:
        return (folder / MARKED).read_text(encoding="utf-8") == _MARK
    except (OSError, UnicodeDecodeError):
        return False


def sweep(folder: Path) -> None:
    """Remove what dead processes left half written in `folder`; for a writer that holds the folder's lock."""
    for left in folder.glob(f"{TEMP_PREFIX}*"):
        if (found := _TEMP.fullmatch(left.name)) and not _lives(int(found[1])):
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)
    for left in folder.glob(f"{STAGING_PREFIX}*"):
        recover(folder / left.name.removeprefix(STAGING_PREFIX))


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


@contextmanager
def _staging(target: Path) -> Generator[Path]:
    """The staging folder of `target`, locked and empty; what a dead save left in it is put right first. Gone at the end."""
    staging = _staging_of(target)
    lock = _locked(staging)
    try:
        _put_right(staging, target)
        yield staging
    finally:
        with suppress(OSError):  # on a disk that fails for good, the next save puts it right
            _put_right(staging, target)
        dissolve(staging)
        lock.release()


def _locked(staging: Path) -> "BaseFileLock":
    """Make the staging folder, marked from its first moment, and take its lock. Raises: StorageFault if something else bears its name."""
    from filelock import FileLock  # takes 50 ms, and who reads needs none

    lock = FileLock(staging / _LOCK)
    while True:
        mark_folder(staging)
        before = _identity(staging)
        if not is_marked(staging) and _names(staging) - {_LOCK, MARKED}:
            if _identity(staging) == before:
                raise StorageFault(
                    f"{staging} is in the way.",
                    why="this program keeps what it replaces under that name, and it did not make that folder",
                    mend="rename or remove it",
                )
            continue  # another process was just leaving it
        with suppress(FileNotFoundError, FileExistsError), warnings.catch_warnings():  # the save that went before removed the folder
            warnings.simplefilter("ignore")  # on a disk without locks of its own the lock is a file with a process's number
            lock.acquire(timeout=_PATIENCE)
            mark_again(staging)
            return lock


def mark_again(folder: Path) -> None:
    """Mark a folder whose lock this process holds: where it vanished meanwhile, the lock's library made it anew, without a mark."""
    if not is_marked(folder):
        (folder / MARKED).write_text(_MARK, encoding="utf-8")


def _names(folder: Path) -> set[str]:
    try:
        return {entry.name for entry in folder.iterdir()}
    except OSError:
        return set()


def dissolve(staging: Path) -> None:
    """Remove a marked folder by a rename, as it came; unless it is a staging folder whose old one could not be brought back."""
    if (staging / _OLD).exists():
        return
    gone = temp_beside(staging)
    try:
        staging.rename(gone)
    except OSError:
        gone = staging
    shutil.rmtree(gone, ignore_errors=True)


def _put_right(staging: Path, target: Path) -> None:
    """Bring the old folder back if nothing took its place; remove the rest."""
    old = staging / _OLD
    if old.exists() and not target.exists():
        old.rename(target)
    for left in (old, staging / _NEW):
        left.unlink() if left.is_symlink() else shutil.rmtree(left, ignore_errors=True)


def _lives(process: int) -> bool:
    """Whether a process of that number runs on this machine; where that cannot be asked without harm, it is taken to."""
    if sys.platform == "win32":
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def _standing(path: Path) -> _Standing:
    """Where the content of `path` lies at this moment, and which folder that is."""
    target = _real(path)
    staging = _staging_of(target)
    if (here := _identity(target)) is not None:
        return path, here
    if (aside := _identity(staging / _OLD)) is not None and is_marked(staging):
        return staging / _OLD, aside
    return path, None


def _identity(folder: Path) -> tuple[int, int, int] | None:
    """Tells a folder from any other that had its name: inode, time of its last change, time of its making or moving."""
    try:
        facts = folder.stat()
    except OSError:
        return None
    return facts.st_ino, facts.st_mtime_ns, facts.st_ctime_ns


def _staging_of(target: Path) -> Path:
    return target.parent / f"{STAGING_PREFIX}{target.name}"


def _real(path: Path) -> Path:
    """`path` with every link followed, so that a link stays a link and what it leads to is replaced."""
    return Path(os.path.realpath(path))


def _fault(path: Path, size: int | None, error: OSError) -> StorageFault:
    why = error.strerror or str(error)
    mend = "check that the folder exists, is writable and lies on a healthy disk"
    if error.errno in _FULL:
        free = shutil.disk_usage(_existing(path)).free
        why = f"{why}: {free:,} bytes free" + (f", {size:,} needed" if size else "")
        mend = "free some room on that disk, or choose another place with --out"
    return StorageFault(f"could not write {path}; what was there before is untouched.", why=why, mend=mend)


def _existing(path: Path) -> Path:
    return next(p for p in [path, *path.absolute().parents] if p.exists())
