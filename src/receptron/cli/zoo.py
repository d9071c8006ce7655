"""receptron zoo: every architecture as a table, one net as a card, or the history."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from receptron.cli import screen

if TYPE_CHECKING:
    from receptron.zoo.cards import Card, CatalogueRow
    from receptron.zoo.papers import Paper


def zoo(
    name: Annotated[str | None, typer.Argument(help="A net, for its card.")] = None,
    year: Annotated[str, typer.Option(help="Only papers of these years: 2015, 2015-2017 or 2019-.")] = "",
    max_parameters: Annotated[float | None, typer.Option(help="At most so many million parameters.")] = None,
    max_macs: Annotated[float | None, typer.Option(help="At most so many billion multiply-accumulates an image.")] = None,
    weights: Annotated[bool, typer.Option("--weights", help="Only nets with published weights.")] = False,
    sort: Annotated[str, typer.Option(help="Order of the table: year, name, parameters, macs or top1.")] = "year",
    timeline: Annotated[bool, typer.Option("--timeline", help="What each paper added, and why.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the typed record.")] = False,
) -> None:
    """Every architecture from LeNet-5 to ConvNeXt: a table, one net's card, or the history."""
    from receptron.zoo import cards

    if timeline:
        papers = cards.timeline()
        screen.json(papers) if json else _timeline(papers)
    elif name is not None:
        card = cards.card(name)
        screen.json(card) if json else _card(card)
    else:
        since, until = cards.years(year)
        rows = cards.catalogue(cards.Filter(since, until, max_parameters, max_macs, weights), sort)
        screen.json(rows) if json else _table(rows)


def _table(rows: "tuple[CatalogueRow, ...]") -> None:
    screen.out().print(_rows(rows))
    screen.out().print(f"{len(rows)} nets. `receptron zoo NAME` shows one; top-1 is the best published weights' on ImageNet.")


def _rows(rows: "tuple[CatalogueRow, ...]") -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("net", no_wrap=True)
    for heading in ("year", "parameters", "GMACs", "pixels", "top-1 %", "weights"):
        table.add_column(heading, justify="right")
    for row in rows:
        top1 = f"{row.top1:.1f}" if row.top1 is not None else "-"
        size = f"{row.parameters:,}"
        table.add_row(row.name, str(row.year), size, f"{row.macs / 1e9:.2f}", str(row.pixels), top1, str(len(row.weights) or "-"))
    return table


def _card(card: "Card") -> None:
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
    grid = Table(box=None, show_header=False, pad_edge=False)
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column()
    for label, fact in facts.items():
        grid.add_row(label, fact)
    screen.out().print(f"[bold]{row.name}[/bold]")
    for note in card.notes:
        grid.add_row("note", note)
    screen.out().print(grid)
    screen.out().print(_stages(card))
    if row.weights:
        screen.out().print(_weights(card))
    if len(card.family) > 1:
        screen.out().print("\n[bold]From the same paper[/bold]")
        screen.out().print(_rows(card.family))


def _stages(card: "Card") -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, title="Stages", title_justify="left")
    for heading in ("part", "output", "parameters"):
        table.add_column(heading, justify="left" if heading == "part" else "right")
    for stage in card.stages:
        table.add_row(stage.name, " x ".join(map(str, stage.shape)), f"{stage.parameters:,}")
    return table


def _weights(card: "Card") -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, title="Published weights", title_justify="left")
    table.add_column("reference", no_wrap=True)
    for heading in ("top-1 %", "pixels", "crop", "interpolation", "licence"):
        table.add_column(heading, justify="right")
    for row in card.row.weights:
        top1, inputs = f"{row.top1:.2f}" if row.top1 is not None else "-", row.inputs
        table.add_row(row.reference, top1, str(inputs.pixels), f"{inputs.crop:.3g}", inputs.interpolation, row.licence)
    return table


def _timeline(papers: "tuple[Paper, ...]") -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("year", "net", "what it added", "why"):
        table.add_column(heading, no_wrap=heading in ("year", "net"))
    for paper in papers:
        table.add_row(str(paper.year), paper.net, paper.added, paper.why)
    screen.out().print(table)
