"""Numbers that a course and a list of questions print, and every place where one is wrong or loose."""

import re
from pathlib import Path

import pytest

from receptron.tutor.claims import CLAIMS, check
from receptron.tutor.lessons import LESSONS, find
from receptron.tutor.lessons.lesson import Fault, record
from receptron.tutor.problem import numbers_in
from receptron.tutor.question_bank import QUESTIONS, basics, depth
from receptron.tutor.question_bank.question import check as check_question
from receptron.tutor.worked_problems import PROBLEMS, judge

KNOWN = {
    "problem-3-product",
    "bottleneck-field",
    "googlenet-size",
    "mobilenet-thirtieth",
    "gradient-can-vanish",
    "floor-half-kernel",
    "thinning-has-a-price",
}
GROUPED = re.compile(r"(?<![\d,])\d{1,3}(?:,\d{3})+(?![\d,])")
FILES = {"questions": "000_3d11085faa9ce028.txt", "course": "002_23b847439ef11134.txt"}
INPUTS = {600, 1000, 4096, 2000, 2048}
"""Grouped numbers there that are data of a question and no result."""


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: f"{claim.topic}: {claim.says}"[:90])
def test_a_printed_number_is_reproduced_or_a_lesson_says_why_not(claim):
    finding = check(claim)
    assert finding.agrees or claim.lesson, f"printed {finding.printed}, computed {finding.computed}"
    if claim.lesson:
        assert find(claim.lesson).proof()


def test_how_many_numbers_are_listed_and_how_many_are_wrong():
    findings = [check(claim) for claim in CLAIMS]
    wrong = {finding.lesson for finding in findings if not finding.agrees}
    assert len(findings) == 126 and sum(finding.agrees for finding in findings) == 106
    assert {
        "problem-3-product",
        "bottleneck-field",
        "googlenet-size",
        "mobilenet-thirtieth",
        "gradient-can-vanish",
        "thinning-has-a-price",
    } <= wrong


@pytest.mark.shared
@pytest.mark.parametrize("text", FILES)
def test_every_grouped_number_that_a_text_prints_is_in_the_list(text: str, shared: Path):
    read = (shared / "seeds" / FILES[text]).read_text(encoding="utf-8")
    printed = {int(found.replace(",", "")) for found in GROUPED.findall(read)}
    listed = {int(number) for claim in CLAIMS for number in (claim.printed if isinstance(claim.printed, tuple) else (claim.printed,))}
    listed |= {int(number) for claim in CLAIMS for number in numbers_in(claim.says)}
    assert printed - INPUTS <= listed, sorted(printed - INPUTS - listed)


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_proves_what_it_finds(name: str):
    told = record(LESSONS[name])
    assert told.holds and "{" not in told.finding


def test_the_lessons_that_were_known_are_there_and_each_is_used():
    assert LESSONS.keys() >= KNOWN
    assert {claim.lesson for claim in CLAIMS} - {""} == LESSONS.keys()
    assert {lesson.fault for lesson in LESSONS.values()} == set(Fault)


def test_the_printed_product_is_told_to_be_wrong():
    told = record(find("problem-3-product"))
    assert "3,699,376,128" in told.finding and "524,288" in told.finding and told.fault == "wrong"


@pytest.mark.parametrize("name", QUESTIONS)
def test_each_point_of_an_open_question_has_a_figure_or_a_source(name: str):
    question = QUESTIONS[name]
    for point in question.points:
        assert point.source or point.figures, point
        assert point.text.replace("{{", "").replace("}}", "").count("{}") == len(point.figures)
        bare = [n for n in numbers_in(re.sub(r"\{\{[^}]*\}\}|\d+x\d+|[A-Za-z-]+-\d+|V\d|ViT-\S+", "", point.text)) if n >= 10_000]
        assert not bare, f"{bare} is typed, not computed"
    assert "{}" not in question.model_answer and question.follow_up
    everything = tuple(range(1, len(question.points) + 1))
    assert check_question(question, everything).share == 1 and check_question(question, ()).found == ()


def test_the_list_of_questions_has_fifteen():
    assert len(basics.QUESTIONS) + len(depth.QUESTIONS) == 15


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_rubric_rises_from_no_hire_to_strong_hire(name: str):
    problem = PROBLEMS[name]
    parts, points = tuple(range(1, len(problem.parts) + 1)), tuple(range(1, len(problem.points) + 1))
    assert judge(problem, parts, points).verdict == "Strong Hire"
    assert judge(problem, *problem.rubric.lean).verdict == "Lean Hire"
    assert judge(problem, (), ()).verdict == "No Hire"
    assert len(judge(problem, parts, ()).evidence) == len(parts) + len(points)
    for part in problem.parts:
        assert part.worked and all(mistake.values != part.expected.values for mistake in part.mistakes)


def test_the_four_problems_have_the_answers_that_hold():
    sizes, *counts = PROBLEMS["output-sizes"].parts
    assert sizes.expected.values == (112, 56, 56, 28)
    assert [part.expected.values for part in counts] == [(9472,), (73856,), (147584,)]
    standard, both, factor = PROBLEMS["separable-cost"].parts
    assert standard.expected.values == (3_699_376_128,) and both.expected.values == (418_267_136,)
    assert factor.expected.values[0] == pytest.approx(8.8445, abs=1e-3)
