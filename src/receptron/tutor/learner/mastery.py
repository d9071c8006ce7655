"""Nine skills, each rated from 1 to 5 by the learner and measured beside it by the answers given."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from receptron.errors import BadValue, UnknownName
from receptron.tutor.learner.events import Answered, Assessed, Event

SKILLS = {
    "output-size": "Compute the output size of any convolution or pooling",
    "convolution": "Explain convolution as a sliding dot product, and count its weights and work",
    "receptive-field": "Calculate the receptive field",
    "pooling": "Explain maximum, average and global average pooling",
    "architectures": "Trace the line from LeNet to ConvNeXt",
    "skip-connections": "Derive what a skip connection does to the gradient",
    "pointwise": "Explain 1x1 convolutions and bottlenecks",
    "separable": "Explain depthwise separable convolutions",
    "transfer": "Design a transfer learning strategy",
}
RATINGS = {1: "cannot", 2: "vaguely", 3: "can explain", 4: "can derive", 5: "can teach"}
WINDOW = 12
"""Answers, the latest of a skill, that its measure looks at."""


@dataclass(frozen=True)
class Mastery:
    """One skill: the learner's ratings, oldest first, and what the answers say.

    `share` of the last answers right (a hint halves one, worked steps make it none); `level` is 1 + 4 share, and no higher than
    the hardest problem solved without help allows: 3, 4 or 5 for difficulty 1, 2 or 3. None while there are no answers.
    """

    skill: str
    title: str
    rated: tuple[int, ...]
    answers: int
    share: float | None
    level: float | None


def mastery(events: Iterable[Event]) -> tuple[Mastery, ...]:
    """Every skill's rating beside its measure."""
    events = tuple(events)
    return tuple(_mastery(skill, events) for skill in SKILLS)


def ratings(events: Iterable[Event], skill: str) -> tuple[Event, ...]:
    """The learner's ratings of a skill over time. Raises: UnknownName."""
    find(skill)
    return tuple(event for event in events if isinstance(event.body, Assessed) and event.body.skill == skill)


def check_rating(skill: str, rating: int) -> Assessed:
    """A rating that can be kept. Raises: UnknownName, BadValue."""
    find(skill)
    if rating not in RATINGS:
        raise BadValue(f"{rating} is no rating.", mend="give " + ", ".join(f"{n} ({word})" for n, word in RATINGS.items()))
    return Assessed(skill, rating)


def find(skill: str) -> str:
    """A skill's title. Raises: UnknownName."""
    if skill not in SKILLS:
        raise UnknownName("skill", skill, SKILLS)
    return SKILLS[skill]


def credit(answer: Answered) -> float:
    """What an answer is worth: 1 without help, a half with a hint, nothing if wrong or after the worked steps."""
    if not answer.right or answer.worked:
        return 0.0
    return 0.5 if answer.hints else 1.0


def _mastery(skill: str, events: Sequence[Event]) -> Mastery:
    rated = tuple(event.body.rating for event in events if isinstance(event.body, Assessed) and event.body.skill == skill)
    answers = [event.body for event in events if isinstance(event.body, Answered) and event.body.skill == skill]
    share = level = None
    if answers:
        recent = answers[-WINDOW:]
        share = sum(map(credit, recent)) / len(recent)
        hardest = max((answer.difficulty for answer in recent if credit(answer) == 1), default=0)
        level = round(min(1 + 4 * share, 2 + hardest), 1)
    return Mastery(skill, SKILLS[skill], rated, len(answers), share, level)
