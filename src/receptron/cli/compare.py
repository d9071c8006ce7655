"""`receptron compare`: two networks or two trained models side by side, or a table of every run in a folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from receptron.cli import paths
from receptron.cli.inspection import Json, Overwrite, Size
from receptron.cli.output import screen, streams
from receptron.cli.output.tables import Table
from receptron.errors import BadValue

if TYPE_CHECKING:
    from receptron.analysis.comparison import Comparison
    from receptron.analysis.inspection import Layer
    from receptron.jobs.compare_runs import RunComparison, RunTable

_LEFT = "A network (as inspect takes it), a run that train wrote, or, alone, a folder of runs."
_RIGHT = "What to compare it with: a network with a network, a run with a run."


def compare(
    left: Annotated[str, typer.Argument(help=_LEFT, show_default=False)],
    right: Annotated[str | None, typer.Argument(help=_RIGHT, show_default=False)] = None,
    size: Size = None,
    changed: Annotated[bool, typer.Option("--changed", help="Only the layers that differ.")] = False,
    html: Annotated[Path | None, typer.Option(parser=paths.path, help="Write a page to this file.")] = None,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Differences of two networks in every number, each layer with a like one; or of two trained models on the same images.

    A .py file or module is run. Two runs are compared on the images that both were judged on, in pairs; a folder alone gives a table of
    the runs below it.
    """
    from receptron.jobs.compare_runs import is_run

    runs = [given for given in (left, right) if given is not None and is_run(given)]
    if right is None or runs:
        _refuse_flags(size, changed, html)
    if right is None:
        _show_folder(left, json)
    elif len(runs) == 2:
        _show_runs(left, right, json)
    elif runs:
        other = right if runs == [left] else left
        why = f"{runs[0]} is a run that train wrote, {other} is not"
        raise BadValue(f"{left} and {right} do not compare.", why=why, mend="give two runs, or two networks")
    else:
        _show_networks(left, right, size, changed, html, overwrite, json)


def _refuse_flags(size: str | None, changed: bool, html: Path | None) -> None:
    """Raises: BadValue for flags of two networks where runs are compared."""
    given = [flag for flag, value in (("--size", size), ("--changed", changed), ("--html", html)) if value]
    if given:
        raise BadValue(f"{given[0]} is about networks, not about runs.", mend="leave it out")


def _show_networks(left: str, right: str, size: str | None, changed: bool, html: Path | None, overwrite: bool, json: bool) -> None:
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


def _show_folder(folder: str, json: bool) -> None:
    from receptron.jobs.compare_runs import runs_below

    found = runs_below(folder)
    if json:
        screen.json(found)
    else:
        screen.table(_run_table(found))
        if not found.same_data:
            screen.show("Not all of them were judged on the same images: their accuracies do not compare; receptron compare RUN RUN does.")
    for path, why in found.unreadable.items():
        screen.say(f"{path}: {why}")


def _run_table(found: "RunTable") -> Table:
    table = Table("run", "network", "trained", "accuracy", "balanced", "seconds", right=(5,), firm=(3, 4))
    for row in found.runs:
        path = str(row.path.relative_to(found.root)) if row.path != found.root else str(row.path)
        trained = f"{row.rung} (interrupted)" if row.interrupted else row.rung
        table.add(path, row.net, trained, row.accuracy.words, f"{100 * row.balanced_accuracy.value:.1f} %", f"{row.seconds:,.0f}")
    return table


def _show_runs(left: str, right: str, json: bool) -> None:
    from receptron.jobs.compare_runs import compare_runs

    found = compare_runs(left, right)
    if json:
        screen.json(found)
        return
    gain = "unknown: too few groups" if found.gain.unknown else f"{100 * found.gain.low:+.1f} to {100 * found.gain.high:+.1f}"
    screen.show((f"Right minus left {100 * found.gain.value:+.1f} points ({gain}): {found.verdict}", "bold"))
    screen.show(
        f"On {found.images:,} images that both were judged on and neither had learnt from: {found.mended:,} mended, {found.broken:,} broken"
    )
    for line in _left_out(found):
        screen.show(line)
    screen.table(_pair_table(found))
    if found.settings:
        table = Table("flag", "left", "right")
        for name, (one, other) in found.settings.items():
            table.add(name, one, other)
        screen.table(table)


def _left_out(found: "RunComparison") -> list[str]:
    told = [f"  left out: {found.relabelled:,} with different labels"] if found.relabelled else []
    if found.only_left or found.only_right:
        told.append(f"  left out: {found.only_left:,} that only the left was judged on, {found.only_right:,} only the right")
    return told


def _pair_table(found: "RunComparison") -> Table:
    table = Table("", f"left: {found.left}", f"right: {found.right}", right=(1, 2))
    table.add("accuracy", *(accuracy.words for accuracy in found.accuracies))
    for label, (count, *right) in found.classes.items():
        table.add(f"{label}, of {count:,}", *(f"{number:,}" for number in right))
    table.add("seconds", *(f"{seconds:,.0f}" for seconds in found.seconds))
    return table


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
