"""The folder of one run: model/, run.json and report.html that stay, and `.receptron-run/` with checkpoints and decisions until it is done.

A run claims its folder before it reads an image: one process at a time, and nothing of the user's, no finished and no unfinished run
is replaced unless that was asked for.
"""

import hashlib
import os
import shlex
import shutil
import socket
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, count, takewhile
from pathlib import Path

from filelock import FileLock, Timeout

from receptron import atomic_write, checksummed_record
from receptron.bundle import manifest, store
from receptron.data.records import Catalog
from receptron.errors import BadValue, DataFault, InUse, StorageFault, WouldReplace
from receptron.given_path import check_given

_WORK, _LOCK, _OWNER, _BEGUN, _DECISIONS, _CHECKPOINTS = ".receptron-run", "lock", "owner", "begun.json", "decisions.json", "checkpoints"
_STOPPED = "stopped"
_LEARNT = (_BEGUN, f"{_BEGUN}.copy", _DECISIONS, f"{_DECISIONS}.copy", _CHECKPOINTS, _STOPPED)
_OURS = {_LOCK, _OWNER, atomic_write.MARKED, *_LEARNT}
_WAYS_ON = "replace it with --overwrite, or write elsewhere with --out FOLDER"


@dataclass(frozen=True)
class Begun:
    """What is known of a run from its first moment on."""

    fingerprint: str  # of everything that the weights depend on
    images: str  # where they lie, absolute
    command: str  # how the user started it; empty from Python
    at: str  # local time


@dataclass
class RunDirectory:
    """Where one run writes."""

    folder: Path
    under_way: bool = False  # the run of this process has begun

    @property
    def model(self) -> Path:
        """The model directory."""
        return self.folder / store.INNER

    @property
    def report(self) -> Path:
        """The report, one HTML file."""
        return self.folder / "report.html"

    @property
    def record(self) -> Path:
        """The Run record as JSON."""
        return self.folder / "run.json"

    @property
    def work(self) -> Path:
        """What only an unfinished run needs."""
        return self.folder / _WORK

    @property
    def decisions(self) -> Path:
        """Decisions of the run that is under way."""
        return self.work / _DECISIONS

    @property
    def begun(self) -> Begun | None:
        """The unfinished run in this folder, if there is one. Raises: DataFault if what is known of it is damaged."""
        try:
            return checksummed_record.read(self.work / _BEGUN, Begun)
        except DataFault as error:
            raise DataFault(
                f"the unfinished run in {self.folder} cannot be told from others.", why=f"{error.what} {error.why}",
                mend="begin anew with --overwrite, or write elsewhere with --out FOLDER",
            ) from error  # fmt: skip

    @property
    def has_learnt(self) -> bool:
        """Whether there is something to go on from: a checkpoint, or a run that was stopped between two steps and judged as it was."""
        return (self.work / _STOPPED).exists() or any((self.work / _CHECKPOINTS).glob("*/step-*"))

    def keep(self) -> None:
        """Leave what a stopped run needs to be gone on with, though nothing may have been trained yet."""
        (self.work / _STOPPED).touch()

    def begin(self, begun: Begun, *, resume: bool) -> None:
        """Start `begun`, or go on with it if that is asked for. Raises: BadValue if another run lies here than the one to go on with."""
        found = self.begun if resume else None
        if found is not None and found.fingerprint == begun.fingerprint:
            self.under_way = True
            return
        if found is not None:
            raise BadValue(
                f"the unfinished run in {self.folder} had other settings or other images.",
                why="only the same run can be continued to the same weights" + (f"; it was: {found.command}" if found.command else ""),
                mend="give the settings that it had, begin anew with --overwrite, or write elsewhere with --out FOLDER",
            )
        self.forget()
        checksummed_record.write(self.work / _BEGUN, begun)
        self.under_way = True

    def forget(self) -> None:
        """Remove what only an unfinished run needs."""
        for path in (self.work / name for name in _LEARNT):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


@contextmanager
def claimed(
    folder: Path, *, resume: bool = False, overwrite: bool = False, broken_off: Callable[[bool], None] | None = None
) -> Generator[RunDirectory]:
    """The run directory `folder`, for this process alone; whatever could hinder writing the results is told now, before any work.

    If the work breaks off, `broken_off` is told whether there is something to go on from; of faults before that it is not told.
    Raises: InUse naming the other process; WouldReplace; BadValue if there is nothing to resume; StorageFault.
    """
    directory = RunDirectory(folder)
    missing = [place for place in (folder, *folder.absolute().parents) if not place.exists()]
    early = directory.work.is_dir()  # a run that broke off before it began to learn leaves no more than that
    lock, mine = _locked(directory), False
    try:
        _check(directory, resume=resume, overwrite=overwrite, early=early)
        atomic_write.sweep(folder)
        atomic_write.sweep(directory.work)
        mine = True
        yield directory
    except BaseException as error:
        learnt = directory.under_way and directory.has_learnt
        if broken_off and mine and (learnt or isinstance(error, (KeyboardInterrupt, SystemExit))):
            broken_off(learnt)
        raise
    finally:
        _release(directory, lock, missing)


def check_beside(folder: Path, catalog: Catalog) -> None:
    """Raises: BadValue for a folder among images that are found in folders: what is written there would pass for a class."""
    real, root = Path(os.path.realpath(folder)), Path(os.path.realpath(catalog.root))
    if catalog.layout not in ("table", "digits") and root in (real, *real.parents):
        why = "what is written there would pass for a class, or for images that are not used"
        raise BadValue(
            f"{folder} lies in the folder of the images, {catalog.root}.", why=why, mend=f"name one beside it: --out {root}-model"
        )


def choose_folder(images: str | Path, out: str | Path | None, *, resume: bool = False) -> Path:
    """`out`, or else NAME-model where the user stands; NAME-model-2 and so on where other runs or other things have that name.

    An unfinished run on the same images is never passed over: it is the one to go on with. Raises: BadValue if there is none to resume.
    """
    if out is not None:
        return check_given(out).expanduser()
    name = Path(images).resolve().name if Path(images).exists() else Path(images).name
    stem, root = f"{name.split('.')[0] or 'run'}-model", str(Path(images).resolve())
    names = chain([Path(stem)], (Path(f"{stem}-{number}") for number in count(2)))
    taken = list(takewhile(_is_taken, names))
    unfinished = [one for one in taken if _is_unfinished(one, root)]
    if unfinished:
        return unfinished[-1]
    if resume:
        looked = ", ".join(map(str, taken)) or stem
        raise BadValue(
            f"there is no unfinished run on {images} to resume.", why=f"looked at {looked}",
            mend="leave --resume out, or name its folder with --out",
        )  # fmt: skip
    return Path(f"{stem}-{len(taken) + 1}") if taken else Path(stem)


def resuming(command: str) -> str:
    """The command line that goes on with the run which `command` began."""
    words = [word for word in shlex.split(command) if word not in ("--resume", "--overwrite")]
    return f"{shlex.join(words)} --resume"


def fingerprint(*parts: object) -> str:
    """Digest of everything that the trained weights depend on."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def now() -> str:
    """Local time as people write it."""
    return datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")


def _is_taken(folder: Path) -> bool:
    """Whether something lies there; what a run left that was killed before it began does not count."""
    if not folder.is_dir():
        return folder.exists() or folder.is_symlink()
    return any(entry.name != _WORK or (entry / _BEGUN).exists() for entry in folder.iterdir())


def _is_unfinished(folder: Path, images: str) -> bool:
    try:
        begun = RunDirectory(folder).begun
    except DataFault:
        return True
    return begun is not None and begun.images == images


def _locked(directory: RunDirectory) -> FileLock:
    work = Path(os.path.realpath(directory.folder)) / _WORK  # a link that leads to nothing is followed too
    lock = FileLock(work / _LOCK)
    try:
        work.parent.mkdir(parents=True, exist_ok=True)
        atomic_write.mark_folder(work)
        if work.is_symlink() or not atomic_write.is_marked(work):
            raise WouldReplace(
                f"{work} is not this program's.",
                why="it keeps an unfinished run under that name, and it did not make that folder",
                mend="rename it, or choose another folder with --out",
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on a disk without locks of its own the lock is a file with a process's number
            lock.acquire(timeout=0)
        atomic_write.mark_again(work)
        (work / _OWNER).write_text(f"process {os.getpid()} on {socket.gethostname()}, since {now()}", encoding="utf-8")
    except Timeout as error:
        raise InUse(
            f"{directory.folder} is in use by {_owner(work)}.",
            why="two runs would destroy each other's checkpoints",
            mend="wait until it is done, or choose another folder with --out",
        ) from error
    except OSError as error:
        lock.release()
        raise StorageFault(
            f"could not write to {directory.folder}.", why=error.strerror or str(error), mend="choose another place with --out"
        ) from error
    return lock


def _owner(work: Path) -> str:
    try:
        return (work / _OWNER).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return "another process"


def _release(directory: RunDirectory, lock: FileLock, missing: list[Path]) -> None:
    """Let go of the folder; if no unfinished run stays in it, nothing of ours stays, nor the folders that were made for nothing."""
    with suppress(OSError):
        (directory.work / _OWNER).unlink()
        if not directory.has_learnt:
            directory.forget()
            if not {entry.name for entry in directory.work.iterdir()} - _OURS:
                atomic_write.dissolve(directory.work)
            for folder in missing:
                folder.rmdir()  # stops at the first that holds something
    lock.release()


def _check(directory: RunDirectory, *, resume: bool, overwrite: bool, early: bool) -> None:
    folder = directory.folder
    _check_apart(folder)
    for file in (directory.report, directory.record):
        if file.exists() and not file.is_file():
            raise WouldReplace(f"{file} is no file.", why="a run writes a file of that name", mend="rename it, or choose another --out")
    if directory.model.exists() and not store.is_replaceable(directory.model):
        what = store.foreign(directory.model)
        raise WouldReplace(
            f"{directory.model} holds something else than a model: {what}.",
            why="saving replaces the whole folder",
            mend="move it elsewhere, or choose another folder with --out",
        )
    begun = directory.begun if resume or (directory.has_learnt and not overwrite) else None
    if resume and begun is None and not (early and not directory.record.exists()):
        done = "; the run there is finished" if directory.record.exists() else ""
        raise BadValue(f"there is nothing to resume in {folder}{done}.", mend="leave --resume out, or name the run's folder with --out")
    if resume or overwrite:
        return
    if begun is not None:
        how = f" by `{begun.command}`" if begun.command else ""
        raise WouldReplace(
            f"{folder} holds an unfinished run, begun {begun.at}{how}.",
            why="a new run there would throw away what it has learnt",
            mend="go on with it: --resume; begin anew: --overwrite; keep it and write elsewhere: --out FOLDER",
        )
    there = [file.name for file in (directory.model, directory.record, directory.report) if file.exists()]
    if there:
        raise WouldReplace(
            f"{folder} already holds {', '.join(there)}.",
            why="it is a finished run, or something of yours with the names that a run writes",
            mend=_WAYS_ON,
        )


def _check_apart(folder: Path) -> None:
    """Hold that a run does not write into a model directory, nor into what another run writes."""
    real = Path(os.path.realpath(folder))
    for place in (real, *real.parents):
        inside = (
            "a model directory" if (place / manifest.NAME).is_file() else "the work of an unfinished run" if place.name == _WORK else ""
        )
        if place.name == store.INNER and atomic_write.is_marked(place.parent / _WORK):
            inside = "what another run writes"
        if inside:
            raise WouldReplace(f"{folder} lies in {inside}.", why="that would be broken by it", mend="choose another folder with --out")
