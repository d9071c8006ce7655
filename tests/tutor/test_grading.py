"""Answers as people type them, and how they are judged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receptron.errors import BadValue
from receptron.tutor.grading.answer_parsing import evaluate, in_unit, read
from receptron.tutor.grading.grading import accepts, grade
from receptron.tutor.problem import Expected, Mistake, Task


def task(*values: float, mistakes: tuple[Mistake, ...] = (), **more) -> Task:
    return Task("?", None, Expected(tuple(values), **more), ("", ""), (), mistakes)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("802,816", 802816), ("802816", 802816), ("0.8M", 800000), ("0.8 M", 800000),
        ("224x224x64", 224 * 224 * 64), ("224 x 224 × 64", 224 * 224 * 64),
        ("(224-7+6)//2+1", 112), ("floor((224-7+6)/2)+1", 112), ("⌊(224 - 7 + 2×3) / 2⌋ + 1", 112),
        ("⌈223/2⌉", 112), ("2^51 - 1", 2**51 - 1),
        ("1e6", 10**6), ("7/2", 3.5), ("1.5k", 1500), ("64k*3", 192000), ("-3", -3), ("≈ 3.7G", 3.7e9),
        ("1,234,567 + 1", 1234568), ("4.1B", 4.1e9),
    ],
)  # fmt: skip
def test_one_number_is_read_however_it_is_written(text: str, value: float):
    assert read(text, 1).values == (value,)


@pytest.mark.parametrize(
    "text", ["112x112x64", "112 x 112 x 64", "112, 112, 64", "112,112,64", "(112, 112, 64)", "112 112 64", "112; 112; 64"]
)
def test_several_numbers_are_read_however_they_are_parted(text: str):
    assert read(text, 3).values == (112, 112, 64)


def test_thousands_within_several_numbers_are_kept_together():
    assert read("1,024 x 3", 2).values == (1024, 3)


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("118M MACs", "MACs", 118e6),
        ("3.7 GFLOPs", "FLOPs", 3.7e9),
        ("64 px", "px", 64),
        ("8.8x", "x", 8.8),
        ("45%", "%", 45),
        ("2 MiB", "MiB", 2),
    ],
)
def test_units_are_read(text: str, unit: str, value: float):
    reading = read(text, 1)
    assert reading.unit == unit and reading.values[0] == pytest.approx(value)


def test_units_of_one_kind_are_converted_and_others_refused():
    assert in_unit(100, "MACs", "FLOPs") == 200 and in_unit(1, "KiB", "bytes") == 1024 and in_unit(50, "%", "times") == 0.5
    with pytest.raises(BadValue, match="does not measure"):
        in_unit(1, "px", "FLOPs")


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "seven", "__import__('os').system('true')", "open('x')", "1 if True else 2", "True",
            "a.b", "[1]", "lambda: 1", "9**9**9**9",
        "1/0", "2**1000000", "(1", "1;2", "x" * 500, "floor", "'1'", "(" * 300 + "1" + ")" * 300, "1 and 2", "max(1, key=2)",
    ],
)  # fmt: skip
def test_what_is_no_arithmetic_is_refused_and_never_run(text: str):
    with pytest.raises(BadValue):
        read(text, 1)


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader(text: str):
    try:
        read(text, 1)
        read(text, 3)
    except BadValue:
        pass


@given(st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6), st.integers(1, 10**4), st.sampled_from(["+", "-", "*", "//", "%"]))
def test_expressions_mean_what_python_means(a: int, b: int, c: int, sign: str):
    text = f"({a} {sign} {c}) + {b} // {c}"
    assert evaluate(text) == eval(text)  # noqa: S307


def test_rounded_answers_are_granted_their_tolerance_and_written_out_ones_are_not():
    near = task(802_816, tolerance=0.01)
    assert grade(near, "0.8M").right and "802,816" in grade(near, "0.8M").remark
    assert grade(near, "802,816").right and grade(near, "448*448*4").right
    assert not grade(near, "802,815").right and not grade(near, "0.7M").right
    assert "1%" in accepts(near.expected)


def test_a_rounded_answer_between_right_and_wrong_goes_to_the_nearer_or_is_asked_again():
    forgotten = Mistake("bias forgotten", (73_728,), "64 biases")
    both = task(73_856, mistakes=(forgotten,), tolerance=0.01)
    assert grade(both, "73.9k").right
    assert "more digits" in grade(both, "73.7k").ask
    assert grade(both, "73,728").mistake == forgotten


def test_a_missing_unit_is_asked_for_and_another_unit_of_the_kind_is_converted():
    work = task(200, mistakes=(Mistake("MACs for FLOPs", (100,), "two each"),), unit="FLOPs", tolerance=0.01, ask_unit=True)
    assert "unit" in grade(work, "200").ask
    assert grade(work, "200 FLOPs").right and grade(work, "100 MACs").right
    assert grade(work, "100 FLOPs").mistake.name == "MACs for FLOPs"
    with pytest.raises(BadValue, match="px does not measure"):
        grade(work, "200 px")


def test_choices_are_numbers_of_the_options():
    choice = task(2, options=("a", "b"))
    assert grade(choice, "2").right and not grade(choice, "1").right
    with pytest.raises(BadValue, match="2 options"):
        grade(choice, "3")


def test_the_wrong_count_of_numbers_is_told():
    with pytest.raises(BadValue, match="2 numbers are asked for"):
        grade(task(3, 4), "3")
