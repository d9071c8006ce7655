"""The table of commands, and the one place where an error becomes a message and an exit code."""

import sys

import typer

from receptron.cli import calc, practice, screen
from receptron.cli.audit import audit
from receptron.cli.compare import compare
from receptron.cli.evaluate import evaluate
from receptron.cli.inspection import inspect
from receptron.cli.predict import predict
from receptron.cli.train import train
from receptron.cli.zoo import zoo
from receptron.errors import ReceptronError

app = typer.Typer(
    name="receptron",
    help="A workbench for convolutional networks: know them, train them honestly on few images, see why they answer, practise.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(calc.app, name="calc")
app.add_typer(practice.app, name="practice")
app.command("audit")(audit)
app.command("compare")(compare)
app.command("evaluate")(evaluate)
app.command("inspect")(inspect)
app.command("predict")(predict)
app.command("train")(train)
app.command("zoo")(zoo)


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 failed, 2 misused, 130 interrupted, 143 terminated."""
    try:
        app()
    except ReceptronError as error:
        screen.error(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        screen.say("Interrupted; nothing half-written was left behind.")
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
