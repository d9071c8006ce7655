"""Every template: solver against torch, wrong solvers against the right answer, hints that keep the answer."""

import dataclasses

import pytest
from truths import truth

from receptron.errors import BadValue, UnknownName
from receptron.tutor.grading.grading import grade, right_answer
from receptron.tutor.learner.mastery import SKILLS
from receptron.tutor.problem import Problem, Template, draw, numbers_in, record
from receptron.tutor.templates import TEMPLATES, find, problem

NAMES = sorted(TEMPLATES)
ASKED = (
    "ceil for floor", "the + 1 forgotten", "bias forgotten", "C_in forgotten", "MACs for FLOPs", "jump ignored", "dilation ignored",
    "running statistics counted as learnable", "groups ignored",
)  # fmt: skip


def hold(name: str, seeds: int) -> list[Problem]:
    """Draw and check `seeds` problems of a template, a third at each difficulty."""
    drawn = [problem(name, 1 + seed % 3, seed) for seed in range(seeds)]
    for each in drawn:
        expected = each.task.expected
        assert expected.values == pytest.approx(truth(each), rel=1e-9), each
        for mistake in each.task.mistakes:
            assert mistake.values != expected.values and not agree(mistake.values, truth(each)), (mistake, each)
            assert mistake.refutation
        wanted = [float(value) for value in expected.values]
        for hint in each.task.hints:
            told = numbers_in(hint)
            assert all(told[i : i + len(wanted)] != wanted for i in range(len(told))) or expected.options, (hint, each)
            assert not expected.options or not any(expected.options[int(v) - 1] in hint for v in expected.values), (hint, each)
        assert each.task.worked
    return drawn


def agree(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return len(a) == len(b) and all(x == pytest.approx(y, rel=1e-12) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_solvers_agree_with_torch_and_no_wrong_solver_is_right(name: str):
    hold(name, 60)


@pytest.mark.campaign
@pytest.mark.parametrize("name", NAMES)
def test_five_hundred_seeds_of_each_template(name: str):
    assert len(hold(name, 500)) == 500


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_answer_is_told_its_mistake_and_the_right_one_is_right(name: str):
    for seed in range(12):
        task = problem(name, 1 + seed % 3, seed).task
        unit = f" {task.expected.unit}" if task.expected.ask_unit else ""
        written = " ".join(map(repr, task.expected.values))
        assert grade(task, written + unit).right, (name, seed, right_answer(task.expected))
        for mistake in task.mistakes:
            if len(mistake.values) != len(task.expected.values) or min(mistake.values) < 0:
                continue
            judged = grade(task, " ".join(map(repr, mistake.values)) + unit)
            close = task.expected.tolerance and agree_roughly(mistake.values, task.expected.values, task.expected.tolerance)
            assert judged.ask or close or (not judged.right and judged.mistake == mistake), (name, seed, mistake, judged)


def agree_roughly(a: tuple[float, ...], b: tuple[float, ...], tolerance: float) -> bool:
    return all(abs(x - y) <= 2 * tolerance * abs(y) for x, y in zip(a, b, strict=True))


def test_a_solver_that_is_off_by_one_would_be_found():
    each = problem("size.floor", 1, 0)
    wrong = dataclasses.replace(each.task.expected, values=(each.task.expected.values[0] + 1,))
    assert wrong.values != truth(each)


def test_every_mistake_that_was_asked_for_is_named_somewhere():
    named = {m.name for name in NAMES for seed in range(30) for m in problem(name, 1 + seed % 3, seed).task.mistakes}
    for mistake in ASKED:
        assert any(mistake in name for name in named), mistake


def test_a_hint_that_holds_the_answer_is_never_dealt():
    def telling(random, difficulty):
        task = problem("size.floor", 1, 3).task
        return dataclasses.replace(task, hints=(f"It is {right_answer(task.expected)}.", "PerceptualHash above."))

    with pytest.raises(BadValue, match="draws no problem"):
        draw(Template("telling", "output-size", "", telling), 1, 0)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_is_the_same_problem_and_others_differ(name: str):
    assert record(problem(name, 2, 5)) == record(problem(name, 2, 5))
    assert len({problem(name, 2, seed).task.text for seed in range(30)}) > 5


def test_every_skill_has_templates():
    assert {template.skill for template in TEMPLATES.values()} == set(SKILLS)


def test_unknown_templates_and_difficulties_are_refused():
    with pytest.raises(UnknownName, match=r"Did you mean size\.floor"):
        find("size.flor")
    with pytest.raises(BadValue, match="difficulty is 4"):
        problem("size.floor", 4)
