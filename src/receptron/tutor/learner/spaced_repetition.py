"""When to review what: checkpoints on days 0, 3, 7, 14 and 21, or drawn together before an interview; FSRS chooses within them.

FSRS: Ye, Su and Cao 2022, A Stochastic Shortest Path Algorithm for Optimizing Spaced Repetition Scheduling, KDD; as in py-fsrs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from fsrs import Card, Rating, Scheduler

from receptron.errors import BadValue
from receptron.tutor.learner.events import YEARS, Answered, Event, Explained, Planned
from receptron.tutor.learner.mastery import credit


@dataclass(frozen=True)
class ReviewCheckpoint:
    """What a review day is about: templates that join on it, and open questions to answer in words."""

    day: int
    title: str
    templates: tuple[str, ...]
    questions: tuple[str, ...]


CHECKPOINTS = (
    ReviewCheckpoint(
        0,
        "after the first reading",
        ("size.floor", "size.chain", "by-hand.conv", "parameters.conv", "gradient.proof", "architecture.order"),
        ("residual-block", "key-architectures", "what-is-a-cnn"),
    ),
    ReviewCheckpoint(
        3,
        "first review",
        (
            "field.chain",
            "size.dilated",
            "padding.kinds",
            "by-hand.pool",
            "separable.cost",
            "separable.saving",
            "architecture.ratio",
            "parameters.linear",
        ),
        ("vgg-or-resnet", "depthwise-separable", "receptive-field"),
    ),
    ReviewCheckpoint(
        7,
        "connections",
        (
            "field.pooled",
            "field.dilated",
            "bottleneck.weights",
            "bottleneck.factor",
            "pointwise.saving",
            "parameters.norm",
            "cost.macs",
            "head.pooling",
            "gradient.paths",
            "architecture.idea",
        ),
        ("field-to-skip", "uses-of-1x1", "large-objects"),
    ),
    ReviewCheckpoint(
        14,
        "interview simulation",
        ("gradient.chain", "cost.flops", "size.rectangular", "size.transposed", "size.causal", "transfer.strategy", "transfer.frozen"),
        ("prove-the-gradient", "transfer-scenario", "fifty-images"),
    ),
    ReviewCheckpoint(
        21, "final calibration", ("scaling.compound",), ("convnext-and-transformers", "attention-or-convolution", "better-optimiser")
    ),
)
LAST = CHECKPOINTS[-1].day


@dataclass(frozen=True)
class ReviewDay:
    """A checkpoint on its date."""

    on: date
    checkpoint: ReviewCheckpoint


@dataclass(frozen=True)
class Retention:
    """What FSRS makes of a template's or question's reviews: chance of recall now, and when it falls due."""

    name: str
    reviews: int
    recall: float
    due: date


@dataclass(frozen=True)
class Review:
    """One review as FSRS takes it."""

    name: str
    at: datetime
    rating: Rating


def plan(today: date, interview: date | None = None) -> Planned:
    """A plan that starts today. Raises: BadValue for an interview that is over, or beyond all calendars."""
    if interview is not None and not (today < interview and interview.year <= YEARS[1]):
        raise BadValue(f"the interview on {interview} is not ahead of {today}.", mend=f"give a day after today, at most in {YEARS[1]}")
    return Planned(today.isoformat(), interview.isoformat() if interview else None)


def calendar(planned: Planned) -> tuple[ReviewDay, ...]:
    """The dates of the checkpoints: as they are, or drawn together so that the last falls on the day before the interview."""
    start = date.fromisoformat(planned.start)
    room = LAST if planned.interview is None else (date.fromisoformat(planned.interview) - start).days - 1
    scale = min(1.0, max(0, room) / LAST)
    days = [ReviewDay(start + timedelta(days=int(each.day * scale)), each) for each in CHECKPOINTS]
    if planned.interview is not None and room > LAST:
        days.append(ReviewDay(start + timedelta(days=room), CHECKPOINTS[-1]))
    return tuple(days)


def current(events: Iterable[Event]) -> Planned | None:
    """The plan made last."""
    return next((event.body for event in reversed(tuple(events)) if isinstance(event.body, Planned)), None)


def open_templates(planned: Planned | None, today: date) -> tuple[str, ...]:
    """Templates of the checkpoints up to today; all of them without a plan."""
    reached = [day.checkpoint for day in calendar(planned) if day.on <= today] if planned else CHECKPOINTS
    return tuple(dict.fromkeys(name for checkpoint in reached for name in checkpoint.templates))


def next_day(planned: Planned, today: date) -> ReviewDay | None:
    """The checkpoint of today or the next one to come."""
    return next((day for day in calendar(planned) if day.on >= today), None)


def memories(events: Iterable[Event], now: datetime) -> dict[str, Retention]:
    """FSRS's state of everything that was reviewed, replayed from what happened; recall is told for `now`."""
    cards: dict[str, Card] = {}
    counts: dict[str, int] = {}
    for review in reviews(events):
        card = cards.get(review.name) or Card(card_id=len(cards), due=review.at)
        cards[review.name], _ = _SCHEDULER.review_card(card, review.rating, review.at)
        counts[review.name] = counts.get(review.name, 0) + 1
    moment = now.astimezone(UTC)
    return {
        name: Retention(name, counts[name], _SCHEDULER.get_card_retrievability(card, moment), card.due.date())
        for name, card in cards.items()
    }


def choose(pool: Sequence[str], events: Sequence[Event], now: datetime, planned: Planned | None) -> list[str]:
    """The pool, what is most likely forgotten by the interview (or by now) first; new templates come before all that is still known."""
    horizon = now
    if planned and planned.interview:
        horizon = max(now, datetime.combine(date.fromisoformat(planned.interview), datetime.min.time(), UTC))
    known, later = memories(events, now), memories(events, horizon)
    order = {name: place for place, name in enumerate(pool)}

    def urgency(name: str) -> tuple[int, float, int]:
        if name not in known:
            return 1, 0.0, order[name]
        due = known[name].due <= now.date()
        return (0 if due else 2), later[name].recall, order[name]

    return sorted(pool, key=urgency)


def difficulty_of(template: str, events: Iterable[Event]) -> int:
    """Where to go on: two answers in a row without help lead up, a wrong one leads down."""
    level = streak = 0
    for event in events:
        if not isinstance(event.body, Answered) or event.body.template != template or event.body.skipped:
            continue
        streak = streak + 1 if credit(event.body) == 1 else 0
        if streak == 2:
            level, streak = min(2, level + 1), 0
        elif not event.body.right:
            level = max(0, level - 1)
    return level + 1


def reviews(events: Iterable[Event]) -> list[Review]:
    """Answers and explanations as reviews, in the order in which they happened; what was skipped is none."""
    found: list[Review] = []
    for event in events:
        at = event.at.astimezone(UTC)
        match event.body:
            case Answered(skipped=False) as answer:
                found.append(Review(answer.template, at, _rating(answer)))
            case Explained(question=question, ticked=ticked, points=points):
                found.append(Review(question, at, _explained(len(ticked) / max(1, points))))
            case _:
                pass
    return found


def _rating(answer: Answered) -> Rating:
    if not answer.right or answer.worked:
        return Rating.Again
    return Rating.Hard if answer.hints else Rating.Good


def _explained(share: float) -> Rating:
    return Rating.Good if share >= 0.75 else Rating.Hard if share >= 0.5 else Rating.Again


_SCHEDULER = Scheduler(learning_steps=(), relearning_steps=(), enable_fuzzing=False)
