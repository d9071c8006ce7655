"""Commands of practice that hold a conversation: open questions, the four problems, design, the mock interview."""

import sys
from contextlib import nullcontext, redirect_stdout
from typing import TYPE_CHECKING, Annotated

import typer

from receptron.cli.output import screen
from receptron.cli.practice import keys
from receptron.cli.practice.terminal import PracticeTerminal, terminal_of
from receptron.errors import BadValue

if TYPE_CHECKING:
    from receptron.tutor.mock_interview.interview import Interview
    from receptron.tutor.problem import Task
    from receptron.tutor.question_bank.question import Point, Question

Json = Annotated[bool, typer.Option("--json", help="Print the typed record.")]
Name = Annotated[str | None, typer.Argument(help="Which one; all are listed if left out.")]


def explain(context: typer.Context, name: Name = None, json: Json = False) -> None:
    """Answer an open question in words, then tick the points that your answer has."""
    from receptron.tutor.learner.events import Explained
    from receptron.tutor.question_bank import QUESTIONS, find
    from receptron.tutor.question_bank.question import check

    terminal = terminal_of(context)
    if name is None or json:
        chosen = [find(name)] if name else list(QUESTIONS.values())
        _listed([(q.name, q.skill, q.prompt) for q in chosen]) if not json else screen.json([_question(q) for q in chosen])
        return
    question = find(name)
    terminal.say(question.prompt, "bold")
    text = keys.paragraphs("Your answer, then an empty line:\n")
    ticked = _ticks(terminal, question.points)
    checked = check(question, ticked)
    terminal.store.append(Explained(question.name, text, ticked, len(question.points)))
    terminal.say(f"{len(checked.found)} of {len(question.points)} points.", "bold")
    terminal.say(f"Model answer: {question.model_answer}")
    if question.follow_up:
        terminal.say(f"Harder: {question.follow_up}", "cyan")


def problems(context: typer.Context, name: Name = None, json: Json = False) -> None:
    """The four practice problems: solved part by part, judged by the rubric."""
    from receptron.tutor.worked_problems import PROBLEMS, find, judge

    terminal = terminal_of(context)
    if name is None:
        _listed([(p.name, p.skill, p.title) for p in PROBLEMS.values()])
        return
    problem = find(name)
    if json:
        screen.json(
            {
                "name": problem.name,
                "text": problem.text,
                "hints": problem.hints,
                "solution": problem.solution,
                "rubric": problem.rubric.words,
            }
        )
        return
    terminal.say(f"{problem.title} ({problem.minutes} minutes)", "bold")
    terminal.say(problem.text)
    right = tuple(n for n, part in enumerate(problem.parts, 1) if _part(terminal, part, problem.hints))
    if not problem.parts:
        keys.paragraphs("Your answer, then an empty line:\n")
    verdict = judge(problem, right, _ticks(terminal, problem.points))
    terminal.say(f"\n{problem.solution}")
    terminal.say(f"\n{verdict.verdict}: {verdict.words}", "bold")
    for line in verdict.evidence:
        terminal.say(f"  {line}")


def design(
    context: typer.Context,
    difficulty: Annotated[int, typer.Option(help="1, 2 or 3.", min=1, max=3)] = 1,
    seed: Annotated[int | None, typer.Option(help="Exactly this problem.")] = None,
    json: Json = False,
) -> None:
    """Write layers that take an input to a target within a budget; every line is judged."""
    from receptron.tutor.network_design import GRAMMAR, brief, judge

    terminal = terminal_of(context)
    task = brief(difficulty, terminal.random().randrange(2**31) if seed is None else seed)
    if json:
        screen.json(task)
        return
    terminal.say(task.text, "bold")
    terminal.say(f"One layer per line, an empty line ends: {GRAMMAR}", "dim")
    judged = judge(task, keys.paragraphs("").splitlines())
    for line in judged.lines:
        (c, side), field = line.after, "whole map" if line.field is None else f"field {line.field}"
        terminal.say(
            line.fault or f"{line.text}: {side}x{side}x{c}, {line.parameters:,} parameters, {line.macs:,} MACs, {field}",
            "red" if line.fault else "",
        )
    for demand in judged.demands:
        terminal.say(f"{'met   ' if demand.met else 'missed'} {demand.text}", "green" if demand.met else "red")
    if not judged.passed:
        terminal.say("One way: " + " / ".join(task.solution), "cyan")
        raise typer.Exit(1)


def interview(
    context: typer.Context,
    scene: Annotated[str, typer.Argument(help="whiteboard, or mixed.")] = "whiteboard",
    seed: Annotated[int | None, typer.Option(help="Chance of the mixed scene.")] = None,
    json: Json = False,
) -> None:
    """A mock interview with a clock; follow-ups get harder, and a verdict gives its evidence."""
    from receptron.tutor.learner.events import Interviewed
    from receptron.tutor.mock_interview import scenes
    from receptron.tutor.mock_interview.interview import Interview

    terminal = terminal_of(context)
    talk = Interview(scenes.find(scene), terminal.store.clock, terminal.random(seed))
    with redirect_stdout(sys.stderr) if json else nullcontext():
        terminal.say(f"{talk.scene.title}. {talk.scene.minutes} minutes. h hint, q end.", "bold")
        while talk.turn is not None and _turn(terminal, talk):
            pass
    verdict = talk.verdict()
    terminal.store.append(
        Interviewed(scene, verdict.verdict, tuple(f"{c.name}: {c.rating}: {c.evidence}" for c in verdict.criteria), verdict.seconds)
    )
    if json:
        screen.json(verdict)
        return
    terminal.say(f"\n{verdict.verdict}", "bold")
    for criterion in verdict.criteria:
        terminal.say(f"  {criterion.name}: {criterion.rating}. {criterion.evidence}")


def _turn(terminal: PracticeTerminal, talk: "Interview") -> bool:
    """One question; False to end."""
    turn = talk.turn
    if turn is None:
        return False
    left = int(talk.left)
    terminal.say(f"\n[{abs(left) // 60}:{abs(left) % 60:02d} {'left' if left >= 0 else 'over'}] {turn.text}", "bold")
    if turn.question:
        text = keys.paragraphs("")
        checked = talk.explain(text, _ticks(terminal, turn.question.points))
        terminal.say(f"Noted: {len(checked.found)} of {len(turn.question.points)} points.")
        return True
    while True:
        match keys.read("> ", "hq", plain=terminal.plain):
            case "q":
                return False
            case "h":
                terminal.say(talk.hint() or "No more hints.", "cyan")
            case given:
                try:
                    judged = talk.answer(given)
                except BadValue as error:
                    terminal.say(str(error), "yellow")
                    continue
                if not judged.ask:
                    terminal.say("Noted.")
                    return True
                terminal.say(judged.ask, "yellow")


def _part(terminal: PracticeTerminal, part: "Task", hints: tuple[str, str]) -> bool:
    """One graded part; hints are those of the whole problem."""
    from receptron.tutor.grading.grading import accepts, grade

    terminal.say(f"\n{part.text} {accepts(part.expected)}  [h hint · s leave it]")
    given = 0
    while True:
        match keys.read("> ", "hsq", plain=terminal.plain):
            case "s" | "q":
                return False
            case "h":
                terminal.say(f"Hint: {hints[min(given, 1)]}", "cyan")
                given += 1
            case text:
                try:
                    judged = grade(part, text)
                except BadValue as error:
                    terminal.say(str(error), "yellow")
                    continue
                if judged.ask:
                    terminal.say(judged.ask, "yellow")
                    continue
                named = f" ({judged.mistake.name})" if judged.mistake else ""
                terminal.say("Right." if judged.right else f"Wrong{named}.", "green" if judged.right else "red")
                return judged.right


def _ticks(terminal: PracticeTerminal, points: "tuple[Point, ...]") -> tuple[int, ...]:
    """The numbers of the points that the learner finds in the own answer."""
    terminal.say("Which of these did your answer have? y or n for each.", "dim")
    ticked: list[int] = []
    for number, point in enumerate(points, 1):
        source = f"  ({point.source})" if point.source else ""
        terminal.say(f"{number} {point.told()}{source}")
        match keys.read("y/n> ", "ynq", plain=terminal.plain):
            case "y":
                ticked.append(number)
            case "q":
                break
            case _:
                pass
    return tuple(ticked)


def _question(question: "Question") -> dict[str, object]:
    points = [{"text": point.told(), "source": point.source} for point in question.points]
    return {
        "name": question.name,
        "skill": question.skill,
        "prompt": question.prompt,
        "points": points,
        "model_answer": question.model_answer,
    }


def _listed(rows: list[tuple[str, str, str]]) -> None:
    for name, skill, text in rows:
        screen.paragraph(f"{name} ({skill}): {text}")


COMMANDS = {"explain": explain, "problems": problems, "design": design, "interview": interview}
