"""An open question: points that a good answer has, each with its computed figures or its source; together they are the model answer."""

from dataclasses import dataclass

from receptron.errors import BadValue
from receptron.tutor.figures.figures import Figure


@dataclass(frozen=True)
class Point:
    """One point; each {} in `text` is filled by a figure. What has no figure has a source."""

    text: str
    figures: tuple[Figure, ...] = ()
    source: str = ""

    def told(self) -> str:
        """The point with its figures in."""
        return self.text.format(*(figure() for figure in self.figures))


@dataclass(frozen=True)
class Question:
    """A question to answer in words."""

    name: str
    skill: str
    prompt: str
    points: tuple[Point, ...]
    follow_up: str = ""

    @property
    def model_answer(self) -> str:
        """All points as one answer."""
        return " ".join(point.told() for point in self.points)


@dataclass(frozen=True)
class Checked:
    """An answer in words, held against the points by the learner: `share` of them found."""

    share: float
    found: tuple[str, ...]
    missing: tuple[str, ...]


def check(question: Question, ticked: tuple[int, ...]) -> Checked:
    """What was found and what is missing; `ticked` are numbers of points from 1. Raises: BadValue."""
    count = len(question.points)
    if any(number not in range(1, count + 1) for number in ticked):
        raise BadValue(f"{question.name} has {count} points.", mend=f"tick numbers from 1 to {count}")
    told = [point.told() for point in question.points]
    found = tuple(text for number, text in enumerate(told, 1) if number in ticked)
    return Checked(len(set(ticked)) / count, found, tuple(text for text in told if text not in found))


def point(text: str, *figures: Figure, source: str = "") -> Point:
    """A point; see `Point`."""
    return Point(text, figures, source)
