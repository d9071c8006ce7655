"""receptron audit PATH"""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from receptron.cli import screen

if TYPE_CHECKING:
    from receptron.data.catalog import Audit, Finding

SHOWN = 4  # files named of each finding
COLOURS = {"error": "bold red", "warning": "yellow", "note": "cyan"}


def audit(
    path: Annotated[str, typer.Argument(help="Folder of class folders, a table (CSV, Parquet), or the name digits.")],
    json: Annotated[bool, typer.Option("--json", help="Print the record as JSON.")] = False,
    allow_broken: Annotated[bool, typer.Option("--allow-broken", help="Exit with 0 although over 1 % of the images are broken.")] = False,
) -> None:
    """What is wrong with these images, before any training. Nothing is changed, moved or copied."""
    from receptron.cli.bars import Bars
    from receptron.jobs.audit import audit as job
    from receptron.jobs.audit import is_fit

    found = job(path, progress=Bars())
    screen.json(found) if json else _show(found, path)
    if not is_fit(found, allow_broken=allow_broken):
        screen.say("Over 1 % of the images cannot be read: mend them, or go on without them with --allow-broken.")
        raise typer.Exit(1)


def _show(found: "Audit", path: str) -> None:
    rate = found.images / found.seconds if found.seconds else 0
    speed = f"({found.seconds:.1f} s, {rate:,.0f} images/s)"
    _line(Text(f"{found.images:,} images in {found.layout}, {found.broken:,} unreadable {speed}", style="bold"))
    table = Table("class", "readable images", box=None)
    for label, count in found.classes.items():
        table.add_row(Text(screen.printable(label)), f"{count:,}")
    screen.out().print(table)
    for one in found.findings:
        _line(_finding(one))
    _line(Text("" if found.findings else "\nNothing wrong was found."))
    _line(Text.assemble("Next: ", (f"receptron train {_quoted(path)}", "bold")))


def _finding(one: "Finding") -> Text:
    text = Text.assemble("\n", (one.severity, COLOURS[one.severity]), f"  {screen.printable(one.message)}")
    lines = _files(one)
    for line in lines[:SHOWN]:
        text.append(f"\n    {screen.printable(line)}")
    if len(lines) > SHOWN:
        text.append(f"\n    and {len(lines) - SHOWN:,} more (all with --json)")
    return text.append(f"\n  cure: {one.cure}")


def _files(one: "Finding") -> list[str]:
    """A line per file, or per pair of copies, both of which the record names."""
    notes = one.notes or ("",) * len(one.files)
    lines = [f"{file}  {note}".rstrip() for file, note in zip(one.files, notes, strict=True)]
    return lines[::2] if "duplicates" in one.kind else lines


def _line(text: Text) -> None:
    screen.out().print(text, soft_wrap=True)


def _quoted(path: str) -> str:
    import shlex

    return shlex.quote(path)
