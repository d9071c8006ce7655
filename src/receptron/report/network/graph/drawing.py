"""The drawing: SVG of all boxes and lines, those of closed blocks hidden, and the plans as data for the script that opens them."""

from collections.abc import Sequence, Set
from dataclasses import dataclass

from markupsafe import Markup

from receptron.analysis.layers import Layer
from receptron.analysis.tape import Tape
from receptron.report.network.graph import place
from receptron.report.network.graph.lettering import fitted, width
from receptron.report.network.graph.nodes import tree_of
from receptron.report.network.graph.opening import opened_at_first
from receptron.report.network.graph.place import LINE, LINES, Block, PlacedBlock, Point, blocks_of, placed, two_lines
from receptron.report.network.graph.record import Stripe
from receptron.report.svg import label, tag

_NAME, _DETAIL, _MARGIN = 12, 11, 10  # pixels of letters, and beside them
_ROUND = 6  # px of a corner


@dataclass(frozen=True)
class Drawing:
    """The picture, and what the script needs to draw it anew."""

    width: int
    height: int
    picture: Markup
    data: dict[str, object]
    boxes: int
    blocks: int


def drawing_of(tape: Tape, layers: Sequence[Layer]) -> Drawing:
    """The graph of a network as it was recorded."""
    whole = blocks_of(tree_of(tape, layers))
    opened = opened_at_first(whole)
    shown = placed(whole, opened)
    every = _all(whole)
    data: dict[str, object] = {
        "lengths": {name.lower(): getattr(place, name) for name in ("PAD", "GUTTER", "TRACK", "LANE", "BETWEEN")} | {"round": _ROUND},
        "opened": sorted(opened),
        "sizes": [[b.width, b.height, b.docks, b.leaves] for b in every],
        "plans": {b.number: _plan(b) for b in every if b.plan is not None},
    }
    picture = Markup("").join([_inside(shown, opened)])
    boxes = sum(1 for b in every if b.item.stripes and b.item.inside is None)
    return Drawing(shown.width, shown.height, picture, data, boxes, sum(1 for b in every if b.plan is not None) - 1)


def path_of(corners: Sequence[Point]) -> str:
    """A line through corners, rounded where it turns.

    >>> path_of(((0, 0), (0, 20), (30, 20)))
    'M0 0L0 14Q0 20 6 20L30 20'
    """
    parts = [f"M{corners[0][0]} {corners[0][1]}"]
    for before, here, after in zip(corners, corners[1:], corners[2:], strict=False):
        (ax, ay), (bx, by) = _towards(here, before), _towards(here, after)
        parts.append(f"L{ax} {ay}Q{here[0]} {here[1]} {bx} {by}")
    return "".join([*parts, f"L{corners[-1][0]} {corners[-1][1]}"])


def _towards(here: Point, there: Point) -> Point:
    """A few pixels along the way, and at most half of it."""
    dx, dy = there[0] - here[0], there[1] - here[1]
    step = min(_ROUND, (abs(dx) + abs(dy)) // 2)
    return here[0] + step * ((dx > 0) - (dx < 0)), here[1] + step * ((dy > 0) - (dy < 0))


def _all(block: Block) -> list[Block]:
    """A block and everything in it, by number."""
    return [block, *(inner for node in block.nodes for inner in _all(node))]


def _plan(block: Block) -> dict[str, object]:
    plan = block.plan
    if plan is None:
        return {}
    routes = [[r.source, r.out, r.target, r.into, r.gutter, r.track, r.lane, r.second, r.second_track] for r in plan.routes]
    numbers = [node.number for node in block.nodes]
    return {
        "nodes": numbers, "rows": plan.rows, "columns": plan.columns, "gutters": plan.gutters, "routes": routes,
        "ports": plan.ports, "exits": plan.exits, "left": plan.left, "right": plan.right,
    }  # fmt: skip


def _inside(shown: PlacedBlock, opened: Set[int]) -> Markup:
    """Lines and boxes of a block; of one that is closed they stand there, hidden, for the script to place."""
    block = shown.block
    is_open = block.number in opened
    nodes = shown.nodes if is_open else tuple(placed(node, opened) for node in block.nodes)
    lines = shown.lines if is_open else ((),) * len(block.plan.routes if block.plan else ())
    drawn = [
        tag("path", {"class": "arrow", "d": path_of(line) if line else "", "marker-end": "url(#tip)"})
        if block.plan and block.plan.nodes[block.plan.routes[i].target].stripes
        else tag("path", {"class": "arrow", "d": path_of(line) if line else ""})
        for i, line in enumerate(lines)
    ]
    drawn += [_node(node, opened) for node in nodes if node.block.item.stripes]
    return tag("g", {"class": "inside" if is_open else "inside shut", "data-block": block.number}, *drawn)


def _node(node: PlacedBlock, opened: Set[int]) -> Markup:
    block, item = node.block, node.block.item
    place_at = {"class": "node", "data-box": block.number, "transform": f"translate({node.x} {node.y})"}
    plate = {"class": "plate", "width": node.width, "height": node.height, "rx": 6}
    if item.inside is not None:
        return tag("g", place_at, tag("rect", {**plate, "class": "plate card"}), _head(block, opened), _inside(node, opened))
    y, drawn = 0, [tag("rect", plate)]
    for stripe in item.stripes:
        high = LINES if two_lines(stripe) else LINE
        drawn.append(_stripe(stripe, y, high, node.width))
        y += high
    return tag("g", place_at, *drawn)


def _head(block: Block, opened: Set[int]) -> Markup:
    """The bar of a block, which opens and closes it."""
    stripe, wide = block.item.stripes[0], block.width - 2 * _MARGIN - 14
    detail = ", ".join(word for word in (stripe.kind, f"{block.item.layers} layers", stripe.size) if word)
    is_open = block.number in opened
    return tag(
        "g", {"class": "stripe head", "data-hint": stripe.hint, "data-path": stripe.path or None, "data-toggle": block.number},
        tag("rect", {"class": "bar", "x": 1, "y": 1, "width": block.width - 2, "height": LINES - 2, "rx": 5}),
        label(_MARGIN, 17, "−" if is_open else "+", name="sign"),
        label(_MARGIN + 14, 17, fitted(stripe.title, wide, _NAME), name="name"),
        label(_MARGIN + 14, 32, fitted(detail, wide, _DETAIL), name="detail"),
    )  # fmt: skip


def _stripe(stripe: Stripe, y: int, high: int, wide: int) -> Markup:
    """One layer of a box: name and kind, kernel and size below."""
    two = high == LINES
    right = stripe.kind if two or stripe.role in ("norm", "activation") or not stripe.size else stripe.size
    drawn = [
        tag("rect", {"class": "hit", "y": y, "width": wide, "height": high, "rx": 6}),
        tag("rect", {"class": "edge", "x": 0, "y": y + 4, "width": 3, "height": high - 8}),
        *_row(stripe.title, right, y + 16, wide, _NAME, "name"),
    ]
    if two:
        drawn += _row(stripe.fact, stripe.size, y + 31, wide, _DETAIL, "detail")
    if stripe.share > 0.005:
        long = round((wide - 12) * stripe.share, 1)
        drawn.append(tag("rect", {"class": "heat", "x": 6, "y": y + high - 4, "width": long, "height": 3, "rx": 1.5}))
    return tag("g", {"class": f"stripe {stripe.role}", "data-hint": stripe.hint, "data-path": stripe.path or None}, *drawn)


def _row(left: str, right: str, y: int, wide: int, size: int, name: str) -> list[Markup]:
    """Two texts on one line; the right one gives way to the left one, down to two fifths of the line."""
    room = wide - 2 * _MARGIN
    gap = 8 if left and right else 0
    kept = min(width(right, _DETAIL), max(room - gap - width(left, size), 0.42 * room))
    shown = [label(_MARGIN, y, fitted(left, room - gap - kept, size), name=name)] if left else []
    return shown + ([label(wide - _MARGIN, y, fitted(right, kept + 0.5, _DETAIL), anchor="end", name="detail")] if right else [])
