"""How a formula is written: plain text, LaTeX and MathML, each one table of forms.

>>> from receptron.arithmetic.expression import symbols, floor
>>> W, K, S = symbols("W K S")
>>> write(floor((W - K) / S) + 1, TEXT)
'⌊(W - K) / S⌋ + 1'
>>> write(floor((W - K) / S) + 1, LATEX)
'\\\\left\\\\lfloor \\\\frac{W - K}{S} \\\\right\\\\rfloor + 1'
"""

from collections.abc import Callable
from dataclasses import dataclass

from receptron.arithmetic.expression import Expression, Number, Operation, Symbol, Value

SUM, QUOTIENT, PRODUCT, POWER, ATOM = range(1, 6)
"""How tightly a form binds; a looser part inside a tighter form is put in brackets."""

GREEK = {"alpha": "α", "beta": "β", "gamma": "γ", "phi": "φ"}


@dataclass(frozen=True)
class Form:
    """A template for the parts, how tightly the result binds, and how tightly each part must bind to go without brackets."""

    template: str
    binds: int
    needs: tuple[int, ...]


@dataclass(frozen=True)
class Notation:
    """One way of writing formulas."""

    number: Callable[[Value], str]
    symbol: Callable[[str], str]
    brackets: str
    equals: str
    forms: dict[str, Form]


def write(formula: Expression, notation: Notation) -> str:
    """`formula` in `notation`, with no more brackets than its meaning needs."""
    return _write(formula, notation)[0]


def _write(formula: Expression, notation: Notation) -> tuple[str, int]:
    match formula:
        case Number(number):
            return notation.number(number), ATOM if number >= 0 else SUM
        case Symbol(name):
            return notation.symbol(name), ATOM
        case Operation(kind, parts):
            form = notation.forms["scaled" if kind == "product" and _is_coefficient(parts) else kind]
            return form.template.format(*map(_bracketing(notation), parts, form.needs)), form.binds
        case _:
            raise TypeError(f"{formula!r} is not a formula")


def _bracketing(notation: Notation) -> Callable[[Expression, int], str]:
    """Writer of a part that puts brackets around it where it binds too loosely."""

    def bracketed(part: Expression, needed: int) -> str:
        text, binds = _write(part, notation)
        return text if binds >= needed else notation.brackets.format(text)

    return bracketed


def _is_coefficient(parts: tuple[Expression, ...]) -> bool:
    return isinstance(parts[0], Number) and isinstance(parts[1], Symbol)


def digits(number: Value) -> str:
    """A number for people: integers with thousands separated, others to six significant digits."""
    return f"{number:,}" if isinstance(number, int) else f"{number:,.6g}"


def _parts_of(name: str) -> tuple[str, str]:
    head, _, subscript = name.partition("_")
    return head, subscript


def _text_symbol(name: str) -> str:
    head, subscript = _parts_of(name)
    return GREEK.get(head, head) + (f"_{subscript}" if subscript else "")


def _latex_symbol(name: str) -> str:
    head, subscript = _parts_of(name)
    base = f"\\{head}" if head in GREEK else head if len(head) == 1 else f"\\mathrm{{{head}}}"
    if not subscript:
        return base
    return f"{base}_{{{subscript}}}" if len(subscript) == 1 or subscript.isdigit() else f"{base}_{{\\mathrm{{{subscript}}}}}"


def _mathml_symbol(name: str) -> str:
    head, subscript = _parts_of(name)
    base = f"<mi>{GREEK.get(head, head)}</mi>"
    return f"<msub>{base}<mtext>{subscript}</mtext></msub>" if subscript else base


def _operator(sign: str) -> str:
    return f"<mrow>{{0}}<mo>{sign}</mo>{{1}}</mrow>"


def _fence(left: str, right: str) -> str:
    return f"<mrow><mo>{left}</mo>{{0}}<mo>{right}</mo></mrow>"


def _call(name: str) -> str:
    return f"<mrow><mi>{name}</mi><mo>(</mo>{{0}}<mo>,</mo>{{1}}<mo>)</mo></mrow>"


TEXT = Notation(
    digits,
    _text_symbol,
    "({0})",
    " = ",
    {
        "sum": Form("{0} + {1}", SUM, (SUM, SUM)),
        "difference": Form("{0} - {1}", SUM, (SUM, QUOTIENT)),
        "quotient": Form("{0} / {1}", QUOTIENT, (PRODUCT, POWER)),
        "product": Form("{0} × {1}", PRODUCT, (PRODUCT, PRODUCT)),
        "scaled": Form("{0}{1}", PRODUCT, (ATOM, ATOM)),
        "power": Form("{0}^{1}", POWER, (ATOM, ATOM)),
        "floor": Form("⌊{0}⌋", ATOM, (SUM,)),
        "ceil": Form("⌈{0}⌉", ATOM, (SUM,)),
        "round": Form("round({0})", ATOM, (SUM,)),
        "max": Form("max({0}, {1})", ATOM, (SUM, SUM)),
        "min": Form("min({0}, {1})", ATOM, (SUM, SUM)),
    },
)

LATEX = Notation(
    lambda number: digits(number).replace(",", "{,}"),
    _latex_symbol,
    "\\left( {0} \\right)",
    " = ",
    {
        "sum": Form("{0} + {1}", SUM, (SUM, SUM)),
        "difference": Form("{0} - {1}", SUM, (SUM, QUOTIENT)),
        "quotient": Form("\\frac{{{0}}}{{{1}}}", ATOM, (SUM, SUM)),
        "product": Form("{0} \\times {1}", PRODUCT, (PRODUCT, PRODUCT)),
        "scaled": Form("{0} {1}", PRODUCT, (ATOM, ATOM)),
        "power": Form("{0}^{{{1}}}", POWER, (ATOM, SUM)),
        "floor": Form("\\left\\lfloor {0} \\right\\rfloor", ATOM, (SUM,)),
        "ceil": Form("\\left\\lceil {0} \\right\\rceil", ATOM, (SUM,)),
        "round": Form("\\mathrm{{round}}\\left( {0} \\right)", ATOM, (SUM,)),
        "max": Form("\\max\\left( {0}, {1} \\right)", ATOM, (SUM, SUM)),
        "min": Form("\\min\\left( {0}, {1} \\right)", ATOM, (SUM, SUM)),
    },
)

MATHML = Notation(
    lambda number: f"<mn>{digits(number)}</mn>" if number >= 0 else f"<mrow><mo>-</mo><mn>{digits(-number)}</mn></mrow>",
    _mathml_symbol,
    "<mrow><mo>(</mo>{0}<mo>)</mo></mrow>",
    "<mo>=</mo>",
    {
        "sum": Form(_operator("+"), SUM, (SUM, SUM)),
        "difference": Form(_operator("-"), SUM, (SUM, QUOTIENT)),
        "quotient": Form("<mfrac>{0}{1}</mfrac>", ATOM, (SUM, SUM)),
        "product": Form(_operator("×"), PRODUCT, (PRODUCT, PRODUCT)),
        "scaled": Form("<mrow>{0}{1}</mrow>", PRODUCT, (ATOM, ATOM)),
        "power": Form("<msup>{0}{1}</msup>", POWER, (ATOM, SUM)),
        "floor": Form(_fence("⌊", "⌋"), ATOM, (SUM,)),
        "ceil": Form(_fence("⌈", "⌉"), ATOM, (SUM,)),
        "round": Form("<mrow><mi>round</mi><mo>(</mo>{0}<mo>)</mo></mrow>", ATOM, (SUM,)),
        "max": Form(_call("max"), ATOM, (SUM, SUM)),
        "min": Form(_call("min"), ATOM, (SUM, SUM)),
    },
)
