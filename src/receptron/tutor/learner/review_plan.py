"""The review plan: checkpoints on days 0, 3, 7, 14 and 21, or drawn together before an interview."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from receptron.errors import BadValue
from receptron.tutor.learner.events import YEARS, Event, Planned


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
