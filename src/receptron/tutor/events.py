"""What a learner did, as records that are only ever appended. Progress, mastery and the review plan are read off them."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Answered:
    """A problem that was answered for good, or skipped. The problem comes back from its template, difficulty and seed."""

    template: str
    skill: str
    difficulty: int
    seed: int
    given: str
    right: bool
    mistake: str = ""
    hints: int = 0
    worked: bool = False
    skipped: bool = False
    seconds: float = 0.0


@dataclass(frozen=True)
class Explained:
    """An open question answered in words; `ticked` are the points that the learner found in the own answer."""

    question: str
    text: str
    ticked: tuple[int, ...]
    points: int


@dataclass(frozen=True)
class Assessed:
    """A rating of one's own, 1 to 5."""

    skill: str
    rating: int


@dataclass(frozen=True)
class Planned:
    """A plan's first day, and the day of an interview if there is one; ISO dates."""

    start: str
    interview: str | None = None


@dataclass(frozen=True)
class Interviewed:
    """A mock interview's outcome; `evidence` has one line per criterion."""

    scene: str
    verdict: str
    evidence: tuple[str, ...]
    seconds: float


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
