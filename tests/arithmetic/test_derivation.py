"""Derivations: what is printed is what was computed, in text, LaTeX and MathML alike."""

import math
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receptron.arithmetic import Conv, Derivation, field_size, macs, output_size, parameters, parse, separable, stacked
from receptron.arithmetic.derivation import DerivationRecord
from receptron.arithmetic.expression import Expression, Number, Symbol, ceil, exact, floor, larger, nearest
from receptron.arithmetic.notation import LATEX, MATHML, TEXT, write
from receptron.records import from_json, to_json

SAMPLES = [
    output_size(Conv(7, 2, 3), 224),
    output_size(Conv((3, 5), 2, (1, 0), 2), (31, 40)),
    output_size(Conv(4, 1, "same"), 10),
    macs(Conv(3, 2, 1, c_in=8, c_out=16, groups=4), 28),
    parameters(Conv((3, 5), c_in=4, c_out=6)),
    field_size(parse("conv 3 s2, conv 3 d2, pool 2")),
    separable(64, 128),
    stacked(),
]


def as_python(text: str) -> str:
    """Our plain text as a Python expression, an independent way to evaluate it."""
    text = text.replace(",", "").replace("×", "*").replace("^", "**")
    return text.replace("⌊", "floor(").replace("⌈", "ceil(").replace("⌋", ")").replace("⌉", ")")


def evaluate(text: str) -> float:
    return eval(as_python(text), {"__builtins__": {}}, {"floor": math.floor, "ceil": math.ceil})  # noqa: S307 our own text


@pytest.mark.parametrize("derivation", SAMPLES, ids=lambda d: d.quantity)
def test_the_printed_numbers_give_the_printed_value(derivation: Derivation):
    for step in derivation.steps:
        if "max" not in str(derivation):
            assert evaluate(write(step.substituted, TEXT)) == pytest.approx(step.value)


leaves = st.one_of(st.integers(-9, 9).map(Number), st.sampled_from("abc").map(Symbol))
formulas = st.recursive(
    leaves,
    lambda part: st.one_of(
        st.tuples(part, part).map(lambda p: p[0] + p[1]),
        st.tuples(part, part).map(lambda p: p[0] - p[1]),
        st.tuples(part, part).map(lambda p: p[0] * p[1]),
        st.tuples(part, part).map(lambda p: p[0] / p[1]),
        part.map(lambda p: p**2),
        part.map(floor),
        part.map(ceil),
    ),
    max_leaves=8,
)


@settings(deadline=None, max_examples=300)
@given(formulas)
def test_brackets_keep_the_meaning_of_any_formula(formula: Expression):
    numbers = {"a": 3, "b": -2, "c": 5}
    try:
        value = exact(formula, numbers)
    except ZeroDivisionError:
        return
    text = as_python(write(formula.filled(numbers), TEXT))
    text = re.sub(r"(?<![\w.])(\d+)", r"Fraction(\1)", text)
    text = re.sub(r"\*\*\s*Fraction\((\d+)\)", r"**\1", text)
    names = {"floor": lambda x: Fraction(math.floor(x)), "ceil": lambda x: Fraction(math.ceil(x)), "Fraction": Fraction}
    assert eval(text, {"__builtins__": {}}, names) == value  # noqa: S307 our own text


@pytest.mark.parametrize("derivation", SAMPLES, ids=lambda d: d.quantity)
def test_mathml_is_well_formed_and_ends_with_the_value(derivation: Derivation):
    root = ET.fromstring(derivation.mathml())
    rows = root.findall(".//{*}mtr")
    assert len(rows) == len(derivation.steps)
    for row, step in zip(rows, derivation.steps, strict=True):
        numbers = [n.text for n in row.findall(".//{*}mn")]
        assert float(numbers[-1].replace(",", "")) == pytest.approx(step.value, rel=1e-4)


@pytest.mark.parametrize("derivation", SAMPLES, ids=lambda d: d.quantity)
def test_latex_has_balanced_braces_and_fences(derivation: Derivation):
    text = derivation.latex()
    assert text.count("{") == text.count("}")
    assert text.count("\\left") == text.count("\\right")


def test_the_three_notations_of_the_output_size():
    step = SAMPLES[0].steps[-1]
    assert step.written(TEXT) == "O = ⌊(W - K + 2P) / S⌋ + 1 = ⌊(224 - 7 + 2 × 3) / 2⌋ + 1 = 112"
    assert write(step.formula, LATEX) == r"\left\lfloor \frac{W - K + 2 P}{S} \right\rfloor + 1"
    assert write(step.formula, MATHML).startswith("<mrow><mrow><mo>⌊</mo><mfrac>")


def test_a_record_survives_json():
    record = SAMPLES[3].record()
    assert from_json(to_json(record), DerivationRecord) == record
    assert (record.value, record.formula, record.substituted) == (28_224 * 2, SAMPLES[3].formula, SAMPLES[3].substituted)


def test_min_max_and_round_are_evaluated():
    a = Symbol("a")
    assert larger(a - 5, 0).value({"a": 3}) == 0
    assert nearest(a / 2).value({"a": 5}) == 3


def test_arithmetic_imports_neither_torch_nor_numpy():
    code = "import sys, receptron.arithmetic; print(sorted({'torch', 'numpy', 'rich', 'typer'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
