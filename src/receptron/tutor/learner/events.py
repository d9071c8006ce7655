"""What a learner did, as records that are only ever appended. Progress, mastery and the review plan are read off them."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, TypeAlias

from msgspec import Meta

_Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200)]
_Text: TypeAlias = Annotated[str, Meta(max_length=100_000)]
_Small: TypeAlias = Annotated[int, Meta(ge=0, le=1000)]
_Seconds: TypeAlias = Annotated[float, Meta(ge=0, le=1e9)]
YEARS = (1970, 2999)  # of every date, so that days can be added to it and it can be told in any time zone


@dataclass(frozen=True)
class Answered:
    """A problem that was answered for good, or skipped. The problem comes back from its template, difficulty and seed."""

    template: _Name
    skill: _Name
    difficulty: Annotated[int, Meta(ge=1, le=3)]
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
    given: _Text
    right: bool
    mistake: _Text = ""
    hints: _Small = 0
    worked: bool = False
    skipped: bool = False
    seconds: _Seconds = 0.0


@dataclass(frozen=True)
class Explained:
    """An open question answered in words; `ticked` are the points that the learner found in the own answer."""

    question: _Name
    text: _Text
    ticked: Annotated[tuple[_Small, ...], Meta(max_length=1000)]
    points: _Small


@dataclass(frozen=True)
class Assessed:
    """A rating of one's own, 1 to 5."""

    skill: _Name
    rating: Annotated[int, Meta(ge=1, le=5)]


@dataclass(frozen=True)
class Planned:
    """A plan's first day, and the day of an interview if there is one; ISO dates."""

    start: str
    interview: str | None = None

    def __post_init__(self) -> None:
        for day in filter(None, (self.start, self.interview)):
            in_range(date.fromisoformat(day))


@dataclass(frozen=True)
class Interviewed:
    """A mock interview's outcome; `evidence` has one line per criterion."""

    scene: _Name
    verdict: _Text
    evidence: Annotated[tuple[_Text, ...], Meta(max_length=1000)]
    seconds: _Seconds


Body = Answered | Explained | Assessed | Planned | Interviewed
BODIES: dict[str, type[Body]] = {
    "answered": Answered, "explained": Explained, "assessed": Assessed, "planned": Planned, "interviewed": Interviewed,
}  # fmt: skip
KINDS = {body: kind for kind, body in BODIES.items()}


@dataclass(frozen=True)
class Event:
    """Something that happened: `id` is unique across machines, `at` is in UTC."""

    id: str
    at: datetime
    body: Body

    def __post_init__(self) -> None:
        in_range(self.at)


def in_range(day: date) -> None:
    """Raises: ValueError for a date, or a time, that cannot be counted on from."""
    if not YEARS[0] <= day.year <= YEARS[1]:
        raise ValueError(f"{day.isoformat()} does not lie within the years {YEARS[0]} to {YEARS[1]}")
