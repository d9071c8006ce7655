"""A finished run as a pattern for another: the decisions that it timed, its threads, and on which side each image was."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from receptron.bundle import store
from receptron.errors import BadValue, DataFault, StorageFault
from receptron.given_path import check_given
from receptron.printable import told
from receptron.records import from_json, short
from receptron.training.checkpointing.decision_log import THREADS
from receptron.training.records import Run

RECORD = "run.json"
LARGEST = 1 << 28  # bytes of a record: 1 million judged images
MOST_THREADS, MOST = 1024, 10**7  # of any number that was decided: threads, epochs, views, seconds
_REPRODUCING = ("torch", "numpy", "pillow", "scikit-learn")  # other versions may compute other weights

_UNSET = "left open"  # a setting that was not given


@dataclass(frozen=True)
class EarlierRun:
    """What `--like` takes from a run."""

    run: Run
    sides: dict[str, str]  # sha256 -> "train" or "test"

    @property
    def threads(self) -> int:
        """How many threads it computed with."""
        return int(self.run.decisions[THREADS])

    def departures(self, settings: Mapping[str, str], data_sha256: str) -> tuple[str, ...]:
        """What of a new run is not as in this one, each as "seed 2, not 1"; then its network will be another."""
        before = self.run.settings
        names = [name for name in {**before, **settings} if name not in ("path", "time", "like")]
        both = [(name, settings.get(name, _UNSET), before.get(name, _UNSET)) for name in names]
        found = [f"{name} {now}, not {then}" for name, now, then in both if now != then]
        made_by = self.run.card.provenance.versions.items()
        found += [f"{name} {version(name)}, not {value}" for name, value in made_by if name in _REPRODUCING and version(name) != value]
        if self.run.card.provenance.data_sha256 != data_sha256:
            found.append("other images")
        if self.run.interrupted:
            found.append("that run was interrupted")
        return tuple(found)


def read_earlier_run(path: Path) -> EarlierRun:
    """The run in a folder that `train` wrote; its run.json or its model folder will do as well.

    Raises: BadValue if no finished run lies there; DataFault, BundleFault if it is damaged.
    """
    folder, run = read_run(path, "--like ")
    _check_decisions(folder, run)
    rows = store.read(folder / store.INNER).split
    return EarlierRun(run, {row.sha256: row.side for row in rows if row.side in ("train", "test")})


def read_run(path: Path, flag: str = "") -> tuple[Path, Run]:
    """The folder and the record of a finished run; its run.json or its model folder will do as well. `flag` stands before it in errors.

    Raises: BadValue if no finished run lies there; DataFault if its record is damaged; StorageFault if it cannot be read.
    """
    folder = run_folder(check_given(path))
    try:
        if (size := (folder / RECORD).stat().st_size) > LARGEST:
            why = f"it has {size:,} bytes; a record of a run has at most {LARGEST:,}"
            raise DataFault(f"{folder / RECORD} is no record of a run.", why=why, mend="restore the file, or train again")
        text = (folder / RECORD).read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        why = f"there is no {RECORD}, which a training that ends writes" if folder.is_dir() else "there is no such folder"
        raise BadValue(f"{flag}{path} is no finished run.", why=why, mend="name the folder that a training wrote") from error
    except OSError as error:
        raise StorageFault(f"{folder / RECORD} cannot be read.", why=told(error)) from error
    return folder, from_json(text, Run, source=str(folder / RECORD))


def _check_decisions(folder: Path, run: Run) -> None:
    """Raises: DataFault for a decision that no run takes."""
    threads = run.decisions.get(THREADS)
    wrong = (
        "" if type(threads) is int and 1 <= threads <= MOST_THREADS else f"{THREADS} is {short(threads)}: it must be 1 to {MOST_THREADS:,}"
    )
    for name, value in run.decisions.items():
        if isinstance(value, int | float) and not 0 <= value <= MOST:
            wrong = wrong or f"{name} is {short(value)}: it must be 0 to {MOST:,}"
    if wrong:
        raise DataFault(f"{folder / RECORD} holds decisions that no training took.", why=wrong, mend="restore the file, or train again")


def run_folder(given: Path) -> Path:
    """The folder of a run that itself, its run.json or its model folder names."""
    return given.parent if given.name in (RECORD, store.INNER) and not (given / RECORD).is_file() else given
