"""A problem: what is asked, what is right, two hints, the working, and the mistakes that give exact wrong numbers."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Generic, TypeVar

from receptron.arithmetic.derivation import Derivation, DerivationRecord
from receptron.errors import BadValue

Value = int | float
G = TypeVar("G")

DIFFICULTIES = (1, 2, 3)
_NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")


@dataclass(frozen=True)
class Expected:
    """The right answer: one value, several in order, or the numbers (from 1) of the right `options`.

    `tolerance` is relative and serves answers that are written rounded; `ask_unit` says that a bare number does not do.
    """

    values: tuple[Value, ...]
    unit: str = ""
    names: tuple[str, ...] = ()
    tolerance: float = 0.0
    ask_unit: bool = False
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mistake:
    """A named way to go wrong, the values that it gives here, and what refutes it."""

    name: str
    values: tuple[Value, ...]
    refutation: str


@dataclass(frozen=True)
class Wrong(Generic[G]):
    """A wrong solver for problems whose data are `G`; None where the mistake cannot be made."""

    name: str
    solve: Callable[[G], Value | tuple[Value, ...] | None]
    refute: Callable[[G], str]


@dataclass(frozen=True)
class Task:
    """What a template makes; `given` are the data in the words of `arithmetic`, `because` explains what has no formula."""

    text: str
    given: object
    expected: Expected
    hints: tuple[str, str]
    derivations: tuple[Derivation, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    because: str = ""

    @property
    def worked(self) -> str:
        """The working in plain text."""
        return "\n".join(filter(None, (*map(str, self.derivations), self.because)))


@dataclass(frozen=True)
class Template:
    """A family of problems on one skill: `make` draws one at a difficulty of 1 to 3."""

    name: str
    skill: str
    title: str
    make: Callable[[Random, int], Task]


@dataclass(frozen=True)
class Problem:
    """One problem; the same template, difficulty and seed give the same one always."""

    template: str
    skill: str
    difficulty: int
    seed: int
    task: Task


@dataclass(frozen=True)
class ProblemRecord:
    """A problem with its solution, for JSON."""

    template: str
    skill: str
    difficulty: int
    seed: int
    text: str
    expected: Expected
    hints: tuple[str, str]
    mistakes: tuple[Mistake, ...]
    working: tuple[DerivationRecord, ...]
    because: str


def draw(template: Template, difficulty: int, seed: int) -> Problem:
    """The problem of that seed. A draw whose hint would hold its answer is put back. Raises: BadValue for a difficulty that is none."""
    if difficulty not in DIFFICULTIES:
        raise BadValue(f"difficulty is {difficulty}.", mend="give 1, 2 or 3")
    random = Random(f"{template.name} {difficulty} {seed}")
    for _ in range(1000):
        task = template.make(random, difficulty)
        if not tells(task):
            return Problem(template.name, template.skill, difficulty, seed, task)
    raise BadValue(f"{template.name} draws no problem whose hints keep its answer.", mend="report this template")


def tells(task: Task) -> bool:
    """Whether a hint holds the answer: its number, all its numbers in a row, or the text of a right option."""
    expected = task.expected
    if expected.options:
        right = [expected.options[int(number) - 1] for number in expected.values]
        return any(option.lower() in hint.lower() for hint in task.hints for option in right)
    wanted = [float(value) for value in expected.values]
    return any(_in_a_row(wanted, numbers_in(hint)) for hint in task.hints)


def numbers_in(text: str) -> list[float]:
    """All numbers that a text holds, in order."""
    return [float(found.replace(",", "")) for found in _NUMBER.findall(text)]


def mistakes(wrongs: Sequence[Wrong[G]], given: G, right: tuple[Value, ...]) -> tuple[Mistake, ...]:
    """What each wrong solver gives, unless it happens to be right; solvers that agree are named together."""
    found: dict[tuple[Value, ...], Mistake] = {}
    for wrong in wrongs:
        result = wrong.solve(given)
        if result is None:
            continue
        values = result if isinstance(result, tuple) else (result,)
        if values == right:
            continue
        other = found.get(values)
        name = f"{other.name}, or {wrong.name}" if other else wrong.name
        found[values] = Mistake(name, values, other.refutation if other else wrong.refute(given))
    return tuple(found.values())


def among(random: Random, options: Mapping[int, Sequence[int]], difficulty: int) -> int:
    """One of the numbers that a difficulty allows."""
    return random.choice(options[difficulty])


def record(problem: Problem) -> ProblemRecord:
    """The plain form for JSON."""
    task = problem.task
    working = tuple(derivation.record() for derivation in task.derivations)
    return ProblemRecord(
        problem.template, problem.skill, problem.difficulty, problem.seed,
        task.text, task.expected, task.hints, task.mistakes, working, task.because,
    )  # fmt: skip


def _in_a_row(wanted: list[float], numbers: list[float]) -> bool:
    count = len(wanted)
    return any(numbers[i : i + count] == wanted for i in range(len(numbers) - count + 1))
