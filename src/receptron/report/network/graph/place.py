"""From a plan to pixels, for the blocks that are open: boxes, and the corners of lines. network.js does the same for what a reader opens.

Every length is a whole number, so that both come to the same.
"""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

from receptron.report.network.graph.plan import GraphPlan, Route, plan_of
from receptron.report.network.graph.record import GraphItem, Stripe

WIDTH, NARROW = 252, 176
"""Pixels of a box, and of one that holds no more than a word."""
LINE, LINES = 24, 40
"""Height of a stripe of one line of text, and of two."""
PAD, GUTTER, TRACK, LANE, BETWEEN, DOCK = 12, 26, 8, 12, 28, 16
"""Inside a block; a gutter without tracks; what a track, a lane, the room between columns and between the ends of lines add."""
Point = tuple[int, int]


@dataclass(frozen=True)
class Block:
    """An item with its number in the drawing, its size when closed, and what is in it: plan, blocks of its nodes."""

    item: GraphItem
    number: int
    width: int
    height: int
    docks: tuple[int, ...]  # where lines come in and go out when it is closed: pixels from its left
    leaves: tuple[int, ...]
    plan: GraphPlan | None
    nodes: tuple["Block", ...]


@dataclass(frozen=True)
class PlacedBlock:
    """A box in its block, from the block's upper left corner. `axis` is where its main line runs; `lines` are the corners of each route."""

    block: Block
    x: int
    y: int
    width: int
    height: int
    axis: int
    docks: tuple[int, ...]
    leaves: tuple[int, ...]
    nodes: tuple["PlacedBlock", ...] = ()
    lines: tuple[tuple[Point, ...], ...] = ()


def blocks_of(items: Sequence[GraphItem]) -> Block:
    """The whole network as a block, everything in it numbered from above."""
    numbers = iter(range(1 << 30))
    whole = GraphItem((), (), (), tuple(items))
    return _block(whole, plan_of(items), (), numbers)


def _block(item: GraphItem, plan: GraphPlan | None, docks: Sequence[int], numbers: Iterator[int]) -> Block:
    number = next(numbers)
    width, height = closed_size(item)
    steps = min(DOCK, (width // 2 - 10) // max([abs(d) for d in docks], default=1)) if docks and any(docks) else 0
    ends = tuple(width // 2 + steps * dock for dock in docks)
    count = len(item.gives)
    leaves = tuple(width // 2 + (2 * k - count + 1) * min(DOCK, (width - 20) // max(count, 1)) // 2 for k in range(count))
    nodes: tuple[Block, ...] = ()
    if plan is not None:
        nodes = tuple(
            _block(node, plan_of(node.inside, node.takes, node.gives) if node.inside else None, dock, numbers)
            for node, dock in zip(plan.nodes, plan.docks, strict=True)
        )
    return Block(item, number, width, height, ends, leaves, plan, nodes)


def closed_size(item: GraphItem) -> tuple[int, int]:
    """Width and height of a box, or of a block that is closed; the ends of lines at the border of a block have none."""
    if not item.stripes:
        return 0, 0
    if item.inside is not None:
        return WIDTH, LINES
    first, *more = item.stripes
    small = not more and not two_lines(first) and (first.role in ("end", "source") or not first.kind)
    return (NARROW if small else WIDTH), sum(LINES if two_lines(stripe) else LINE for stripe in item.stripes)


def two_lines(stripe: Stripe) -> bool:
    """Whether a stripe has a second line of text: kernel and channels, or the size that a module gives."""
    return bool(stripe.fact or (stripe.kind and stripe.role not in ("norm", "activation", "shape", "end", "source")))


def placed(block: Block, opened: Set[int]) -> PlacedBlock:
    """Sizes and places of a block and all that is open in it."""
    plan = block.plan
    if plan is None or block.number not in opened:
        return PlacedBlock(block, 0, 0, block.width, block.height, block.width // 2, block.docks, block.leaves)
    nodes = [placed(node, opened) for node in block.nodes]
    axes, lanes, width = _across(plan, nodes, block.width)
    tops, gutters, height = _down(plan, nodes, block.height)
    nodes = [
        PlacedBlock(n.block, axes[c] - n.axis, tops[r], n.width, n.height, n.axis, n.docks, n.leaves, n.nodes, n.lines)
        for n, r, c in zip(nodes, plan.rows, plan.columns, strict=True)
    ]
    ends = [node.x + node.axis for node in nodes]
    docks, leaves = tuple(ends[: plan.ports]), tuple(ends[len(ends) - plan.exits :])
    lines = tuple(_corners(route, nodes, lanes, gutters) for route in plan.routes)
    return PlacedBlock(block, 0, 0, width, height, docks[0] if docks else width // 2, docks, leaves, tuple(nodes), lines)


def _across(plan: GraphPlan, nodes: Sequence[PlacedBlock], least: int) -> tuple[list[int], list[int], int]:
    """The middle of each column, where each lane runs, and the width."""
    count = max(plan.columns, default=-1) + 1
    lefts, rights = [0] * count, [0] * count
    for node, column in zip(nodes, plan.columns, strict=True):
        lefts[column] = max(lefts[column], node.axis)
        rights[column] = max(rights[column], node.width - node.axis)
    x = PAD + plan.left * LANE
    axes: list[int] = []
    for left, right in zip(lefts, rights, strict=True):
        axes.append(x + left)
        x += left + right + BETWEEN
    x -= BETWEEN if count else 0
    width = x + plan.right * LANE + PAD
    shift = max(0, least - width) // 2
    lanes = [PAD + (plan.left - 1 - i) * LANE for i in range(plan.left)] + [x + (i + 1) * LANE for i in range(plan.right)]
    return [axis + shift for axis in axes], [lane + shift for lane in lanes], max(width, least)


def _down(plan: GraphPlan, nodes: Sequence[PlacedBlock], head: int) -> tuple[list[int], list[int], int]:
    """The top of each row, of each gutter's first track, and the height."""
    heights = [0] * (max(plan.rows, default=-1) + 1)
    for node, row in zip(nodes, plan.rows, strict=True):
        heights[row] = max(heights[row], node.height)
    y = head if plan.ports else head + PAD
    tops: list[int] = []
    gutters: list[int] = []
    for row, height in enumerate(heights):
        tops.append(y)
        y += height
        if row < len(plan.gutters):
            gutters.append(y + GUTTER // 2)
            y += GUTTER + TRACK * max(plan.gutters[row] - 1, 0)
    return tops, gutters, y if plan.exits else y + PAD


def _corners(route: Route, nodes: Sequence[PlacedBlock], lanes: Sequence[int], gutters: Sequence[int]) -> tuple[Point, ...]:
    source, target = nodes[route.source], nodes[route.target]
    x, y = source.x + source.leaves[route.out], source.y + source.height
    end = target.x + target.docks[route.into]
    across = gutters[route.gutter] + TRACK * max(route.track, 0)
    if route.lane < 0:
        bends = [(x, across), (end, across)] if x != end else []
    else:
        lane, back = lanes[route.lane], gutters[route.second] + TRACK * max(route.second_track, 0)
        bends = [(x, across), (lane, across), (lane, back), (end, back)]
    return ((x, y), *bends, (end, target.y))
