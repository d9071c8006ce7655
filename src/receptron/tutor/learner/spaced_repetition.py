"""Spaced repetition: what to review next, as FSRS reads it off what happened, and how hard it may be.

FSRS: Ye, Su and Cao 2022, A Stochastic Shortest Path Algorithm for Optimizing Spaced Repetition Scheduling, KDD; as in py-fsrs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from fsrs import Card, Rating, Scheduler

from receptron.tutor.learner.events import Answered, Event, Explained, Planned
from receptron.tutor.learner.mastery import credit


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


def retention(events: Iterable[Event], now: datetime) -> dict[str, Retention]:
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
    known, later = retention(events, now), retention(events, horizon)
    order = {name: index for index, name in enumerate(pool)}

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
