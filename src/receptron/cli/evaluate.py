"""`receptron evaluate MODEL PATH`, or `receptron evaluate PATH --net NAME` for a published network."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from receptron.cli import paths
from receptron.cli.flags import scan_flags, weights_flags
from receptron.cli.output import screen
from receptron.cli.output.tables import Table
from receptron.wording import counted, natural

if TYPE_CHECKING:
    from receptron.evaluation.records import Evaluation
    from receptron.jobs.evaluate import Evaluated, ViewsGain

_SHOWN = 5  # mistakes
_ROWS = 50  # classes


def evaluate(
    model: Annotated[
        Path,
        typer.Argument(parser=paths.path, help="Model directory that train wrote; not with --net NAME.", show_default=False),
    ],
    path: Annotated[
        Path | None,
        typer.Argument(parser=paths.path, help="Labelled images: class folders, split folders, or a table.", show_default=False),
    ] = None,
    net: Annotated[
        str | None,
        typer.Option(
            help="Instead of a model: a net of the zoo, with its published weights. With one: FILE.py:CLASS, its network of your own.",
            show_default=False,
        ),
    ] = None,
    weights: Annotated[str | None, typer.Option(help="Published reference or file of its weights.", show_default=False)] = None,
    side: Annotated[str, typer.Option(help="auto (the test side where there is one), all, test, val or train.")] = "auto",
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
    batch: Annotated[int, typer.Option(min=1, help="Images per step; changes speed and memory, never answers.")] = 32,
    views: Annotated[int, typer.Option(min=1, max=32, help="Average over so many views of each image, and tell what that gains.")] = 1,
    device: Annotated[str, typer.Option(help="cpu, cuda, mps, or auto.")] = "cpu",
    image_memory: Annotated[float, typer.Option(help="Megabytes that one image may take.")] = 400,
    weights_keys: weights_flags.Keys = None,
    weights_pixels: weights_flags.Pixels = None,
    weights_mean: weights_flags.Mean = None,
    weights_std: weights_flags.Std = None,
    weights_interpolation: weights_flags.Interpolation = None,
    weights_crop: weights_flags.Crop = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole record as JSON.")] = False,
) -> None:
    """Measure a model on labelled images; those that it was trained on are told apart. Or a published network, without training."""
    from receptron.cli.output.bars import Bars
    from receptron.data.dataset.scan_options import ScanOptions
    from receptron.jobs import evaluate as job

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
    facts = weights_flags.facts(net, weights_keys, weights_pixels, weights_mean, weights_std, weights_interpolation, weights_crop)
    judged, images = job.subject(model, path, weights, facts, device, image_memory)
    found = job.evaluate(
        judged,
        images,
        side=side,
        options=options,
        batch=batch,
        device=device,
        progress=Bars(patience=2),
        image_memory=image_memory,
        views=views,
    )
    if as_json:
        screen.json(found)
    else:
        _show(found)


def _show(found: "Evaluated") -> None:
    from receptron.data.unused import of_columns, sentences

    for figures in (found.fresh, found.trained):
        if figures:
            _lines(figures)
            screen.table(_classes(figures))
            screen.show()
    if found.views:
        screen.show(_gain(found.views))
    if found.trained:
        screen.say("Figures on images that the model was trained on flatter it; they say nothing about new ones.")
    for answer in found.mistakes[:_SHOWN]:
        screen.show(f"wrong: {answer.path} is {answer.label}, answered {answer.predicted} at {100 * answer.confidence:.0f} %")
    for label, count in found.unknown.items():
        screen.say(f"{counted(count, 'image')} of {label} left out: the model does not know this class.")
    for file, reason in found.broken.items():
        screen.say(f"{file}: {reason}")
    for line in (*sentences(found.unused), *of_columns(found.unused_columns)):
        screen.say(line)


def _gain(views: "ViewsGain") -> str:
    """What several views gained, and what they cost."""
    gain = views.gain
    limits = gain.method if gain.unknown else f"{100 * gain.low:+.1f} to {100 * gain.high:+.1f}"
    changed = f"{counted(views.mended, 'answer')} mended, {views.broken:,} broken"
    gained = f"{100 * gain.value:+.1f} points ({limits})"
    return f"{views.count} views of each image: {gained}, {changed}, {views.cost:.1f} times the network's time"


def _lines(figures: "Evaluation") -> None:
    rows = (
        ("accuracy", figures.accuracy),
        ("balanced accuracy", figures.balanced_accuracy),
        ("calibration error", figures.ece_after),
    )
    screen.show(f"{figures.source[:1].upper()}{figures.source[1:]}")
    for name, estimate in rows:
        screen.show(f"  {name:18} {estimate.words}")


def _classes(figures: "Evaluation") -> Table:
    """One row a class that has images or was answered; of very many, those that are found least."""
    table = Table("class", "images", "precision", "recall", "F1", firm=(2, 3, 4))
    rows = [row for row in figures.classes if row.support or row.precision.count]
    if len(rows) > _ROWS:
        screen.say(f"The {_ROWS} classes of {len(rows):,} that are found least; all stand in --json.")
        rows = sorted(rows, key=lambda row: (not row.support, row.recall.value))[:_ROWS]
    for row in sorted(rows, key=lambda row: natural(row.label)):
        cells = (e.words if e.count else "-" for e in (row.precision, row.recall, row.f1))
        table.add(row.label, f"{row.support:,}", *cells)
    return table
