"""Networks whose drawing is looked at, and how boxes and lines lie on the whole page."""

from collections.abc import Iterator, Set
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from receptron.analysis.inspection import examine
from receptron.report.network.graph.nodes import tree_of
from receptron.report.network.graph.place import Block, PlacedBlock, Point, blocks_of
from receptron.zoo import build


class Signal(nn.Module):
    """Along one axis, with a recurrent layer, a split and an addition of a value to itself."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.lstm, self.out = nn.Conv1d(4, 8, 5, stride=2), nn.LSTM(8, 16, batch_first=True), nn.Linear(16, 2)

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.lstm(self.conv(x).transpose(1, 2))
        a, b = y.chunk(2, -1)
        return self.out(torch.cat([b, a + a], -1)[:, -1])


class Volume(nn.Module):
    """Along three axes, with slice assignment, a tensor of its own and two outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv3d(3, 8, 3, padding=1), nn.Conv3d(8, 8, (1, 3, 3), padding=(0, 1, 1), groups=8)
        self.own = nn.Parameter(torch.zeros(1, 1, 4, 8, 8))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.one(x)
        z = torch.zeros_like(x)
        z[:, :4] = self.two(x)[:, :4]
        z[:, 4:] = x[:, 4:]
        return torch.cat([z * x, self.own], 1), x.mean((2, 3, 4))


class Lists(nn.Module):
    """Every layer reads all before it, as DenseNet is often written."""

    def __init__(self, depth: int = 14) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Conv2d(3 + 4 * i, 4, 3, padding=1) for i in range(depth)])

    def forward(self, x: Tensor) -> Tensor:
        found = [x]
        for layer in self.layers:
            found.append(layer(torch.cat(found, 1)))
        return torch.cat(found, 1)


class Crossed(nn.Module):
    """Branches that read each other, twice called modules, ways of every length."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = (nn.Conv2d(3, 3, 3, padding=1) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.a(x), self.b(x)
        p, q = a * b, a - b
        r = self.c(q) + self.a(p)
        s = self.c(p) + x
        return torch.stack([a, self.c(self.a(r)) + s, q, r]) + b


class Steps(nn.Module):
    """Very many steps in one forward."""

    def __init__(self, count: int = 700) -> None:
        super().__init__()
        self.weight, self.count = nn.Parameter(torch.zeros(3, 3, 3, 3)), count

    def forward(self, x: Tensor) -> Tensor:
        kept: list[Tensor] = []
        for i in range(self.count):
            x = torch.relu(torch.nn.functional.conv2d(x, self.weight, padding=1)) + x
            kept += [x] if i % 50 == 0 else []
        return torch.cat(kept, 1)


OWN = {
    "signal": (Signal, [torch.empty(1, 4, 100)]), "volume": (Volume, (3, 4, 8, 8)), "lists": (Lists, (3, 16, 16)),
    "crossed": (Crossed, (3, 16, 16)), "steps": (Steps, (3, 16, 16)), "one layer": (lambda: nn.Conv2d(3, 8, 3), (3, 16, 16)),
    "nothing": (nn.Identity, (3, 16, 16)),
}  # fmt: skip
ZOO_NETS = (
    "resnet50",
    "unet",
    "inception_v3",
    "mobilenet_v3_large",
    "densenet121",
    "vit_b_16",
    "cbam_resnet50",
    "googlenet",
    "convnext_tiny",
)
NETS = (*OWN, *ZOO_NETS)


def blocks(name: str) -> Block:
    """The network of that name, ready to be placed."""
    if name in OWN:
        net, size = OWN[name][0](), OWN[name][1]
    else:
        size = (1, 256, 256) if name == "unet" else (3, 299, 299) if name == "inception_v3" else (3, 224, 224)
        with torch.device("meta"):
            net = build(name)
    found, tape = examine(net, size)
    return blocks_of(tree_of(tape, found.layers))


def every(block: Block) -> Iterator[Block]:
    """A block and everything in it."""
    yield block
    for node in block.nodes:
        yield from every(node)


def openable(block: Block) -> frozenset[int]:
    return frozenset(b.number for b in every(block) if b.plan is not None)


@dataclass(frozen=True)
class Rect:
    """A box on the page, and the head of a block that is open."""

    left: int
    top: int
    right: int
    bottom: int
    number: int


@dataclass(frozen=True)
class Line:
    """A line on the page; `value` is what runs along it."""

    corners: tuple[Point, ...]
    value: tuple[int, int, int]
    target: int


def on_page(shown: PlacedBlock, opened: Set[int], x: int = 0, y: int = 0) -> tuple[list[Rect], list[Line]]:
    """Boxes and lines from the corner of the page."""
    rects: list[Rect] = []
    lines: list[Line] = []
    for node in shown.nodes:
        left, top, block = x + node.x, y + node.y, node.block
        is_open = block.plan is not None and block.number in opened
        if block.item.stripes:
            rects.append(Rect(left, top, left + node.width, top + (block.height if is_open else node.height), block.number))
        more = on_page(node, opened, left, top)
        rects, lines = rects + more[0], lines + more[1]
    plan = shown.block.plan
    for route, line in zip(plan.routes if plan else (), shown.lines, strict=False):
        corners = tuple((x + a, y + b) for a, b in line)
        lines.append(Line(corners, (shown.block.number, route.source, route.out), shown.nodes[route.target].block.number))
    return rects, lines
