"""The one door to the terminal: records on stdout, words and tables on stdout, errors and progress on stderr.

All that goes through it is text: names of files, classes and layers and other programs' messages are shown with escapes for what a
terminal would obey, and brackets in them are no markup. Words, paths and numbers stay whole, and what goes to a pipe or a file is not
wrapped at all. Colour is never the only sign: every coloured word also says what it means, and NO_COLOR or a pipe turns colour off.
"""

import shutil
import textwrap
from functools import cache, lru_cache
from typing import TYPE_CHECKING, TextIO

from receptron.cli.output import streams
from receptron.errors import ReceptronError
from receptron.printable import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from receptron.cli.output.tables import Table

Part = str | tuple[str, str]
"""A piece of a line: its text, or its text and style."""


def out() -> "Console":
    """Where tables go; made, and rich imported, when it is first used."""
    return _console(streams.answer())


@lru_cache(maxsize=1)
def _console(stream: TextIO) -> "Console":
    from rich.console import Console

    return Console(file=stream, highlight=False, markup=False, emoji=False)


@cache
def err() -> "Console":
    """Where errors and progress go."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, markup=False, emoji=False)


def write(text: str) -> None:
    """Lines on stdout as they stand, without colour; in a terminal their words stay whole."""
    text = printable(text, "\n")
    if streams.answer().isatty():
        text = "\n".join(_folded(line, shutil.get_terminal_size().columns) for line in text.split("\n"))
    streams.answer().write(text + "\n")


def json(record: object) -> None:
    """Print a typed record as JSON on stdout, and nothing else. What the stream's encoding lacks stands as JSON's own escape."""
    from receptron.records import escape, to_json

    text = to_json(record)
    if not (streams.answer().encoding or "").lower().startswith("utf"):
        text = text.translate({ord(c): escape(c) for c in set(text) if not c.isascii()})
    streams.answer().write(text + "\n")


def csv(text: str) -> None:
    """Print CSV on stdout in UTF-8, byte by byte as it is, so that names of files keep their bytes; in a terminal with escapes."""
    if streams.answer().isatty():
        text = printable(text, "\r\n")
    streams.answer().flush()
    streams.answer().buffer.write(text.encode(errors="surrogateescape"))


def show(*parts: Part) -> None:
    """One line on stdout."""
    _print(out(), _line(parts))


def paragraph(text: str, style: str = "", *, plain: bool = False) -> None:
    """Lines on stdout; their breaks are ours. `plain` is without any colour."""
    from rich.text import Text

    _print(out(), Text(printable(text, "\n"), "" if plain else style))


def table(rows: "Table") -> None:
    """A table on stdout."""
    for line in rows.lines(out(), out().width if out().file.isatty() else None):
        out().print(line, soft_wrap=True)


def say(*parts: Part) -> None:
    """One line for a person, on stderr, so that stdout stays clean for pipes."""
    _print(err(), _line(parts))


def exactly(text: str) -> None:
    """One line on stderr that is made to be copied: without a line break even in a terminal."""
    err().print(_line((text,)), soft_wrap=True)


def error(fault: ReceptronError) -> None:
    """Name of the error and what, why and how to mend, on stderr."""
    from rich.text import Text

    text = Text()
    text.append(f"{type(fault).__name__}: ", style="bold red")
    text.append(printable(fault.what))
    for label, lines in (("Why", fault.why), ("Mend", fault.mend)):
        if lines:
            text.append(f"\n  {label}: ", style="bold")
            text.append(printable(lines, "\n"))
    _print(err(), text)


def _line(parts: tuple[Part, ...]) -> "Text":
    from rich.text import Text

    pairs = [(part, "") if isinstance(part, str) else part for part in parts]
    return Text.assemble(*((printable(text), style) for text, style in pairs))


def _print(console: "Console", text: "Text") -> None:
    """Words are wrapped only where a person looks; there a word longer than the line is folded."""
    console.print(text, soft_wrap=not console.file.isatty())


def _folded(line: str, width: int) -> str:
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.fill(
        line, max(width, 20), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False, drop_whitespace=True
    )
