"""`receptron practice`: fresh problems in a terminal, one key for hint, steps, skip and quit."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from receptron.cli import paths
from receptron.cli.output import screen
from receptron.cli.practice import conversations, keys, records
from receptron.cli.practice.terminal import PracticeTerminal, Setting
from receptron.errors import BadValue, StorageFault

if TYPE_CHECKING:
    from receptron.tutor.grading.grading import Grade
    from receptron.tutor.session import Session

app = typer.Typer(
    help="Practise: problems whose answers are computed, mistakes that are named, reviews, mock interviews.", invoke_without_command=True
)
KEYS = "hwsq"
LEGEND = "h hint · w worked steps · s skip · q quit"


@app.callback()
def practice(
    context: typer.Context,
    skill: Annotated[str, typer.Option(help="Only this skill; `practice progress` lists them.")] = "",
    template: Annotated[str, typer.Option(help="Only this template; `practice templates` lists them.")] = "",
    difficulty: Annotated[int | None, typer.Option(help="1, 2 or 3; otherwise it follows your answers.", min=1, max=3)] = None,
    count: Annotated[int, typer.Option(help="Problems in this session.", min=1)] = 10,
    seed: Annotated[int | None, typer.Option(help="Exactly this problem, and those after it.")] = None,
    store: Annotated[
        Path | None, typer.Option(parser=paths.path, help="Your progress; a file in your data directory unless given.")
    ] = None,
    plain: Annotated[bool, typer.Option("--plain", help="No colour, nothing but lines of text.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the problems with their solutions instead of asking.")] = False,
) -> None:
    """A session: what your plan and your memory need most, or what you name."""
    setting = context.obj if isinstance(context.obj, Setting) else Setting()
    terminal = context.obj = PracticeTerminal(store, plain, setting)
    if context.invoked_subcommand is not None:
        return
    from receptron.tutor.session import Focus, Session

    session = Session(terminal.store, Focus(skill, template, difficulty, seed), terminal.random())
    if json:
        from receptron.tutor.problem import record

        screen.json([record(session.look()) for _ in range(count)])
        return
    try:
        run(terminal, session, count)
    finally:
        close(terminal, session)


def run(terminal: PracticeTerminal, session: "Session", count: int) -> None:
    """Problem after problem until the count or the key q."""
    from receptron.tutor.grading.grading import accepts

    for number in range(1, count + 1):
        problem = session.next()
        terminal.say(f"\n{number} of {count} · {problem.template} · difficulty {problem.difficulty}", "bold")
        terminal.say(problem.task.text)
        terminal.say(f"{accepts(problem.task.expected)}  [{LEGEND}]", "dim")
        if not ask(terminal, session):
            return


def ask(terminal: PracticeTerminal, session: "Session") -> bool:
    """One problem until it is right or left; False to end the session."""
    while True:
        match keys.read("> ", KEYS, plain=terminal.plain):
            case "q":
                return False
            case "s":
                session.skip()
                terminal.say("Skipped." if session.done and session.done[-1].skipped else "On to the next.")
                return True
            case "h":
                terminal.say(f"Hint: {hint}" if (hint := session.hint()) else "There are no more hints; w shows the steps.", "cyan")
            case "w":
                terminal.say(session.steps(), "cyan")
            case "":
                terminal.say(f"[{LEGEND}]", "dim")
            case text:
                if _answered(terminal, session, text):
                    return True


def close(terminal: PracticeTerminal, session: "Session") -> None:
    """Tell how it went; what could not be stored is tried again, or printed for `practice import`."""
    done = session.summary()
    terminal.say(f"\n{done.right} of {done.answered} right, {done.unaided} without help, {done.skipped} skipped.", "bold")
    for name, times in done.mistakes:
        terminal.say(f"  {times} x {name}")
    try:
        session.save()
    except StorageFault as fault:
        from receptron.records import to_json
        from receptron.tutor.learner.store import as_export

        screen.error(fault)
        screen.say(f"{done.unsaved} answers are not stored. Save these lines to a file and run `receptron practice import FILE`:")
        screen.exactly(to_json(as_export(session.unsaved), indent=0))


def _answered(terminal: PracticeTerminal, session: "Session", text: str) -> bool:
    try:
        judged = session.answer(text)
    except BadValue as error:
        terminal.say(str(error), "yellow")
        return False
    if session.trouble:
        terminal.say(f"Not stored yet: {session.trouble.why or session.trouble.what}. It will be tried again.", "yellow")
    if judged.ask:
        terminal.say(judged.ask, "yellow")
        return False
    if judged.right:
        terminal.say(f"Right. {judged.remark}".rstrip(), "green")
        return True
    _refuted(terminal, judged)
    return False


def _refuted(terminal: PracticeTerminal, judged: "Grade") -> None:
    if judged.mistake:
        terminal.say(f"Wrong: that number comes from this mistake: {judged.mistake.name}.", "red")
        terminal.say(f"  {judged.mistake.refutation}")
    else:
        terminal.say("Wrong, and not by a mistake known here.", "red")
    terminal.say("Try again, or: h hint, w worked steps, s next problem.", "dim")


for _name, _command in {**records.COMMANDS, **conversations.COMMANDS}.items():
    app.command(_name)(_command)
