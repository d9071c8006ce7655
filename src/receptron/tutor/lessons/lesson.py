"""A lesson from what is often said wrongly, loosely, or in two ways: what is said, what holds, and the proof."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from receptron.tutor.figures.figures import Figure


class Fault(StrEnum):
    """What is the matter with a statement."""

    WRONG = "wrong"
    LOOSE = "loose"
    DISPUTED = "disputed"


@dataclass(frozen=True)
class Lesson:
    """`claim` in our words; `finding` with a {} for each figure; `proof` computes whether the finding holds; `source` where it is cited."""

    name: str
    fault: Fault
    skill: str
    claim: str
    finding: str
    figures: tuple[Figure, ...]
    proof: Callable[[], bool]
    source: str = ""

    def told(self) -> str:
        """The finding with its figures in."""
        return self.finding.format(*(figure() for figure in self.figures))


@dataclass(frozen=True)
class LessonRecord:
    """A lesson in plain text."""

    name: str
    fault: str
    skill: str
    claim: str
    finding: str
    holds: bool
    source: str


def record(lesson: Lesson) -> LessonRecord:
    """The plain form, with the proof carried out."""
    return LessonRecord(lesson.name, lesson.fault.value, lesson.skill, lesson.claim, lesson.told(), lesson.proof(), lesson.source)
