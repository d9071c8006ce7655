"""Tracks of one gutter: lines run across on different ones where they would lie on each other, in an order without overlap."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

Reach = tuple[float, float]
"""From where to where a line's end may lie."""


@dataclass(frozen=True)
class Span:
    """A line across: it comes from above at `upper`, goes on below at `lower`. Those of one `group` share a track."""

    group: Hashable
    upper: Reach
    lower: Reach


@dataclass
class _Group:
    low: float
    high: float
    uppers: set[float]
    lowers: set[float]


def tracks_of(spans: Mapping[int, Span]) -> tuple[dict[int, int], int]:
    """A track for each span, counted from above, and how many there are.

    Where one group goes down at the very place at which another comes from above, the other is above: their lines do not meet.

    >>> tracks_of({7: Span("a", (0, 0), (10, 10)), 8: Span("b", (5, 5), (20, 20))})
    ({7: 0, 8: 1}, 2)
    """
    groups: dict[Hashable, _Group] = {}
    for span in spans.values():
        group = groups.setdefault(span.group, _Group(span.upper[0], span.upper[1], set(), set()))
        group.low, group.high = min(group.low, span.upper[0], span.lower[0]), max(group.high, span.upper[1], span.lower[1])
        group.uppers.add(sum(span.upper) / 2)
        group.lowers.add(sum(span.lower) / 2)
    tracks: dict[Hashable, int] = {}
    rows: list[list[_Group]] = []
    above = _above(groups)
    for name in _ordered(groups, above):
        group = groups[name]
        least = max((tracks[each] + 1 for each in above[name] if each in tracks), default=0)
        track = next((t for t in range(least, len(rows)) if all(group.high < o.low or o.high < group.low for o in rows[t])), None)
        if track is None:
            track = max(least, len(rows))
        while len(rows) <= track:
            rows.append([])
        rows[track].append(group)
        tracks[name] = track
    return {key: tracks[span.group] for key, span in spans.items()}, len(rows)


def _above(groups: Mapping[Hashable, _Group]) -> dict[Hashable, set[Hashable]]:
    """The groups that must lie above each: those that come from above where it goes down."""
    comes: dict[float, set[Hashable]] = {}
    for name, group in groups.items():
        for at in group.uppers:
            comes.setdefault(at, set()).add(name)
    return {name: {o for at in group.lowers for o in comes.get(at, ())} - {name} for name, group in groups.items()}


def _ordered(groups: Mapping[Hashable, _Group], above: Mapping[Hashable, set[Hashable]]) -> list[Hashable]:
    """Groups after those that must lie above them, the shortest first, and so where they wait for each other in a ring."""
    left = sorted(groups, key=lambda name: (groups[name].high - groups[name].low, groups[name].low))
    found: list[Hashable] = []
    placed: set[Hashable] = set()
    while left:
        name = next((each for each in left if above[each] <= placed), left[0])
        left.remove(name)
        found.append(name)
        placed.add(name)
    return found
