"""A practice session without any screen: whoever shows it drives this one object."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from uuid import uuid4

from receptron.errors import BadValue, StorageFault
from receptron.tutor.grading.grading import Grade, grade
from receptron.tutor.learner import mastery, review_plan, spaced_repetition
from receptron.tutor.learner.events import Answered, Body, Event
from receptron.tutor.learner.store import Store
from receptron.tutor.problem import Problem
from receptron.tutor.templates import TEMPLATES, find, problem


@dataclass(frozen=True)
class Focus:
    """What to practise; empty leaves it to the plan and to FSRS. `seed` asks for one exact problem after another."""

    skill: str = ""
    template: str = ""
    difficulty: int | None = None
    seed: int | None = None


@dataclass(frozen=True)
class Summary:
    """A session's outcome: answers, how many right, without help, skipped; the mistakes made and how often; events not yet on the disk."""

    answered: int
    right: int
    unaided: int
    skipped: int
    mistakes: tuple[tuple[str, int], ...]
    unsaved: int


class Session:
    """One problem after another; every outcome is stored as soon as it is known, and again later where that fails."""

    def __init__(self, store: Store, focus: Focus = Focus(), random: Random | None = None) -> None:
        self.store, self.focus, self.random = store, focus, random or Random()
        self.history: list[Event] = list(store.events())
        self.pool = self._pool()
        self.done: list[Answered] = []
        self.shown: list[str] = []
        self.unsaved: list[Event] = []
        self.trouble: StorageFault | None = None
        self.problem: Problem | None = None
        self.hints, self.worked, self.closed = 0, False, True
        self.began = store.clock()

    def look(self) -> Problem:
        """A fresh problem that is only looked at: nothing is kept of it."""
        name = self._chosen()
        level = self.focus.difficulty or spaced_repetition.difficulty_of(name, self.history)
        seed = self.random.randrange(2**31) if self.focus.seed is None else self.focus.seed + len(self.shown)
        self.shown.append(name)
        return problem(name, level, seed)

    def next(self) -> Problem:
        """A fresh problem; one that lies open counts as skipped."""
        if not self.closed:
            self.skip()
        self.problem = self.look()
        self.hints, self.worked, self.closed = 0, False, False
        self.began = self.store.clock()
        return self.problem

    def hint(self) -> str:
        """The next hint, empty when both were given."""
        hints = self._open().task.hints
        if self.hints == len(hints):
            return ""
        self.hints += 1
        return hints[self.hints - 1]

    def steps(self) -> str:
        """The worked steps; the problem then counts as not solved."""
        self.worked = True
        return self._open().task.worked

    def answer(self, text: str) -> Grade:
        """Judge an answer. The first complete one counts, further tries do not. Raises: BadValue if it cannot be read."""
        judged = grade(self._open().task, text)
        if not judged.ask and not self.closed:
            self._close(text, judged)
        return judged

    def skip(self) -> None:
        """Leave the problem; if it was never answered, that is noted."""
        if not self.closed:
            self._close("", None)

    def save(self) -> None:
        """Put what could not be stored so far on the disk. Raises: StorageFault, and keeps it."""
        if self.unsaved:
            self.store.merge(self.unsaved)
            self.unsaved.clear()
        self.trouble = None

    def summary(self) -> Summary:
        """The session so far."""
        named = [answer.mistake for answer in self.done if answer.mistake]
        counted = tuple(sorted({name: named.count(name) for name in named}.items(), key=lambda pair: -pair[1]))
        answered = [answer for answer in self.done if not answer.skipped]
        right, unaided = sum(a.right and not a.worked for a in answered), sum(mastery.credit(a) == 1 for a in answered)
        return Summary(len(answered), right, unaided, len(self.done) - len(answered), counted, len(self.unsaved))

    def _open(self) -> Problem:
        if self.problem is None:
            raise BadValue("no problem is open.", mend="ask for the next one first")
        return self.problem

    def _close(self, text: str, judged: Grade | None) -> None:
        at = self._open()
        seconds = (self.store.clock() - self.began).total_seconds()
        mistake = judged.mistake.name if judged and judged.mistake else ""
        outcome = Answered(
            at.template,
            at.skill,
            at.difficulty,
            at.seed,
            text,
            bool(judged and judged.right),
            mistake,
            self.hints,
            self.worked,
            judged is None,
            max(0.0, seconds),
        )
        self.closed = True
        self.done.append(outcome)
        self._keep(outcome)

    def _keep(self, body: Body) -> None:
        event = Event(uuid4().hex, self.store.clock(), body)
        self.history.append(event)
        self.unsaved.append(event)
        try:
            self.save()
        except StorageFault as error:
            self.trouble = error

    def _pool(self) -> Sequence[str]:
        if self.focus.template:
            return (find(self.focus.template).name,)
        if self.focus.skill:
            mastery.find(self.focus.skill)
            return tuple(name for name, template in TEMPLATES.items() if template.skill == self.focus.skill)
        return review_plan.open_templates(review_plan.current(self.history), self._now().date())

    def _chosen(self) -> str:
        """The most urgent template that was not among the last few."""
        ranked = spaced_repetition.choose(self.pool, self.history, self._now(), review_plan.current(self.history))
        apart = min(5, len(self.pool) - 1)
        recent = self.shown[-apart:] if apart else []
        return next(name for name in ranked if name not in recent)

    def _now(self) -> datetime:
        return self.store.clock()
