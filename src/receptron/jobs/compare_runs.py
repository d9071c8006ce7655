"""`receptron compare` for trained networks: every run below a folder in a table, or two runs on the images that both were judged on."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np

from receptron.data.deduplication.duplicates import joined
from receptron.errors import BadValue, DataFault, ReceptronError
from receptron.evaluation import grouped_intervals
from receptron.evaluation.records import ROUNDING, Estimate
from receptron.given_path import check_given
from receptron.jobs.training.earlier_run import RECORD, read_run, run_folder
from receptron.training.records import JudgedImage, Run

DEEPEST = 6  # folders below the one that is named, in which runs are looked for


@dataclass(frozen=True)
class RunRow:
    """One run of a folder of runs."""

    path: Path
    net: str
    rung: str
    classes: int
    source: str  # the images that its accuracy rests on
    accuracy: Estimate
    balanced_accuracy: Estimate
    seconds: float
    made: str
    interrupted: bool
    data_sha256: str


@dataclass(frozen=True)
class RunTable:
    """Every finished run below a folder, the most accurate first.

    Attributes:
        root: The folder.
        runs: One for each.
        unreadable: Records that cannot be read, with the reason.
        same_data: Whether all of them learnt from and were judged on the same images; else their accuracies do not compare.
    """

    root: Path
    runs: tuple[RunRow, ...]
    unreadable: dict[str, str]
    same_data: bool


@dataclass(frozen=True)
class RunComparison:
    """Two trained networks on the same images.

    Attributes:
        left: Folder of the one.
        right: Folder of the other.
        images: Images that both were judged on and neither had learnt from.
        only_left: Images that only the left was judged on.
        only_right: Images that only the right was judged on.
        relabelled: Images that both were judged on by different labels, left out.
        accuracies: Of both, on the shared images.
        gain: Right minus left, paired.
        mended: Images that the right answers rightly and the left wrongly.
        broken: The other way round.
        classes: For each class, (images, right by the left, right by the right).
        seconds: That each took to train.
        settings: Flags that differ, with both values.
    """

    left: Path
    right: Path
    images: int
    only_left: int
    only_right: int
    relabelled: int
    accuracies: tuple[Estimate, Estimate]
    gain: Estimate
    mended: int
    broken: int
    classes: dict[str, tuple[int, int, int]]
    seconds: tuple[float, float]
    settings: dict[str, tuple[str, str]]

    @property
    def verdict(self) -> str:
        """What the gain says."""
        if self.gain.unknown:
            return "unknown"
        if self.gain.low > 0:
            return "the right one is clearly better"
        return "the left one is clearly better" if self.gain.high < 0 else "the difference may be chance"


def is_run(path: str | Path) -> bool:
    """Whether a path is a finished run."""
    return (run_folder(Path(path).expanduser()) / RECORD).is_file()


def compare_runs(left: str | Path, right: str | Path) -> RunComparison:
    """Two runs on the images that both were judged on.

    Raises: BadValue if one is no finished run or was made before answers were kept, or they share no image; DataFault for a damaged record.
    """
    return paired(read_run(check_given(left)), read_run(check_given(right)))


def paired(left: tuple[Path, Run], right: tuple[Path, Run]) -> RunComparison:
    """The same of two records, each with the folder of its run. Raises: BadValue as `compare_runs`."""
    (one, ours), (other, theirs) = left, right
    first, second = _answers(one, ours), _answers(other, theirs)
    shared = [digest for digest in first if digest in second]
    same = [digest for digest in shared if first[digest].label == second[digest].label]
    if not same:
        why = f"{len(first):,} images here, {len(second):,} there, none the same" if not shared else "they have other labels there"
        cure = "evaluate both on one folder with receptron evaluate, or train with --like so that the sides are the same"
        raise BadValue(f"{one} and {other} were judged on no common image.", why=why, mend=cure)
    before, after = ([answers[digest] for digest in same] for answers in (first, second))
    hits = [np.array([image.predicted == image.label for image in images], bool) for images in (before, after)]
    groups = grouped_intervals.numbered(_together(before, after))
    everyone = np.ones(len(same), bool)
    accuracies = [grouped_intervals.share(hit, everyone, groups) for hit in hits]
    return RunComparison(
        left=one, right=other, images=len(same), only_left=len(first) - len(shared), only_right=len(second) - len(shared),
        relabelled=len(shared) - len(same), accuracies=(accuracies[0], accuracies[1]),
        gain=grouped_intervals.paired_gain(hits[1], hits[0], groups), mended=int((hits[1] & ~hits[0]).sum()),
        broken=int((hits[0] & ~hits[1]).sum()), classes=_by_class(before, hits[0], hits[1]), seconds=(ours.seconds, theirs.seconds),
        settings=_differences(ours, theirs),
    )  # fmt: skip


def runs_below(folder: str | Path) -> RunTable:
    """Every finished run below a folder. Raises: BadValue if it is no folder, or holds no run."""
    root = check_given(folder)
    if not root.is_dir():
        raise BadValue(f"{folder} is no folder.", mend="name a folder with runs below it, or two runs, or two networks")
    rows, unreadable, data = list[RunRow](), dict[str, str](), set[str]()
    for path in _records(root):
        try:
            rows.append(_row(*read_run(path)))
        except ReceptronError as fault:
            unreadable[str(path)] = fault.why or fault.what
            continue
        data.add(rows[-1].data_sha256 + rows[-1].source)
    if not rows and not unreadable:
        raise BadValue(f"{folder} holds no finished run.", why=f"no {RECORD} in it or below", mend="name the folder that holds the runs")
    rows.sort(key=lambda row: (-row.accuracy.value, str(row.path)))
    return RunTable(root, tuple(rows), unreadable, len(data) < 2)


def _records(root: Path) -> Iterator[Path]:
    """Folders with a record, in order; links to folders are not followed."""
    for place, folders, files in os.walk(root):
        folders.sort()
        if len(Path(place).relative_to(root).parts) >= DEEPEST:
            folders.clear()
        if RECORD in files:
            yield Path(place)


def _row(folder: Path, run: Run) -> RunRow:
    card = run.card
    return RunRow(
        folder, card.net, card.rung, len(card.classes), card.evaluation.source, card.evaluation.accuracy,
        card.evaluation.balanced_accuracy, run.seconds, card.provenance.made, run.interrupted, card.provenance.data_sha256,
    )  # fmt: skip


def _answers(folder: Path, run: Run) -> dict[str, JudgedImage]:
    """One image for each file; copies of one stand there once. Raises: BadValue, and DataFault for a record that contradicts itself."""
    if not run.judged:
        raise BadValue(f"{folder} does not say what it answered.", why="it was made before that was kept", mend="train again")
    found, classes = dict[str, JudgedImage](), frozenset(run.card.classes)
    for image in run.judged:
        if image.predicted not in classes:
            raise _contradiction(folder, f"an image was answered as {image.predicted!r}, which is no class of the network")
        if (same := found.setdefault(image.sha256, image)).predicted != image.predicted:
            raise _contradiction(folder, f"image {image.sha256[:12]} was answered as {same.predicted!r} and as {image.predicted!r}")
    share, told = fmean(image.predicted == image.label for image in run.judged), run.card.evaluation.accuracy
    if told.count != len(run.judged) or abs(share - told.value) > ROUNDING:
        raise _contradiction(
            folder, f"its accuracy is {told.value:.4f} of {told.count:,} images, its answers say {share:.4f} of {len(run.judged):,}"
        )
    return found


def _contradiction(folder: Path, why: str) -> DataFault:
    return DataFault(f"{folder / RECORD} contradicts itself.", why=why, mend="restore the file, or train again")


def _together(before: list[JudgedImage], after: list[JudgedImage]) -> np.ndarray:
    """A number for each image, the same for images that either run holds for one group."""
    first: dict[tuple[int, int], int] = {}
    pairs = [
        (place, first.setdefault((side, image.group), place))
        for side, images in enumerate((before, after))
        for place, image in enumerate(images)
    ]
    return np.array(joined(len(before), pairs), np.int64)


def _by_class(images: list[JudgedImage], left: np.ndarray, right: np.ndarray) -> dict[str, tuple[int, int, int]]:
    labels = np.array([image.label for image in images])
    return {
        str(name): (int((labels == name).sum()), int(left[labels == name].sum()), int(right[labels == name].sum()))
        for name in np.unique(labels)
    }


def _differences(left: Run, right: Run) -> dict[str, tuple[str, str]]:
    names = [*left.settings, *(name for name in right.settings if name not in left.settings)]
    both = {name: (left.settings.get(name, "–"), right.settings.get(name, "–")) for name in names}
    return {name: pair for name, pair in both.items() if pair[0] != pair[1]}
