"""What people type as an answer, read without running it: 802,816 or 0.8M or 224x224x64 or (224-7+6)//2+1, with or without a unit.

>>> read("0.8M parameters", 1)
ParsedAnswer(values=(800000,), rounded=True, unit='parameters')
>>> read("112 x 112 x 64", 3).values
(112, 112, 64)
"""

import ast
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from receptron.errors import BadValue

Value = int | float
LONGEST = 400
LARGEST_BITS = 4096
SCALES = {"k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "B": 10**9, "T": 10**12}

KINDS: dict[str, dict[str, int | Fraction]] = {
    "length": {"px": 1, "pixel": 1, "pixels": 1, "steps": 1},
    "operations": {"flop": 1, "flops": 1, "mac": 2, "macs": 2},
    "count": {"parameters": 1, "parameter": 1, "params": 1, "weights": 1, "numbers": 1, "paths": 1},
    "ratio": {"times": 1, "x": 1, "%": Fraction(1, 100), "percent": Fraction(1, 100)},
    "bytes": {"byte": 1, "bytes": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30},
}
KIND_OF = {unit: kind for kind, units in KINDS.items() for unit in units}

_TUPLE = re.compile(r"\s*[x×;]\s*|\s*,\s+|\s+")
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])")
_SCALED = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*([kKMGBT])(?![A-Za-z])")
_TIMES = re.compile(r"(?<=[\d)\s])\s*[x×·]\s*(?=[\s\d(])")
_WORD = re.compile(r"^(?P<number>.*?)\s*(?P<unit>[A-Za-z%]+)$", re.DOTALL)
_SIGNS = {"⌊": "floor(", "⌋": ")", "⌈": "ceil(", "⌉": ")", "^": "**", "÷": "/", "−": "-", "–": "-", "≈": "", "~": "", "\u00a0": " "}


@dataclass(frozen=True)
class ParsedAnswer:
    """The values that were meant; `rounded` if they were written with a decimal point, a scale such as M, or about; `unit` as typed."""

    values: tuple[Value, ...]
    rounded: bool
    unit: str = ""


def read(text: str, count: int) -> ParsedAnswer:
    """`text` as `count` values. Raises: BadValue with what could not be read."""
    if not text.strip() or len(text) > LONGEST:
        raise BadValue("that is no answer." if not text.strip() else f"an answer has at most {LONGEST} characters.", mend=EXAMPLES)
    rounded = "≈" in text or "~" in text
    for sign, plain in _SIGNS.items():
        text = text.replace(sign, plain)
    text, unit = _without_unit(text.strip())
    parts = _parts(text, count)
    if len(parts) != count:
        raise BadValue(
            f"{count} numbers are asked for, {text!r} has {len(parts)}.", mend="write them as 112x112x64, or with spaces between"
        )
    return ParsedAnswer(tuple(_number(part) for part in parts), rounded or any(_is_rounded(part) for part in parts), unit)


EXAMPLES = "write 802,816 or 0.8M or 224x224x64 or (224-7+6)//2+1"


def in_unit(value: Value, unit: str, wanted: str) -> Value:
    """`value` turned from one unit into another of its kind. Raises: BadValue if they measure different things."""
    kinds = KIND_OF.get(unit.lower()), KIND_OF.get(wanted.lower())
    if kinds[0] != kinds[1] or kinds[0] is None:
        raise BadValue(f"{unit} does not measure what is asked for.", mend=f"answer in {wanted or 'a bare number'}")
    units = KINDS[kinds[0]]
    return _plain(Fraction(value) * Fraction(units[unit.lower()]) / Fraction(units[wanted.lower()]))


def evaluate(text: str) -> Value:
    """Value of an arithmetic expression: + - * / // % ** and floor, ceil, round, min, max. Exact; nothing is run.

    Raises: BadValue for anything else, and for numbers beyond all reason.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval")
        return _plain(_value(tree.body))
    except (SyntaxError, ValueError, RecursionError, MemoryError, TypeError) as error:
        raise BadValue(f"cannot read {text!r} as a number.", mend=EXAMPLES) from error
    except ZeroDivisionError as error:
        raise BadValue(f"{text!r} divides by zero.", mend=EXAMPLES) from error


def _without_unit(text: str) -> tuple[str, str]:
    found = _WORD.match(text)
    if not found or not found["number"].strip():
        return text, ""
    word = found["unit"]
    if word.lower() in KIND_OF:
        return found["number"], word
    if word[0] in SCALES and word[1:].lower() in KIND_OF:
        return found["number"] + word[0], word[1:]
    return text, ""


def _parts(text: str, count: int) -> list[str]:
    """`text` cut where its values part; a comma parts only where it cannot group thousands."""
    if count == 1:
        return [text]
    bare = text.strip("()[] ")
    parts = [part for part in _TUPLE.split(bare) if part]
    if len(parts) == count:
        return parts
    return [part.strip() for part in bare.split(",")]


def _number(part: str) -> Value:
    part = _THOUSANDS.sub(lambda found: found[0].replace(",", ""), part)
    part = _SCALED.sub(lambda found: f"({found[1]}*{SCALES[found[2]]})", part)
    return evaluate(_TIMES.sub("*", part))


def _is_rounded(part: str) -> bool:
    return bool(_SCALED.search(part) or re.search(r"\d\.\d|\de[+-]?\d|/(?!/)(?<!//)", part))


def _value(node: ast.AST) -> Fraction:
    match node:
        case ast.Constant(value=bool()):
            raise ValueError("a truth value is no number")
        case ast.Constant(value=int() | float() as number):
            return Fraction(str(number))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _value(operand)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATIONS:
            return _bounded(_OPERATIONS[type(op)](_value(left), _value(right)))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _FUNCTIONS:
            return Fraction(_FUNCTIONS[name](*(_value(arg) for arg in args)))
        case _:
            raise ValueError(f"{type(node).__name__} is not arithmetic")


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        return Fraction(float(base) ** float(exponent))
    size = max(base.numerator.bit_length(), base.denominator.bit_length())
    if abs(exponent) * size > LARGEST_BITS:
        raise ValueError("too large")
    return base ** int(exponent)


def _bounded(value: Fraction) -> Fraction:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > LARGEST_BITS:
        raise ValueError("too large")
    return value


def _plain(value: Fraction) -> Value:
    return value.numerator if value.denominator == 1 else float(value)


_OPERATIONS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.FloorDiv: lambda a, b: Fraction(a // b),
    ast.Mod: lambda a, b: a % b,
    ast.Pow: _power,
}
_FUNCTIONS: dict[str, Callable[..., int | Fraction]] = {
    "floor": math.floor, "ceil": math.ceil, "round": lambda a: math.floor(a + Fraction(1, 2)), "min": min, "max": max, "int": int,
}  # fmt: skip
