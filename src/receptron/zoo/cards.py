"""What the zoo knows of its nets, as typed records: the catalogue, one net's card, the timeline."""

from dataclasses import dataclass

import torch

from receptron.errors import BadValue, UnknownName
from receptron.weights.inputs import InputSpec
from receptron.weights.published import Published, published_for
from receptron.zoo.builder import build, find
from receptron.zoo.count import counts
from receptron.zoo.nets import ZOO
from receptron.zoo.notes import notes
from receptron.zoo.papers import PAPERS, Paper, after


@dataclass(frozen=True)
class WeightsRow:
    """One published file: accuracies in per cent on ImageNet, None where its source states none."""

    reference: str
    licence: str
    top1: float | None
    top5: float | None
    inputs: InputSpec


@dataclass(frozen=True)
class CatalogueRow:
    """One net: MACs are of one image of pixels x pixels; `least` is the smallest image it takes."""

    name: str
    paper: str
    year: int
    parameters: int
    macs: int
    pixels: int
    least: int
    channels: int
    classes: int
    top1: float | None
    top5: float | None
    weights: tuple[WeightsRow, ...]


@dataclass(frozen=True)
class StageRow:
    """Output of the stem or of a stage for one image of the usual size."""

    name: str
    shape: tuple[int, ...]
    parameters: int


@dataclass(frozen=True)
class NetCard:
    """One net: its row, what is particular about it, its paper, the papers before and after, its stages, its relatives."""

    row: CatalogueRow
    notes: tuple[str, ...]
    paper: Paper
    before: str
    after: tuple[str, ...]
    megabytes: float
    stages: tuple[StageRow, ...]
    family: tuple[CatalogueRow, ...]


@dataclass(frozen=True)
class Filter:
    """Which rows to keep; None keeps all. `megaparameters` and `gigamacs` are upper bounds."""

    since: int | None = None
    until: int | None = None
    megaparameters: float | None = None
    gigamacs: float | None = None
    weights: bool = False

    def keeps(self, row: CatalogueRow) -> bool:
        """Whether `row` passes."""
        bounds = (
            (self.since, lambda limit: row.year >= limit),
            (self.until, lambda limit: row.year <= limit),
            (self.megaparameters, lambda limit: row.parameters <= limit * 1e6),
            (self.gigamacs, lambda limit: row.macs <= limit * 1e9),
        )
        within = all(limit is None or holds(limit) for limit, holds in bounds)
        return within and (bool(row.weights) or not self.weights)


def years(text: str) -> tuple[int | None, int | None]:
    """First and last year of 2015, 2015-2017, 2019- or -2014; None where open. Raises: BadValue."""
    first, dash, last = text.partition("-")
    if not all(part == "" or (part.isdigit() and len(part) == 4) for part in (first, last)):
        raise BadValue(f"years {text!r}.", why="a year has four digits", mend="write 2015, 2015-2017, 2019- or -2014")
    since = int(first) if first else None
    return since, (int(last) if last else None) if dash else since


SORTS = ("year", "name", "parameters", "macs", "top1")


def catalogue(wanted: Filter | None = None, sort: str = "year") -> tuple[CatalogueRow, ...]:
    """Every net of the zoo that `wanted` keeps, by `sort`: the smallest first, but the best accuracy first. Raises: UnknownName."""
    rows = [row for name in ZOO if (wanted or Filter()).keeps(row := catalogue_row(name))]
    if sort not in SORTS:
        raise UnknownName("order", sort, SORTS)
    if sort == "top1":
        return tuple(sorted(rows, key=lambda row: -(row.top1 or 0)))
    return tuple(sorted(rows, key=lambda row: getattr(row, sort)))


def catalogue_row(name: str) -> CatalogueRow:
    """One net's row. Raises: UnknownName."""
    net = find(name)
    paper, counted = PAPERS[net.paper], counts()[name]
    weights = tuple(_weights(row) for row in published_for(name))
    best = max((row for row in weights if row.top1 is not None), key=lambda row: row.top1 or 0, default=None)
    return CatalogueRow(
        name, paper.title, paper.year, counted.parameters, counted.macs, net.pixels, net.least, net.channels, net.classes,
        best.top1 if best else None, best.top5 if best else None, weights,
    )  # fmt: skip


def card(name: str) -> NetCard:
    """One net's card. Raises: UnknownName."""
    row, paper = catalogue_row(name), PAPERS[find(name).paper]
    family = tuple(catalogue_row(other) for other in ZOO if ZOO[other].paper == paper.key)
    return NetCard(row, notes(name), paper, paper.before, tuple(after(paper.key)), row.parameters * 4 / 1e6, stages(name), family)


def timeline() -> tuple[Paper, ...]:
    """Every paper, oldest first."""
    return tuple(PAPERS.values())


def stages(name: str) -> tuple[StageRow, ...]:
    """Shapes after the stem and after each stage, for one image of the net's usual size, and what each holds."""
    row = find(name)
    with torch.device("meta"), torch.no_grad():
        net = build(name).eval()
        maps = net.pyramid(torch.empty(1, row.channels, row.pixels, row.pixels))
    parts = [("stem", net.stem), *((f"stages.{name}", stage) for name, stage in net.stages.named_children())]
    rows = [StageRow(part, tuple(m.shape[1:]), _size(module)) for (part, module), m in zip(parts, maps, strict=True)]
    return (*rows, StageRow("head", (row.classes,), _size(net.head)))


def _size(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def _weights(row: Published) -> WeightsRow:
    return WeightsRow(row.reference, row.licence, row.top1, row.top5, row.inputs)
