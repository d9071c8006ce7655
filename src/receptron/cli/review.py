"""`receptron review RUN`"""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from receptron.cli import paths
from receptron.cli.output import screen
from receptron.cli.output.tables import Table
from receptron.wording import counted

if TYPE_CHECKING:
    from receptron.jobs.review import LabelReview


def review(
    run: Annotated[Path, typer.Argument(parser=paths.path, help="A run that train wrote.", show_default=False)],
    html: Annotated[
        Path | None,
        typer.Option(parser=paths.path, help="Write a page with pictures, beside their nearest believed examples.", show_default=False),
    ] = None,
    as_csv: Annotated[
        Path | None,
        typer.Option("--csv", parser=paths.path, help="Write a table of corrections to edit, for train --labels.", show_default=False),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Let --html and --csv replace files that are there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole record as JSON.")] = False,
) -> None:
    """Which labels are probably wrong, the least believed first, and how to correct them."""
    from receptron.jobs import review as job

    found = job.review(run, html, as_csv, overwrite=overwrite)
    if as_json:
        screen.json(found)
    else:
        _show(found, as_csv)
    if html is not None:
        screen.say(f"page: {html}")
    if as_csv is not None:
        screen.say(f"table: {as_csv}")


def _show(found: "LabelReview", file: Path | None) -> None:
    if found.unknown:
        screen.show(("unknown", "bold"), f", because {found.unknown}")
        return
    among = counted(found.looked_at, "training image")
    if found.decided:
        screen.show(found.decided)
    if not found.suspects:
        screen.show(f"None of {among} looks mislabelled, judged by the {found.judged_by}, out of fold.")
        return
    screen.show((f"{len(found.suspects):,} of {among} may be mislabelled", "bold"), f", judged by the {found.judged_by}, out of fold.")
    screen.show("Some will be right and only unusual: look before you decide.")
    table = Table("rank", "image", "label", "proposed", "belief in the label", "in the proposed", right=(0, 4, 5))
    for one in found.suspects:
        s = one.found
        table.add(f"{one.rank:,}", s.path, s.label, s.likelier, f"{100 * s.belief:.1f} %", f"{100 * s.likelier_belief:.1f} %")
    screen.table(table)
    _tell_next(found, file)


def _tell_next(found: "LabelReview", file: Path | None) -> None:
    """What to type, and what to write into the table."""
    written = f"receptron review {shlex.quote(str(found.run))} --html suspects.html --csv corrections.csv" if file is None else str(file)
    screen.show(f"Correct  {written}")
    screen.show("         write a class into the column decision: the proposed one, another, or the label itself where it is right")
    screen.show(f"Then     {found.then}")
