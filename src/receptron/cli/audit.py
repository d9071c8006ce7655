"""receptron audit PATH"""

from typing import TYPE_CHECKING, Annotated

import typer

from receptron.cli import screen
from receptron.cli.tables import Table
from receptron.wording import counted

if TYPE_CHECKING:
    from receptron.data.records import Audit, Finding

SHOWN = 4  # files named of each finding
COLOURS = {"error": "bold red", "warning": "yellow", "note": "cyan"}


def audit(
    path: Annotated[str, typer.Argument(help="Class folders, with train/val/test around or in them, a table, or: digits.")],
    layout: Annotated[str, typer.Option(help="What the folders are: auto, classes or splits.")] = "auto",
    json: Annotated[bool, typer.Option("--json", help="Print the record as JSON.")] = False,
    allow_broken: Annotated[bool, typer.Option("--allow-broken", help="Exit with 0 although over 1 % of the images are broken.")] = False,
    image_memory: Annotated[float, typer.Option(help="Megabytes that one image may take.")] = 400,
) -> None:
    """What is wrong with these images, before any training. Nothing is changed, moved or copied."""
    from receptron.cli.bars import Bars
    from receptron.jobs.audit import audit as job
    from receptron.jobs.audit import obstacle

    found = job(path, layout=layout, progress=Bars(), image_memory=image_memory)
    refused = obstacle(found, allow_broken=allow_broken)
    screen.json(found) if json else _show(found)
    if refused:
        screen.say(refused)
        raise typer.Exit(1)
    if not json:
        flags = (f" --layout {layout}" if layout != "auto" else "") + (" --allow-broken" if obstacle(found, allow_broken=False) else "")
        screen.show("Next: ", (f"receptron train {_quoted(path)}{flags}", "bold"))


def _show(found: "Audit") -> None:
    rate = found.images / found.seconds if found.seconds else 0
    speed = f"({found.seconds:.1f} s, {rate:,.0f} images/s)"
    screen.show((f"{counted(found.images, 'image')} in {found.layout}, {found.broken:,} unreadable {speed}", "bold"))
    table = Table("class", "readable images")
    for label, count in found.classes.items():
        table.add(label, f"{count:,}")
    screen.table(table)
    for one in found.findings:
        _finding(one)
    if not found.findings:
        screen.show()
        screen.show("Nothing wrong was found.")
    screen.show()
    if found.not_searched:
        screen.show(f"Not searched for: {'; '.join(found.not_searched)}.")


def _finding(one: "Finding") -> None:
    screen.show()
    screen.show((one.severity, COLOURS[one.severity]), f"  {one.message}")
    lines = _files(one)
    for line in lines[:SHOWN]:
        screen.show(f"    {line}")
    if len(lines) > SHOWN:
        screen.show(f"    and {len(lines) - SHOWN:,} more (all with --json)")
    screen.show(f"  cure: {one.cure}")


def _files(one: "Finding") -> list[str]:
    """A line per file, or per pair of copies, both of which the record names."""
    notes = one.notes or ("",) * len(one.files)
    lines = [f"{file}  {note}".rstrip() for file, note in zip(one.files, notes, strict=True)]
    return lines[::2] if "duplicates" in one.kind else lines


def _quoted(path: str) -> str:
    import shlex

    return shlex.quote(path)
