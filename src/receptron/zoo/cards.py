"""What the zoo knows of its nets, as typed records: the catalogue, one net's card, the timeline."""

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

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
    """Which rows to keep; None and "" keep all. `megaparameters` and `gigamacs` are upper bounds.

    `pattern` is a name with wildcards such as "resnet*", `family` a paper by its key or a net of it, `task` one of TASKS.
    """

    since: int | None = None
    until: int | None = None
    megaparameters: float | None = None
    gigamacs: float | None = None
    weights: bool = False
    pattern: str = ""
    family: str = ""
    task: str = ""

    def keeps(self, row: CatalogueRow) -> bool:
        """Whether `row` passes."""
        bounds = (
            (self.since, lambda limit: row.year >= limit),
            (self.until, lambda limit: row.year <= limit),
            (self.megaparameters, lambda limit: row.parameters <= limit * 1e6),
            (self.gigamacs, lambda limit: row.macs <= limit * 1e9),
        )
        within = all(limit is None or holds(limit) for limit, holds in bounds)
        named = not self.pattern or fnmatchcase(row.name, self.pattern.lower())
        related = not self.family or ZOO[row.name].paper == family_of(self.family)
        fitting = not self.task or TASKS[self.task](row.name)
        return within and named and related and fitting and (bool(row.weights) or not self.weights)

    def check(self) -> None:
        """Raises: UnknownName for a family or a task that is not there; near names are told."""
        if self.family:
            family_of(self.family)
        if self.task and self.task not in TASKS:
            raise UnknownName("task", self.task, TASKS)


def family_of(name: str) -> str:
    """Key of the paper that `name`, a key or a net, belongs to. Raises: UnknownName."""
    if name in ZOO:
        return ZOO[name].paper
    known = {net.paper for net in ZOO.values()}
    if name not in known:
        raise UnknownName("family", name, sorted(known))
    return name


def _segments(name: str) -> bool:
    return ZOO[name].paper in ("unet", "deeplab")


def _compares(name: str) -> bool:
    return ZOO[name].paper in ("prototypical", "siamese")


TASKS: dict[str, Callable[[str], bool]] = {
    "classification": lambda name: not _segments(name) and not _compares(name),
    "segmentation": _segments,
    "few-shot": _compares,
}
"""What a net was published for."""


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
    wanted = wanted or Filter()
    wanted.check()
    rows = [row for name in ZOO if wanted.keeps(row := catalogue_row(name))]
    if wanted.pattern and not rows and not any(fnmatchcase(name, wanted.pattern.lower()) for name in ZOO):
        raise UnknownName("net", wanted.pattern, ZOO)
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
