"""The table of commands, and the one place where an error becomes a message and an exit code."""

import sys
from importlib import import_module

import typer

from receptron.cli import screen
from receptron.errors import ReceptronError

COMMANDS = {
    "audit": "audit",
    "calc": "calc",
    "compare": "compare",
    "evaluate": "evaluate",
    "inspect": "inspection",
    "practice": "practice",
    "predict": "predict",
    "train": "train",
    "zoo": "zoo",
}
"""Where each command stands: the file beside this one, with a function of the command's name, or an `app` of commands of its own."""


def commands(wanted: str = "") -> typer.Typer:
    """The command line with every command; with `wanted` alone if that is one, because importing the others takes time."""
    app = typer.Typer(
        name="receptron", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )  # fmt: skip
    app.callback()(receptron)
    for name in [wanted] if wanted in COMMANDS else COMMANDS:
        module = import_module(f"receptron.cli.{COMMANDS[name]}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name)
        else:
            app.command(name)(getattr(module, name))
    return app


def receptron() -> None:
    """A workbench for convolutional networks: know them, train them honestly on few images, see why they answer, practise."""


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 failed, 2 misused, 130 interrupted, 143 terminated."""
    try:
        commands(sys.argv[1] if len(sys.argv) > 1 else "")()
    except ReceptronError as error:
        screen.error(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        screen.say("Interrupted; nothing half-written was left behind.")
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
