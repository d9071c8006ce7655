"""receptron zoo: every architecture as a table, one net as a card, or the history."""

from typing import TYPE_CHECKING, Annotated

import typer

from receptron.cli.output import screen
from receptron.cli.output.tables import Table

if TYPE_CHECKING:
    from receptron.zoo.cards import CatalogueRow, NetCard
    from receptron.zoo.papers import Paper


def zoo(
    name: Annotated[str | None, typer.Argument(help="A net, for its card; or a pattern such as 'resnet*', for a table.")] = None,
    year: Annotated[str, typer.Option(help="Only papers of these years: 2015, 2015-2017 or 2019-.")] = "",
    max_parameters: Annotated[float | None, typer.Option(help="At most so many million parameters.")] = None,
    max_macs: Annotated[float | None, typer.Option(help="At most so many billion multiply-accumulates an image.")] = None,
    weights: Annotated[bool, typer.Option("--weights", help="Only nets with published weights.")] = False,
    family: Annotated[str, typer.Option(help="Only nets of one paper: its key (resnet) or one of its nets.")] = "",
    task: Annotated[str, typer.Option(help="Only nets for classification, segmentation or few-shot.")] = "",
    sort: Annotated[str, typer.Option(help="Order of the table: year, name, parameters, macs or top1.")] = "year",
    timeline: Annotated[bool, typer.Option("--timeline", help="What each paper added, and why.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the typed record.")] = False,
) -> None:
    """Every architecture from LeNet-5 to MobileNetV4: a table, one net's card, or the history."""
    from receptron.zoo import cards

    if timeline:
        papers = cards.timeline()
        screen.json(papers) if json else _timeline(papers)
    elif name is not None and not set(name) & set("*?["):
        card = cards.card(name)
        screen.json(card) if json else _card(card)
    else:
        since, until = cards.years(year)
        rows = cards.catalogue(cards.Filter(since, until, max_parameters, max_macs, weights, name or "", family, task), sort)
        screen.json(rows) if json else _table(rows)


def _table(rows: "tuple[CatalogueRow, ...]") -> None:
    screen.table(_rows(rows))
    screen.show(f"{len(rows)} nets. `receptron zoo NAME` shows one; top-1 is the best published weights' on ImageNet.")


def _rows(rows: "tuple[CatalogueRow, ...]") -> Table:
    table = Table("net", "year", "parameters", "GMACs", "pixels", "top-1 %", "weights", right=range(1, 7))
    for row in rows:
        top1 = f"{row.top1:.1f}" if row.top1 is not None else "-"
        size = f"{row.parameters:,}"
        table.add(row.name, str(row.year), size, f"{row.macs / 1e9:.2f}", str(row.pixels), top1, str(len(row.weights) or "-"))
    return table


def _card(card: "NetCard") -> None:
    row, paper = card.row, card.paper
    facts = {
        "paper": f"{paper.title}. {paper.authors} {paper.year}, {paper.where}",
        "added": paper.added,
        "why": paper.why,
        "before": card.before or "-",
        "after": ", ".join(card.after) or "-",
        "parameters": f"{row.parameters:,} ({card.megabytes:,.1f} MB in float32)",
        "MACs": f"{row.macs:,} for {row.channels} x {row.pixels} x {row.pixels}",
        "images": f"{row.pixels} px as published, {row.least} px or more; {row.classes} classes",
    }
    grid = Table("", "", firm=(0,))
    for label, fact in facts.items():
        grid.add(label, fact)
    screen.show((row.name, "bold"))
    for note in card.notes:
        grid.add("note", note)
    screen.table(grid)
    screen.table(_stages(card))
    if row.weights:
        screen.table(_weights(card))
    if len(card.family) > 1:
        screen.show()
        screen.show(("From the same paper", "bold"))
        screen.table(_rows(card.family))


def _stages(card: "NetCard") -> Table:
    table = Table("part", "output", "parameters", title="Stages", right=(1, 2))
    for stage in card.stages:
        table.add(stage.name, " x ".join(map(str, stage.shape)), f"{stage.parameters:,}")
    return table


def _weights(card: "NetCard") -> Table:
    headings = "reference", "top-1 %", "pixels", "crop", "interpolation", "licence"
    table = Table(*headings, title="Published weights", right=range(1, 6))
    for row in card.row.weights:
        top1, inputs = f"{row.top1:.2f}" if row.top1 is not None else "-", row.inputs
        table.add(row.reference, top1, str(inputs.pixels), f"{inputs.crop:.3g}", inputs.interpolation, row.licence)
    return table


def _timeline(papers: "tuple[Paper, ...]") -> None:
    table = Table("year", "net", "what it added", "why")
    for paper in papers:
        table.add(str(paper.year), paper.net, paper.added, paper.why)
    screen.table(table)
