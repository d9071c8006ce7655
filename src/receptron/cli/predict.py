"""`receptron predict MODEL PATH...`"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from receptron.cli import paths
from receptron.cli.output import screen
from receptron.cli.output.tables import Table

if TYPE_CHECKING:
    from receptron.jobs.predict import Predicted

OTHERS = 3
"""Classes that an image may be of beside the answer, by name."""


def predict(
    model: Annotated[Path, typer.Argument(parser=paths.path, help="Model directory that train wrote.", show_default=False)],
    paths: Annotated[
        list[str], typer.Argument(help="Files, folders, patterns such as 'photos/*.jpg', or - for a list on stdin.", show_default=False)
    ],
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV; safe to open in a spreadsheet.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole record as JSON.")] = False,
    top: Annotated[int, typer.Option(min=1, help="Show so many of the likeliest classes.")] = 1,
    batch: Annotated[int, typer.Option(min=1, help="Images per step; changes speed and memory, never answers.")] = 32,
    views: Annotated[int, typer.Option(min=1, max=32, help="Average over so many views of each image: slower, often surer.")] = 1,
    net: Annotated[str | None, typer.Option(help="FILE.py:CLASS, where the model is of a network of your own.", show_default=False)] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, mps, or auto.")] = "cpu",
    image_memory: Annotated[float, typer.Option(help="Megabytes that one image may take.")] = 400,
) -> None:
    """Say what a model sees in images.

    Broken files are named on stderr and counted, and the rest are answered: the exit code is 0 if at least one image was answered,
    1 if none could be.
    """
    if as_csv and as_json:
        raise typer.BadParameter("--csv and --json exclude each other: choose one")
    from receptron.cli.output.bars import Bars
    from receptron.jobs import predict as job
    from receptron.jobs.path_list import MOST, listed

    named = [name for path in paths for name in (listed(sys.stdin.buffer.read(MOST + 1)) if path == "-" else [path])]
    found = job.predict(
        model, named, batch=batch, device=device, progress=Bars(patience=2), image_memory=image_memory, views=views, net=net
    )
    if as_json:
        screen.json(found)
    elif as_csv:
        screen.csv(job.table(found, top))
    elif found.answered:
        screen.table(_table(found, top))
        if found.coverage and any(len(answer.candidates) > 1 for answer in found.answers):
            screen.show(f"Of images like those it was made for, {100 * found.coverage:g} % are the answer or what it may be.")
        _tell_strange(found)
    _tell_broken(found)
    if not found.answered:
        raise typer.Exit(1)


def _table(found: "Predicted", top: int) -> Table:
    in_doubt = any(len(answer.candidates) > 1 for answer in found.answers)
    strange = _strange(found)
    heads = [*(["or may be"] if in_doubt else []), *(["none of these, by"] if strange else [])]
    table = Table("image", "answer", "probability", *heads, right=(2,))
    for answer in found.answers:
        if answer.answered:
            likeliest = answer.top(top)
            others = [_others(answer.candidates[1:])] if in_doubt else []
            others += [", ".join(answer.novelty.by) if answer.novelty else ""] if strange else []
            table.add(answer.path, [label for label, _ in likeliest], [f"{100 * chance:.1f} %" for _, chance in likeliest], *others)
    return table


def _strange(found: "Predicted") -> int:
    """Images that are none of the classes, by a score."""
    return sum(answer.novelty is not None and answer.novelty.none_of_these for answer in found.answers)


def _tell_strange(found: "Predicted") -> None:
    """What `none of these` rests on, or why it was not looked for."""
    if found.strange is None:
        screen.say(f"Whether an image is none of these classes is unknown: {found.strange_unknown}.")
    elif count := _strange(found):
        by_chance = f"of images of known classes about {100 * found.strange:g} % look so too"
        screen.show(f"{count:,} of {found.answered:,} may be none of these classes, as the score named is over its limit; {by_chance}.")


def _others(classes: tuple[str, ...]) -> str:
    """The other candidates, a few by name."""
    return ", ".join([*classes[:OTHERS], *([f"{len(classes) - OTHERS} more"] if len(classes) > OTHERS else [])])


def _tell_broken(found: "Predicted") -> None:
    from receptron.data.unused import sentences

    for answer in found.answers:
        if not answer.answered:
            screen.say(f"{answer.path}: {answer.fault}" if answer.path.strip() else answer.fault or "")
    for line in sentences(found.unused):
        screen.say(line)
    if found.broken:
        screen.say(f"{found.broken:,} of {len(found.answers):,} could not be answered.")
    elif not found.answers:
        screen.say("The list of images is empty.")
