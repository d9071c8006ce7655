"""Which images, findings and file names the page shows, and how many more there are: long lists are cut where the reader would stop."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from receptron.data.records import Finding, SideCount
from receptron.evaluation.records import Answer, ClassScore, SuspectLabel, SuspectLabels
from receptron.report.thumbnails import Thumbnail
from receptron.wording import natural

MOST_ANSWERS = 12
MOST_SAMPLES = 120  # over all classes
PER_CLASS = 6
PER_FINDING = 4
MOST_FILES = 60  # names listed under one finding
SEVERITIES = ("error", "warning", "note")

_Labelled = TypeVar("_Labelled", ClassScore, SideCount)
Picture = Callable[[str], Thumbnail | None]


@dataclass(frozen=True)
class Shown:
    """An image by its path, with its small picture where there is one."""

    path: str
    picture: Thumbnail | None

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.replace("\\", "/").rsplit("/", 1)[-1] or self.path


@dataclass(frozen=True)
class ShownAnswer:
    """What the network said of an image, with the runner-up that explains it."""

    image: Shown
    answer: Answer
    ranked: tuple[tuple[str, float], ...]  # the answer, and the truth or else the runner-up


@dataclass(frozen=True)
class ShownSuspect:
    """A training image whose label is probably wrong."""

    image: Shown
    suspect: SuspectLabel


@dataclass(frozen=True)
class ShownFinding:
    """A finding with pictures of the first files that it concerns."""

    finding: Finding
    images: tuple[Shown, ...]


def answers_shown(answers: Sequence[Answer], picture: Picture) -> tuple[ShownAnswer, ...]:
    """The first answers, in the order of the record."""
    return tuple(ShownAnswer(Shown(a.path, picture(a.path)), a, ranked(a)) for a in answers[:MOST_ANSWERS])


def suspects_shown(suspects: SuspectLabels | None, picture: Picture) -> tuple[ShownSuspect, ...]:
    """The labels that are believed least."""
    found = suspects.images[:MOST_ANSWERS] if suspects else ()
    return tuple(ShownSuspect(Shown(one.path, picture(one.path)), one) for one in found)


def ranked(answer: Answer) -> tuple[tuple[str, float], ...]:
    """The answer and what it is to be held against: the truth where it was missed, else the next likely class."""
    others = sorted(((p, name) for name, p in answer.probabilities.items() if name != answer.predicted), reverse=True)
    rival = answer.label if answer.label not in (None, answer.predicted) else others[0][1] if others else None
    first = (answer.predicted, answer.confidence)
    return (first, (rival, answer.probabilities.get(rival, 0.0))) if rival is not None else (first,)


def findings_shown(findings: Sequence[Finding], picture: Picture) -> tuple[ShownFinding, ...]:
    """Errors first, then warnings, then notes; pictures that do not decode are left out here, for their finding says why."""
    ordered = sorted(findings, key=lambda f: SEVERITIES.index(f.severity) if f.severity in SEVERITIES else len(SEVERITIES))
    return tuple(ShownFinding(f, _readable(f.files, picture)) for f in ordered)


def samples_shown(samples: Mapping[str, Sequence[str]], picture: Picture) -> dict[str, tuple[Shown, ...]]:
    """A few images of each class, fewer where there are many classes."""
    each = max(1, min(PER_CLASS, MOST_SAMPLES // max(len(samples), 1)))
    chosen = sorted(samples.items(), key=lambda one: natural(one[0]))[:MOST_SAMPLES]
    return {label: tuple(Shown(path, picture(path)) for path in paths[:each]) for label, paths in chosen}


def files_shown(files: Sequence[str]) -> tuple[Sequence[str], int]:
    """The file names to list, and how many more there are."""
    return files[:MOST_FILES], max(len(files) - MOST_FILES, 0)


def _readable(files: Sequence[str], picture: Picture) -> tuple[Shown, ...]:
    shown = (Shown(path, picture(path)) for path in files[:PER_FINDING])
    return tuple(image for image in shown if image.picture is not None)


def by_label(rows: Iterable[_Labelled]) -> list[_Labelled]:
    """Rows about classes in the order in which people name them: 2 before 10."""
    return sorted(rows, key=lambda row: natural(row.label))
