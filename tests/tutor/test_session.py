"""A session, a design, an interview and the sheet, driven from Python as the lab does."""

from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from random import Random

import pytest
import torch
from torch import nn

from receptron.errors import BadValue, UnknownName
from receptron.report.practice import sheet_page
from receptron.tutor import cheat_sheet
from receptron.tutor.learner.store import Store
from receptron.tutor.mock_interview import scenes
from receptron.tutor.mock_interview.interview import Interview, overall
from receptron.tutor.network_design import GRAMMAR, brief, judge
from receptron.tutor.problem import Task
from receptron.tutor.session import Focus, Session


class Clock:
    """Time that passes when told."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def wait(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Store:
    return Store(tmp_path / "p.sqlite", clock)


def right(task: Task) -> str:
    return " ".join(map(repr, task.expected.values)) + (f" {task.expected.unit}" if task.expected.ask_unit else "")


def test_right_wrong_hint_steps_and_skip_are_kept_as_they_happened(store: Store, clock: Clock):
    session = Session(store, Focus(template="size.floor", difficulty=2, seed=10))
    problem = session.next()
    clock.wait(seconds=12)
    assert session.answer(right(problem.task)).right
    wrong = session.next().task.mistakes[0]
    judged = session.answer(str(wrong.values[0]))
    assert judged.mistake == wrong
    assert session.answer(right(session.problem.task)).right, "a second try is judged"
    task = session.next().task
    assert (session.hint(), session.hint(), session.hint()) == (*task.hints, "")
    session.answer(right(task))
    session.next()
    assert session.steps() == session.problem.task.worked
    session.answer(right(session.problem.task))
    session.next()
    session.skip()
    bodies = [event.body for event in store.events()]
    assert [(b.right, b.hints, b.worked, b.skipped) for b in bodies] == [
        (True, 0, False, False), (False, 0, False, False), (True, 2, False, False), (True, 0, True, False), (False, 0, False, True),
    ]  # fmt: skip
    assert bodies[0].seconds == 12 and bodies[1].mistake == wrong.name and bodies[0].seed == 10
    done = session.summary()
    assert (done.answered, done.right, done.unaided, done.skipped, done.unsaved) == (4, 2, 1, 1, 0)
    assert done.mistakes == ((wrong.name, 1),)


def test_looking_keeps_nothing_and_an_unread_answer_counts_for_nothing(store: Store):
    session = Session(store, Focus(skill="convolution"), Random(3))
    assert {session.look().skill for _ in range(20)} == {"convolution"}
    with pytest.raises(BadValue, match="no problem is open"):
        session.answer("3")
    session.next()
    with pytest.raises(BadValue, match="cannot read"):
        session.answer("seven and a half")
    assert store.events() == ()


def test_templates_do_not_repeat_at_once(store: Store):
    session = Session(store, Focus(), Random(1))
    names = [session.next().template for _ in range(6)]
    assert len(set(names)) == 6


def test_unknown_skills_are_refused(store: Store):
    with pytest.raises(UnknownName, match="no skill named"):
        Session(store, Focus(skill="poling"))


@pytest.mark.parametrize("difficulty", [1, 2, 3])
def test_a_design_problem_is_solved_by_its_solution_and_torch_agrees(difficulty: int):
    for seed in range(40):
        task = brief(difficulty, seed)
        judged = judge(task, task.solution)
        assert judged.passed, judged
        shape, total = task.before, 0
        for text, line in zip(task.solution, judged.lines, strict=True):
            words = text.split()
            options = {word[0]: int(word[1:]) for word in words[2:]}
            depthwise = words[0] == "depthwise"
            layer = nn.Conv2d(
                shape[0], shape[0] if depthwise else options["c"], int(words[1]), options.get("s", 1), options.get("p", 0),
                groups=shape[0] if depthwise else 1, device="meta",
            )  # fmt: skip
            out = layer(torch.empty(1, *([shape[0]] + [shape[1]] * 2), device="meta"))
            shape = out.shape[1], out.shape[2]
            total += sum(p.numel() for p in layer.parameters())
            assert line.after == shape and line.parameters == sum(p.numel() for p in layer.parameters())
        assert shape == task.after and total <= task.budget.parameters


def test_every_line_of_a_design_is_judged_and_the_first_fault_stops_it():
    task = brief(2, 1)
    judged = judge(task, ["conv 3 s2 p1 c16", "conv 3 p1", "conv 3 c8"])
    assert [bool(line.fault) for line in judged.lines] == [False, True] and "output channels" in judged.lines[1].fault
    assert not judged.passed
    assert "does not fit" in judge(task, ["conv 7 s2 c8", "pool 64", "pool 64"]).lines[-1].fault
    assert "groups do not divide" in judge(task, ["conv 3 g2 c8"]).lines[0].fault
    for text in ("convolve 3", "conv c8", "conv 3 c8 c9", "", "linear", "gap 3"):
        assert judge(task, [text]).lines[0].fault, text
    assert judge(task, ["gap", "linear 10"]).lines[-1].parameters == 3 * 10 + 10
    over = judge(task, [*task.solution[:-1], "conv 3 p1 c4096"])
    assert not over.passed and any(not demand.met and "parameters" in demand.text for demand in over.demands)
    assert "depthwise" in GRAMMAR


def hold(talk: Interview, clock: Clock, *, good: bool, seconds: float = 30) -> None:
    """Answer everything rightly, or nothing."""
    while (turn := talk.turn) is not None:
        clock.wait(seconds=seconds)
        if turn.task:
            talk.answer(right(turn.task) if good else "123456789")
        else:
            talk.explain("words", tuple(range(1, len(turn.question.points) + 1)) if good else ())


@pytest.mark.parametrize("scene", scenes.SCENES)
def test_an_interview_ends_in_a_verdict_with_evidence(scene: str, clock: Clock):
    talk = Interview(scenes.find(scene), clock, Random(4))
    hold(talk, clock, good=True)
    verdict = talk.verdict()
    assert verdict.verdict == "Strong Hire" and all(criterion.rating == "strong" and criterion.evidence for criterion in verdict.criteria)
    talk = Interview(scenes.find(scene), clock, Random(4))
    hold(talk, clock, good=False)
    assert talk.verdict().verdict == "No Hire" and any("not reached" in outcome.remark for outcome in talk.verdict().turns)


def test_hints_and_time_are_held_against_the_candidate(clock: Clock):
    talk = Interview(scenes.find("whiteboard"), clock)
    assert talk.hint() and talk.left == 30 * 60
    hold(talk, clock, good=True, seconds=600)
    ratings = {criterion.name: criterion.rating for criterion in talk.verdict().criteria}
    assert ratings["independence"] == "lean" and ratings["pace"] == "no" and overall(talk.verdict().criteria) == "Lean Hire"


def test_the_whiteboard_scene_gets_harder_and_changes_what_was_assumed():
    themes = scenes.find("whiteboard").themes(Random(0))
    for theme in themes:
        levels = [turn.level for turn in theme.turns]
        assert levels == sorted(levels) and levels[0] == 1 and levels[-1] == 3
    asked = [turn.task.expected.values[0] for theme in themes for turn in theme.turns if turn.task]
    assert asked == [3, 2, 1, 101, 2**51 - 1, pytest.approx(1e-50), pytest.approx(1.1**50), 0]


def test_questions_are_answered_in_their_own_way(clock: Clock):
    talk = Interview(scenes.find("whiteboard"), clock)
    with pytest.raises(BadValue, match="asks for a number"):
        talk.explain("", ())
    while talk.turn.task:
        talk.answer(right(talk.turn.task))
    with pytest.raises(BadValue, match="asks for words"):
        talk.answer("3")


class Links(HTMLParser):
    """Targets and places of a page, and whatever it asks of the network."""

    def __init__(self) -> None:
        super().__init__()
        self.ids, self.targets, self.outside, self.maths = set(), set(), [], 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        at = dict(attrs)
        self.ids.add(at.get("id"))
        self.maths += tag == "math"
        if (at.get("href") or "").startswith("#"):
            self.targets.add(at["href"][1:])
        self.outside += [value for name, value in attrs if name in ("src", "href") and not (value or "").startswith("#")]


def test_each_line_of_the_sheet_is_linked_to_its_derivation_and_back():
    page = Links()
    page.feed(sheet_page())
    count = len(cheat_sheet.lines())
    wanted = {f"{kind}-{number}" for kind in ("line", "derivation") for number in range(1, count + 1)}
    assert page.targets == wanted <= page.ids and page.maths == count and page.outside == []
    assert "@page" in sheet_page() and "@media print" in sheet_page()


def test_each_number_of_a_line_stands_in_its_derivation():
    for number, line in enumerate(cheat_sheet.lines(), 1):
        assert f"[{number}] {line.concept}" in cheat_sheet.text() and str(line.derivation) in cheat_sheet.text()
    assert len(cheat_sheet.record()) == len(cheat_sheet.lines())
