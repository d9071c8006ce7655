"""Commands of practice that show or keep records: progress, plan, ratings, sheet, lessons, claims, answers, export and import."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from receptron.cli import paths
from receptron.cli.output import screen
from receptron.cli.output.tables import Table
from receptron.cli.practice import keys
from receptron.cli.practice.terminal import terminal_of

if TYPE_CHECKING:
    from receptron.tutor.learner.review_plan import ReviewDay

Json = Annotated[bool, typer.Option("--json", help="Print the typed record.")]


def progress(context: typer.Context, json: Json = False) -> None:
    """Your ratings of the nine skills beside what your answers say."""
    from receptron.tutor.learner.mastery import mastery

    rows = mastery(terminal_of(context).store.events())
    if json:
        screen.json(rows)
        return
    table = Table("skill", "what it is", "rated", "answers", "right", "measured")
    for row in rows:
        share, level = ("-" if row.share is None else f"{row.share:.0%}"), ("-" if row.level is None else f"{row.level:.1f}")
        table.add(row.skill, row.title, " ".join(map(str, row.rated)) or "-", str(row.answers), share, level)
    screen.table(table)


def plan(
    context: typer.Context,
    interview: Annotated[str, typer.Option(help="Day of your interview, as in 2026-12-24; reviews are drawn together before it.")] = "",
    restart: Annotated[bool, typer.Option("--restart", help="Start anew today.")] = False,
    json: Json = False,
) -> None:
    """The days of review: 0, 3, 7, 14 and 21, or fewer days before an interview."""
    from datetime import date

    from receptron.errors import BadValue
    from receptron.tutor.learner import review_plan

    store = terminal_of(context).store
    today = store.clock().date()
    planned = review_plan.current(store.events())
    if interview or restart or planned is None:
        try:
            ahead = date.fromisoformat(interview) if interview else None
        except ValueError as error:
            raise BadValue(f"--interview {interview!r} is no day.", mend="write it as 2026-12-24") from error
        planned = review_plan.plan(today, ahead)
        store.append(planned)
    days = review_plan.calendar(planned)
    if json:
        screen.json(days)
        return
    _days(days, today.isoformat())
    if planned.interview:
        screen.show(f"interview on {planned.interview}")


def _days(days: "tuple[ReviewDay, ...]", today: str) -> None:
    table = Table("day", "checkpoint", "problems", "questions to explain")
    for day in days:
        mark = " (today)" if day.on.isoformat() == today else ""
        each = day.checkpoint
        table.add(f"{day.on}{mark}", each.title, ", ".join(each.templates), ", ".join(each.questions))
    screen.table(table)


def assess(
    context: typer.Context,
    rate: Annotated[
        list[str] | None, typer.Option(help="A rating such as receptive-field=4; may be given often. Asked for if left out.")
    ] = None,
    json: Json = False,
) -> None:
    """Rate yourself on the nine skills from 1 (cannot) to 5 (can teach)."""
    from receptron.errors import BadValue
    from receptron.tutor.learner.mastery import RATINGS, SKILLS, check_rating

    terminal = terminal_of(context)
    given: dict[str, str] = {}
    for text in rate or ():
        skill, _, number = text.partition("=")
        given[skill] = number
    if not given:
        terminal.say("; ".join(f"{number} {word}" for number, word in RATINGS.items()))
        for skill, title in SKILLS.items():
            given[skill] = keys.read(f"{title} (1-5): ", "")
            if given[skill] == keys.QUIT:
                return
    if wrong := next((f"{skill}={text}" for skill, text in given.items() if not text.isdigit()), None):
        raise BadValue(f"{wrong!r} is no rating.", mend="write SKILL=NUMBER, as in receptive-field=4")
    terminal.store.append(*(check_rating(skill, int(text)) for skill, text in given.items()))
    progress(context, json)


def templates(json: Json = False) -> None:
    """Every template of problems."""
    from receptron.tutor.templates import TEMPLATES

    if json:
        screen.json([{"name": t.name, "skill": t.skill, "title": t.title} for t in TEMPLATES.values()])
        return
    table = Table("template", "skill", "about")
    for template in TEMPLATES.values():
        table.add(template.name, template.skill, template.title)
    screen.table(table)


def answer(
    template: Annotated[str, typer.Argument(help="Template of the problem.")],
    text: Annotated[str, typer.Argument(help="Your answer.")],
    seed: Annotated[int, typer.Option(help="Seed of the problem.")] = 0,
    difficulty: Annotated[int, typer.Option(help="Its difficulty.", min=1, max=3)] = 1,
    json: Json = False,
) -> None:
    """Judge one answer without a session; nothing is kept."""
    from receptron.tutor.grading.grading import grade
    from receptron.tutor.templates import problem

    judged = grade(problem(template, difficulty, seed).task, text)
    if json:
        screen.json(judged)
    else:
        said = judged.ask or ("Right." if judged.right else f"Wrong{': ' + judged.mistake.name if judged.mistake else ''}.")
        screen.paragraph(f"{said} {judged.mistake.refutation if judged.mistake else judged.remark}".rstrip())
    if not judged.right:
        raise typer.Exit(1)


def sheet(
    html: Annotated[Path | None, typer.Option(parser=paths.path, help="Write a page that prints on A4 to this file.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Let --html replace a file that is no page of Receptron.")] = False,
    json: Json = False,
) -> None:
    """The cheat sheet, each line with the derivation of its numbers."""
    from receptron.atomic_write import write_file
    from receptron.tutor import cheat_sheet as page

    if html is not None:
        from receptron.report.frame import check_replaceable
        from receptron.report.practice import sheet_page

        check_replaceable(html, overwrite=overwrite)
        write_file(html, sheet_page())
        screen.say(f"page: {html}")
    elif json:
        screen.json(page.record())
    else:
        screen.paragraph(page.text())


def lessons(name: Annotated[str | None, typer.Argument(help="One lesson.")] = None, json: Json = False) -> None:
    """What is often said wrongly or loosely, and what holds."""
    from receptron.tutor.lessons import LESSONS, find
    from receptron.tutor.lessons.lesson import record

    rows = [record(find(name))] if name else [record(lesson) for lesson in LESSONS.values()]
    if json:
        screen.json(rows)
        return
    for row in rows:
        screen.paragraph(f"{row.name} ({row.fault}; {row.skill})\n  said:  {row.claim}\n  holds: {row.finding}")
        if row.source:
            screen.paragraph(f"  source: {row.source}")


def claims(json: Json = False) -> None:
    """Numbers as courses and question lists print them, beside what is computed."""
    from receptron.tutor.claims import CLAIMS, check

    rows = [check(claim) for claim in CLAIMS]
    if json:
        screen.json(rows)
        return
    table = Table("topic", "says", "printed", "computed", "lesson")
    for row in rows:
        table.add(row.topic, row.says, row.printed, row.computed, row.lesson or "agrees")
    screen.table(table)


def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(parser=paths.path, help="Where to write.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is no export.")] = False,
) -> None:
    """Write everything you did to a JSON file."""
    screen.say(f"{terminal_of(context).store.export(file, overwrite=overwrite)} events in {file}")


def restore(context: typer.Context, file: Annotated[Path, typer.Argument(parser=paths.path, help="What export wrote.")]) -> None:
    """Add a JSON file's events to yours; what is there already stays once."""
    screen.say(f"{terminal_of(context).store.restore(file)} events were new")


COMMANDS = {
    "progress": progress, "plan": plan, "assess": assess, "templates": templates, "answer": answer, "sheet": sheet, "lessons": lessons,
    "claims": claims, "export": export, "import": restore,
}  # fmt: skip
