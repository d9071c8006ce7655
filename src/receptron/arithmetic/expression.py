"""Formulas as small trees: built with + - * / and **, evaluated exactly, so that a printed formula is what was computed.

>>> W, K, P, S = symbols("W K P S")
>>> size = floor((W - K + 2 * P) / S) + 1
>>> size.value({"W": 224, "K": 7, "P": 3, "S": 2})
112
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

Value = int | float
Exact = int | float | Fraction


class Expression:
    """A formula; subclasses are Number, Symbol and Operation."""

    def __add__(self, other: "Expression | Value") -> "Expression":
        return Operation("sum", (self, lift(other)))

    def __radd__(self, other: Value) -> "Expression":
        return Operation("sum", (lift(other), self))

    def __sub__(self, other: "Expression | Value") -> "Expression":
        return Operation("difference", (self, lift(other)))

    def __rsub__(self, other: Value) -> "Expression":
        return Operation("difference", (lift(other), self))

    def __mul__(self, other: "Expression | Value") -> "Expression":
        return Operation("product", (self, lift(other)))

    def __rmul__(self, other: Value) -> "Expression":
        return Operation("product", (lift(other), self))

    def __truediv__(self, other: "Expression | Value") -> "Expression":
        return Operation("quotient", (self, lift(other)))

    def __rtruediv__(self, other: Value) -> "Expression":
        return Operation("quotient", (lift(other), self))

    def __pow__(self, other: "Expression | Value") -> "Expression":
        return Operation("power", (self, lift(other)))

    def value(self, numbers: Mapping[str, Value]) -> Value:
        """The formula's value; rationals are carried exactly and only a fraction left at the end becomes a float."""
        result = exact(self, numbers)
        if isinstance(result, Fraction):
            return result.numerator if result.denominator == 1 else float(result)
        return result

    def filled(self, numbers: Mapping[str, Value]) -> "Expression":
        """The same formula with each symbol that `numbers` knows replaced by its number."""
        match self:
            case Symbol(name) if name in numbers:
                return Number(numbers[name])
            case Operation(kind, parts):
                return Operation(kind, tuple(part.filled(numbers) for part in parts))
            case _:
                return self


@dataclass(frozen=True)
class Number(Expression):
    """A constant."""

    number: Value


@dataclass(frozen=True)
class Symbol(Expression):
    """A named quantity; what follows an underscore is its subscript (`K_eff`, `r_3`)."""

    name: str


@dataclass(frozen=True)
class Operation(Expression):
    """One operation of `MEANING` on its parts."""

    kind: str
    parts: tuple[Expression, ...]


def _divide(a: Exact, b: Exact) -> Exact:
    return a / b if isinstance(a, float) or isinstance(b, float) else Fraction(a) / b


MEANING: dict[str, Callable[..., Exact]] = {
    "sum": lambda a, b: a + b,
    "difference": lambda a, b: a - b,
    "product": lambda a, b: a * b,
    "quotient": _divide,
    "power": lambda a, b: a**b,
    "floor": math.floor,
    "ceil": math.ceil,
    "round": lambda a: math.floor(a + Fraction(1, 2)),
    "max": max,
    "min": min,
}


def exact(formula: Expression, numbers: Mapping[str, Value]) -> Exact:
    """Evaluate `formula` without rounding. Raises: KeyError for a symbol that `numbers` lacks."""
    match formula:
        case Number(number):
            return number
        case Symbol(name):
            return numbers[name]
        case Operation(kind, parts):
            return MEANING[kind](*(exact(part, numbers) for part in parts))
        case _:
            raise TypeError(f"{formula!r} is not a formula")


def lift(value: Expression | Value) -> Expression:
    """A bare number as a formula."""
    return value if isinstance(value, Expression) else Number(value)


def symbols(names: str) -> tuple[Symbol, ...]:
    """One symbol for each of the space-separated `names`."""
    return tuple(Symbol(name) for name in names.split())


def floor(part: Expression) -> Expression:
    """The largest integer that is not above `part`."""
    return Operation("floor", (part,))


def ceil(part: Expression) -> Expression:
    """The smallest integer that is not below `part`."""
    return Operation("ceil", (part,))


def nearest(part: Expression) -> Expression:
    """The nearest integer to `part`, halves upwards."""
    return Operation("round", (part,))


def larger(a: Expression | Value, b: Expression | Value) -> Expression:
    """The larger of two."""
    return Operation("max", (lift(a), lift(b)))


def product(parts: list[Expression]) -> Expression:
    """All parts multiplied, 1 if there are none."""
    result = parts[0] if parts else Number(1)
    for part in parts[1:]:
        result = result * part
    return result


def total(parts: list[Expression]) -> Expression:
    """All parts added, 0 if there are none."""
    result = parts[0] if parts else Number(0)
    for part in parts[1:]:
        result = result + part
    return result
