"""`receptron compare`: two networks side by side."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from receptron.cli import paths
from receptron.cli.inspection import Json, Net, Overwrite, Size
from receptron.cli.output import screen, streams
from receptron.cli.output.tables import Table

if TYPE_CHECKING:
    from receptron.analysis.comparison import Comparison
    from receptron.analysis.inspection import Layer


def compare(
    left: Net,
    right: Net,
    size: Size = None,
    changed: Annotated[bool, typer.Option("--changed", help="Only the layers that differ.")] = False,
    html: Annotated[Path | None, typer.Option(parser=paths.path, help="Write a page to this file.")] = None,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Differences of two networks in every number, each layer with a like one. A .py file or module is run."""
    from receptron.jobs.networks import compare_networks

    streams.divert()
    found = compare_networks(left, right, size, html, overwrite=overwrite)
    if json:
        screen.json(found)
    else:
        screen.table(_totals(found))
        screen.table(_layers(found, changed))
    if html is not None:
        screen.say(f"page: {html}")


def _totals(found: "Comparison") -> Table:
    table = Table("", found.left, found.right, "ratio", right=(1, 2, 3))
    for row in found.totals:
        table.add(row.quantity, f"{row.left:,}", f"{row.right:,}", "" if row.ratio is None else f"{row.ratio:.4g}")
    return table


def _layers(found: "Comparison", changed: bool) -> Table:
    table = Table(found.left, "output", "", found.right, "output")
    for pair in found.layers:
        if not (changed and pair.same):
            table.add(*_cells(pair.left), pair.verdict, *_cells(pair.right))
    return table


def _cells(layer: "Layer | None") -> tuple[str, str]:
    return ("", "") if layer is None else (f"{layer.path} {layer.kind}", "x".join(map(str, layer.after)))
