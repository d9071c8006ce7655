"""The table of commands, and the one place where an error becomes a message and an exit code."""

import sys
from importlib import import_module
from importlib.metadata import version
from typing import Annotated

import typer

from receptron.cli.output import screen, streams
from receptron.errors import Misuse, ReceptronError, StorageFault
from receptron.printable import told

INTERRUPTED = 130
DATA, NETWORKS, LEARNING = "Data and training", "Networks", "Learning"
COMMANDS = {
    "audit": ("audit", DATA),
    "train": ("train", DATA),
    "review": ("review", DATA),
    "evaluate": ("evaluate", DATA),
    "predict": ("predict", DATA),
    "inspect": ("inspection", NETWORKS),
    "compare": ("compare", NETWORKS),
    "zoo": ("zoo", NETWORKS),
    "calc": ("calc", LEARNING),
    "practice": ("practice.session", LEARNING),
}
"""Where each command stands, and in which group of --help: a file beside or below this one, with a function of the command's name, or an
`app` of commands of its own."""


def commands(wanted: str = "") -> typer.Typer:
    """The command line with every command; with `wanted` alone if that is one, because importing the others takes time."""
    app = typer.Typer(
        name="receptron", no_args_is_help=True, pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )  # fmt: skip
    app.callback()(receptron)
    for name in [wanted] if wanted in COMMANDS else COMMANDS:
        place, group = COMMANDS[name]
        module = import_module(f"receptron.cli.{place}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name, rich_help_panel=group)
        else:
            app.command(name, rich_help_panel=group)(getattr(module, name))
    return app


def _version(wanted: bool) -> None:
    if wanted:
        screen.show(f"receptron {version('receptron')}")
        raise typer.Exit


def receptron(
    _: Annotated[bool, typer.Option("--version", help="Tell the version and leave.", callback=_version, is_eager=True)] = False,
) -> None:
    """A workbench for convolutional networks: know them, train them honestly on few images, see why they answer, practise."""


def main() -> None:
    """Run the command line and leave. Exit codes: 0 done, 1 failed, 2 misused, 130 interrupted, 143 terminated."""
    streams.install()
    code = _outcome()
    streams.finish()
    raise SystemExit(code)  # not sys.exit, which a user's file may have replaced


def _outcome() -> int:
    """The exit code of the command that was typed, its error told. Output that did not get out is an error too."""
    try:
        code = _run()
        streams.answer().flush()
        return code
    except ReceptronError as error:
        screen.error(error)
        return error.exit_code if error.exit_code in (1, 2) else 1  # an error of a user's own class may state any
    except OSError as error:
        screen.error(StorageFault("a file or a stream failed.", why=told(error)))
        return 1
    except KeyboardInterrupt:
        return _interrupted()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1


def _run() -> int:
    try:
        code = commands(sys.argv[1] if len(sys.argv) > 1 else "")(standalone_mode=False, prog_name="receptron")
    except typer.TyperException as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # typer does not export it; the help is on the screen
            return Misuse.exit_code
        raise _misuse(error) from error
    except typer.Abort:
        return _interrupted()
    return _interrupted() if code == INTERRUPTED else code or 0


def _misuse(error: typer.TyperException) -> Misuse:
    context = getattr(error, "ctx", None)
    mend = (
        ""
        if context is None
        else f"{' '.join(context.get_usage().split()).removeprefix('Usage: ')}; {context.command_path} --help tells more"
    )
    return Misuse(" ".join(error.format_message().split()), mend=mend)


def _interrupted() -> int:
    screen.say("Interrupted.")
    return INTERRUPTED
