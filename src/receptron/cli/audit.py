"""receptron audit PATH"""

from typing import TYPE_CHECKING, Annotated

import typer

from receptron.cli.flags import scan_flags
from receptron.cli.output import screen
from receptron.cli.output.tables import Table
from receptron.wording import counted

if TYPE_CHECKING:
    from receptron.data.records import Audit, Finding

SHOWN = 4  # files named of each finding
COLOURS = {"error": "bold red", "warning": "yellow", "note": "cyan"}


def audit(
    path: Annotated[str, typer.Argument(help="Class folders, with train/val/test around or in them, a table, or: digits.")],
    layout: scan_flags.Layout = "auto",
    path_column: scan_flags.PathColumn = None,
    label_column: scan_flags.LabelColumn = None,
    split_column: scan_flags.SplitColumn = None,
    fold_column: scan_flags.FoldColumn = None,
    group_column: scan_flags.GroupColumn = None,
    root: scan_flags.Root = None,
    suffix: scan_flags.Suffix = "",
    group: scan_flags.Group = None,
    ungrouped: scan_flags.Ungrouped = "refuse",
    channels_axis: scan_flags.ChannelsAxis = "auto",
    json: Annotated[bool, typer.Option("--json", help="Print the record as JSON.")] = False,
    allow_broken: Annotated[bool, typer.Option("--allow-broken", help="Exit with 0 although over 1 % of the images are broken.")] = False,
    image_memory: Annotated[float, typer.Option(help="Megabytes that one image may take.")] = 400,
) -> None:
    """What is wrong with these images, before any training. Nothing is changed, moved or copied."""
    from receptron.cli.output.bars import Bars
    from receptron.data.dataset.scan_options import ScanOptions, flags_of
    from receptron.jobs.audit import audit as job
    from receptron.jobs.audit import obstacle

    options = ScanOptions(
        layout,
        path_column,
        label_column,
        split_column,
        fold_column,
        group_column,
        root,
        suffix,
        tuple(group or ()),
        ungrouped,
        channels_axis,
    )
    found = job(path, options=options, progress=Bars(), image_memory=image_memory)
    refused = obstacle(found, allow_broken=allow_broken)
    screen.json(found) if json else _show(found)
    if refused:
        screen.say(refused)
        raise typer.Exit(1)
    if not json:
        allowed = "--allow-broken" if obstacle(found, allow_broken=False) else ""
        command = ("receptron train", _quoted(path), flags_of(options.settings), allowed)
        screen.show("Next: ", (" ".join(word for word in command if word), "bold"))


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
    return lines[::2] if one.paired else lines


def _quoted(path: str) -> str:
    import shlex

    return shlex.quote(path)
