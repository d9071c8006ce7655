"""What commands print: records as JSON on stdout, words and tables on stdout, errors and progress on stderr.

Colour is never the only sign: every coloured word also says what it means, and NO_COLOR or a pipe turns colour off.
"""

import os
import sys
from functools import cache
from typing import TYPE_CHECKING

from receptron.errors import ReceptronError

if TYPE_CHECKING:
    from rich.console import Console

PIPE = 120
"""Columns of a pipe or a file, which have no width of their own."""


@cache
def out() -> "Console":
    """Where tables go; made, and rich imported, when it is first used. A pipe is as wide as tables need, unless COLUMNS says otherwise."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=False, width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPE)


@cache
def err() -> "Console":
    """Where errors and progress go."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def write(text: str) -> None:
    """Lines on stdout exactly as they stand, without colour or wrapping."""
    sys.stdout.write(text + "\n")


def json(record: object) -> None:
    """Print a typed record as JSON on stdout, and nothing else."""
    from receptron.records import to_json

    sys.stdout.write(to_json(record) + "\n")


def say(text: str) -> None:
    """One line for a person, on stderr, so that stdout stays clean for pipes."""
    err().print(text)


def tell(text: str) -> None:
    """One line on stderr, exactly as it stands: brackets are no markup, control characters are shown as escapes."""
    from rich.text import Text

    err().print(Text(printable(text)))


def printable(text: str) -> str:
    """`text` without control characters, which a file name may hold and a terminal would obey; they are shown as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def error(fault: ReceptronError) -> None:
    """Name of the error and what, why and how to mend, on stderr."""
    from rich.text import Text

    text = Text()
    text.append(f"{type(fault).__name__}: ", style="bold red")
    text.append(fault.what)
    for label, line in (("Why", fault.why), ("Mend", fault.mend)):
        if line:
            text.append(f"\n  {label}: ", style="bold")
            text.append(line)
    err().print(text)
