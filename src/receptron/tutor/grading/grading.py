"""An answer judged: right, wrong with the mistake that gives exactly that number, or not yet complete."""

from dataclasses import dataclass

from receptron.arithmetic.derivation import shown
from receptron.errors import BadValue
from receptron.tutor.grading.answer_parsing import ParsedAnswer, in_unit, read
from receptron.tutor.problem import Expected, Mistake, Task, Value


@dataclass(frozen=True)
class Grade:
    """`ask` is not empty while the answer is not complete: a unit is missing, or more digits are needed. It then counts for nothing."""

    right: bool
    values: tuple[Value, ...]
    mistake: Mistake | None = None
    remark: str = ""
    ask: str = ""


def grade(task: Task, text: str) -> Grade:
    """Judge what was typed. Raises: BadValue if it cannot be read."""
    expected = task.expected
    reading = read(text, len(expected.values))
    if expected.options:
        return _chosen(task, reading)
    if expected.ask_unit and not reading.unit:
        return Grade(False, reading.values, ask=f"Which unit? Write it behind the number: {expected.unit} or what you mean.")
    values = tuple(in_unit(v, reading.unit, expected.unit) for v in reading.values) if _converts(reading, expected) else reading.values
    return _compared(task, values, reading.rounded)


def accepts(expected: Expected) -> str:
    """What counts as right, in one line for the learner."""
    if expected.options:
        return "Answer with the number of your choice." if len(expected.values) == 1 else "Answer with the numbers in order: 2 1 3."
    parts = [f"Answer in {expected.unit}." if expected.unit else "Answer with a number."]
    if len(expected.values) > 1:
        parts = [f"{len(expected.values)} numbers" + (f": {', '.join(expected.names)}." if expected.names else ", row by row.")]
    if expected.tolerance:
        parts.append(f"Rounded answers may be {expected.tolerance:.0%} off; whole numbers written out must be exact.")
    if expected.ask_unit:
        parts.append("Say the unit.")
    return " ".join(parts)


def right_answer(expected: Expected) -> str:
    """The right answer for people."""
    if expected.options:
        return "; ".join(f"{number} {expected.options[int(number) - 1]}" for number in expected.values)
    value = expected.values if len(expected.values) > 1 else next(iter(expected.values))
    return f"{shown(value, ' x ' if expected.names else ' ')} {expected.unit}".rstrip()


def _converts(reading: ParsedAnswer, expected: Expected) -> bool:
    return bool(reading.unit and expected.unit and reading.unit.lower() != expected.unit.lower())


def _compared(task: Task, values: tuple[Value, ...], rounded: bool) -> Grade:
    """The nearest of right and wrong values wins; where a rounded answer fits two, more digits are asked for."""
    expected, tolerance = task.expected, task.expected.tolerance
    if not tolerance or not (rounded or any(isinstance(v, float) for v in expected.values)):
        tolerance = 1e-9
    fits = [m for m in task.mistakes if _near(values, m.values, tolerance)]
    is_right = _near(values, expected.values, tolerance)
    distance = _distance(values, expected.values)
    nearer = [m for m in fits if _distance(values, m.values) < distance]
    if is_right and nearer:
        return Grade(False, values, ask="That fits the right answer and a mistake alike. Write more digits.")
    if is_right:
        return Grade(True, values, remark="" if values == expected.values else f"Exactly: {right_answer(expected)}.")
    return Grade(False, values, min(fits, key=lambda m: _distance(values, m.values), default=None))


def _chosen(task: Task, reading: ParsedAnswer) -> Grade:
    expected = task.expected
    if any(value not in range(1, len(expected.options) + 1) for value in reading.values):
        raise BadValue(f"there are {len(expected.options)} options.", mend=f"answer with numbers from 1 to {len(expected.options)}")
    made = next((m for m in task.mistakes if m.values == reading.values), None)
    return Grade(reading.values == expected.values, reading.values, made)


def _near(values: tuple[Value, ...], wanted: tuple[Value, ...], tolerance: float) -> bool:
    return len(values) == len(wanted) and all(abs(a - b) <= tolerance * abs(b) for a, b in zip(values, wanted, strict=True))


def _distance(values: tuple[Value, ...], wanted: tuple[Value, ...]) -> float:
    return sum(float(abs(a - b)) for a, b in zip(values, wanted, strict=True))
