"""Where the items of one block stand, and which way its lines go, in rows, columns, lanes and tracks: no pixel depends on what is open.

Rows are longest ways from the input. A chain keeps its column. Between rows lie gutters, where lines run across, each on a track; beside
the columns lie lanes, where lines run down past the boxes of other rows. No box ever stands in a gutter or a lane, so that no line can
cross one, whichever blocks are open and however large they are. Layers as in Sugiyama, Tagawa and Toda 1981, tracks as in channel routing
(Hashimoto and Stevens 1971).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from receptron.report.network.graph.record import GraphItem, GraphLink, links_of
from receptron.report.network.graph.tracks import Span, tracks_of

BUS = 5
"""More lines than these that come to a box from one side are gathered into one."""
_STEP = 10.0  # between columns, in the order of things from left to right
_UNSURE = 4.0  # how far from the middle of its column a line may end where a block is open


@dataclass(frozen=True)
class Route:
    """The way of a line: across in the gutter below row `gutter`, and where it has a lane, down that and across in `second` too."""

    source: int
    out: int
    target: int
    into: int
    gutter: int
    track: int = -1  # -1: straight down
    lane: int = -1
    second: int = -1
    second_track: int = -1


@dataclass(frozen=True)
class GraphPlan:
    """Places in a block. `nodes` are where values come in, the items, and where values go out; `ports` and `exits` are those ends.

    `docks` tell for each node where the lines that come in end, in steps from its middle. Lanes 0 to `left` - 1 lie left of the columns,
    the nearest first, the others right of them.
    """

    nodes: tuple[GraphItem, ...]
    ports: int
    exits: int
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    left: int
    right: int
    gutters: tuple[int, ...]  # how many tracks
    routes: tuple[Route, ...]
    docks: tuple[tuple[int, ...], ...]


def plan_of(items: Sequence[GraphItem], takes: Sequence[int] = (), gives: Sequence[int] = ()) -> GraphPlan:
    """A plan for the items of a block that takes and gives these values."""
    nodes = (*(GraphItem((), (), (v,)) for v in takes), *items, *(GraphItem((), (v,), ()) for v in gives))
    links = links_of(nodes)
    rows = _rows(nodes, links, len(takes), len(gives))
    columns, taken = _columns(len(nodes), links, rows, len(takes))
    routes, left, right = _lanes([_route(link, rows, columns, taken) for link in links], rows, columns)
    docks = _docks(nodes, routes, columns, left)
    order = _Order(nodes, columns, docks, left, len(takes))
    gutters = [0] * max(max(rows, default=0), 0)
    for gutter in range(len(gutters)):
        tracks, gutters[gutter] = tracks_of(_spans(routes, gutter, order))
        routes = [_tracked(route, i, gutter, tracks) for i, route in enumerate(routes)]
    return GraphPlan(nodes, len(takes), len(gives), tuple(rows), tuple(columns), left, right, tuple(gutters), tuple(routes), docks)


def _rows(nodes: Sequence[GraphItem], links: Sequence[GraphLink], ports: int, exits: int) -> list[int]:
    """Longest ways; nodes stand in an order in which each follows what it reads. What the network brings along stands right above."""
    first = 1 if ports else 0
    rows = [0 if i < ports else first for i in range(len(nodes))]
    for link in links:  # by target
        rows[link.target] = max(rows[link.target], rows[link.source] + 1)
    inner = len(nodes) - exits
    for i in range(ports, inner):
        if nodes[i].is_source:
            rows[i] = min((rows[link.target] for link in links if link.source == i), default=rows[i] + 1) - 1
    last = max(rows[:inner], default=0) + 1
    return [*rows[:inner], *[last] * exits]


def _columns(
    count: int, links: Sequence[GraphLink], rows: list[int], ports: int
) -> tuple[list[int], dict[tuple[int, int], tuple[int, int]]]:
    """A column for each node, and what stands in or passes through each (row, column): a node as (-1, node), a value as (node, out)."""
    heirs = _heirs(count, links, rows)
    into: dict[int, list[GraphLink]] = {}
    for link in links:
        into.setdefault(link.target, []).append(link)
    columns, taken, width = [0] * count, dict[tuple[int, int], tuple[int, int]](), -1
    for node in sorted(range(count), key=lambda i: (rows[i], i)):
        before = sorted(into.get(node, []), key=lambda link: (-rows[link.source], columns[link.source]))
        chosen = next((x for x in before if heirs.get(x.source) == node and _fits(taken, x, rows, columns[x.source])), None)
        if chosen is not None:
            column = columns[chosen.source]
        else:
            chosen = before[0] if before else None
            start = columns[chosen.source] + 1 if chosen else 0  # the source's own column is its heir's
            column = next((c for c in range(start, width + 1) if _fits(taken, chosen, rows, c, rows[node])), width + 1)
        for row in range(rows[chosen.source] + 1 if chosen else rows[node], rows[node]):
            taken[row, column] = (chosen.source, chosen.out) if chosen else (-1, node)
        taken[rows[node], column], columns[node] = (-1, node), column
        width = max(width, column)
    order = sorted(set(columns), key=lambda c: min((i for i in range(ports, count) if columns[i] == c), default=count))
    new = {column: place for place, column in enumerate(order)}
    return [new[c] for c in columns], {(row, new[c]): what for (row, c), what in taken.items() if c in new}


def _heirs(count: int, links: Sequence[GraphLink], rows: list[int]) -> dict[int, int]:
    """For each node the one that goes on in its column: where the longest way leads."""
    depth = [0] * count
    heirs: dict[int, int] = {}
    for link in sorted(links, key=lambda link: (-link.source, link.target)):
        far = depth[link.target] + 1
        if far > depth[link.source]:
            depth[link.source], heirs[link.source] = far, link.target
    return heirs


def _free(taken: dict[tuple[int, int], tuple[int, int]], link: GraphLink, rows: list[int], column: int) -> bool:
    """Whether a line may go down this column between its ends."""
    value = (link.source, link.out)
    return all(taken.get((row, column), value) == value for row in range(rows[link.source] + 1, rows[link.target]))


def _fits(taken: dict[tuple[int, int], tuple[int, int]], link: GraphLink | None, rows: list[int], column: int, row: int = -1) -> bool:
    """Whether a node may stand in a column, with its line coming down there."""
    row = rows[link.target] if link else row
    return (row, column) not in taken and (link is None or _free(taken, link, rows, column))


def _route(link: GraphLink, rows: list[int], columns: list[int], taken: dict[tuple[int, int], tuple[int, int]]) -> Route:
    """Down the target's column, or the source's, or by a lane that is still to be found (-2)."""
    start, end = rows[link.source], rows[link.target]
    ends = (link.source, link.out, link.target, link.into)
    for column, gutter in ((columns[link.target], start), (columns[link.source], end - 1)):
        if _free(taken, link, rows, column):
            taken |= dict.fromkeys([(row, column) for row in range(start + 1, end)], (link.source, link.out))
            return Route(*ends, gutter)
    return Route(*ends, start, lane=-2, second=end - 1)


def _lanes(routes: list[Route], rows: list[int], columns: list[int]) -> tuple[list[Route], int, int]:
    """One lane for all lines of a value; the shorter the way, the nearer to the boxes, so that lanes nest."""
    middle = max(columns, default=0) / 2
    ways: dict[tuple[int, int], list[Route]] = {}
    for route in routes:
        if route.lane == -2:
            ways.setdefault((route.source, route.out), []).append(route)
    used: dict[bool, list[list[tuple[int, int]]]] = {True: [], False: []}
    found: dict[tuple[int, int], tuple[bool, int]] = {}
    for value, way in sorted(ways.items(), key=lambda item: (max(r.second for r in item[1]) - item[1][0].gutter, item[0])):
        ends = [columns[way[0].source], *(columns[route.target] for route in way)]
        left = sum(ends) / len(ends) < middle
        start, end = way[0].gutter, max(route.second for route in way)
        lanes = used[left]
        lane = next((i for i, lane in enumerate(lanes) if all(end < a or b < start for a, b in lane)), len(lanes))
        if lane == len(lanes):
            lanes.append([])
        lanes[lane].append((start, end))
        found[value] = (left, lane)
    count = len(used[True])
    placed = {value: lane if left else count + lane for value, (left, lane) in found.items()}
    return [replace(r, lane=placed[r.source, r.out]) if r.lane == -2 else r for r in routes], count, len(used[False])


def _docks(nodes: Sequence[GraphItem], routes: Sequence[Route], columns: list[int], left: int) -> tuple[tuple[int, ...], ...]:
    """What comes straight down ends in the middle of a box, what comes from a side beside that, the nearest outermost."""
    into: dict[int, list[tuple[float, int]]] = {}
    for route in routes:
        here = columns[route.target]
        there = _lane(route.lane, left, max(columns)) if route.lane >= 0 else float(_STEP * columns[route.source])
        into.setdefault(route.target, []).append((there - _STEP * here, route.into))
    found: list[tuple[int, ...]] = []
    for i, node in enumerate(nodes):
        comes = sorted(into.get(i, []))
        docks = dict.fromkeys(range(len(node.takes)), 0)
        if len(comes) > 1:
            straight = [n for side, n in comes if side == 0]
            for sign, side in ((-1, [n for at, n in reversed(comes) if at < 0]), (1, [n for at, n in comes if at > 0] + straight[1:])):
                docks |= {n: sign * (1 if len(side) > BUS else place + 1) for place, n in enumerate(side)}
        found.append(tuple(docks.values()))
    return tuple(found)


def _lane(lane: int, left: int, last: int) -> float:
    """Where a lane lies in the order of things from left to right."""
    return -_STEP / 2 - lane if lane < left else _STEP * last + _STEP / 2 + lane - left


@dataclass(frozen=True)
class _Order:
    """Where lines end, in the order of things from left to right, from and to where it may be when blocks are open."""

    nodes: Sequence[GraphItem]
    columns: Sequence[int]
    docks: tuple[tuple[int, ...], ...]
    left: int
    ports: int

    def lane(self, lane: int) -> tuple[float, float]:
        at = _lane(lane, self.left, max(self.columns))
        return at, at

    def start(self, route: Route) -> tuple[float, float]:
        node, at = self.nodes[route.source], _STEP * self.columns[route.source]
        sure = node.inside is None and len(node.gives) == 1
        return (at, at) if sure else (at - _UNSURE, at + _UNSURE)

    def end(self, route: Route) -> tuple[float, float]:
        node, at = self.nodes[route.target], _STEP * self.columns[route.target]
        if node.inside is not None and len(node.takes) > 1:
            return at - _UNSURE, at + _UNSURE
        dock = at + 0.01 * self.docks[route.target][route.into]
        return dock, dock


def _spans(routes: Sequence[Route], gutter: int, order: _Order) -> dict[int, Span]:
    """What runs across in a gutter: of each route that does, once or twice (as `route` or `~route`), what it shares its track with."""
    spans: dict[int, Span] = {}
    for i, route in enumerate(routes):
        value = (route.source, route.out)
        if route.lane >= 0:
            lane = order.lane(route.lane)
            if route.gutter == gutter:
                spans[i] = Span(("from", *value), order.start(route), lane)
            if route.second == gutter:
                dock = order.docks[route.target]
                shared = dock.count(dock[route.into]) > 1
                spans[~i] = Span(("bus", route.target, dock[route.into]) if shared else ("lane", *value), lane, order.end(route))
        elif route.gutter == gutter:
            start, end = order.start(route), order.end(route)
            if start != end or start[0] != start[1]:
                spans[i] = Span(("from", *value), start, end)
    return spans


def _tracked(route: Route, i: int, gutter: int, tracks: dict[int, int]) -> Route:
    if route.gutter == gutter and i in tracks:
        route = replace(route, track=tracks[i])
    return replace(route, second_track=tracks[~i]) if route.second == gutter and ~i in tracks else route
