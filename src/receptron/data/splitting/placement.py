"""Which units go to the test: by ascending hash, as many images of each class as were asked for, or as near as whole units come.

A class that would have no test image gets one, a class that would have no training image keeps one, and where images come in groups
each side has two units if there are four: one alone tells nothing of how much groups differ.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from receptron.data.splitting.groups import Unit

TRAIN, TEST = "train", "test"
LEAST = 2  # units on a side


@dataclass
class _Sides:
    """Where every unit stands so far, and how many test images each class still lacks (below 0: has too many)."""

    units: tuple[Unit, ...]
    counts: tuple[Counter[str], ...]  # images of each class, unit by unit
    free: frozenset[int]  # numbers of units that may move
    side: list[str]
    lacking: Counter[str]

    def cost(self, unit: int, to: str) -> int:
        """By how many images a move takes the test side away from what was asked for."""
        step = 1 if to == TEST else -1
        return sum(abs(self.lacking[label] - step * n) - abs(self.lacking[label]) for label, n in self.counts[unit].items())

    def move(self, unit: int, to: str) -> None:
        """Put a unit on the other side."""
        step = 1 if to == TEST else -1
        self.side[unit] = to
        for label, n in self.counts[unit].items():
            self.lacking[label] -= step * n

    def on(self, side: str, label: str | None = None) -> int:
        """Units on a side, or those of them that show a class."""
        return sum(where == side and (label is None or label in self.counts[unit]) for unit, where in enumerate(self.side))

    def cheapest(self, to: str, label: str | None = None) -> int | None:
        """The free unit (of a class) whose move takes no class off the side it leaves, and costs least; the first of equals to the test,
        the last to training."""
        away = TRAIN if to == TEST else TEST
        units = [u for u in (range(len(self.units)) if to == TEST else reversed(range(len(self.units)))) if u in self.free]
        units = [u for u in units if self.side[u] == away and (label is None or label in self.counts[u])]
        if to == TEST:
            units = [u for u in units if all(self.on(away, other) > 1 for other in self.counts[u])]
        return min(units, key=lambda u: self.cost(u, to), default=None)


def test_units(units: Sequence[Unit], labels: Sequence[str], share: float, seed: int, known: Mapping[int, str]) -> frozenset[Unit]:
    """The units for the test, of all that have no image in `known` (place -> side of an earlier run); round(share x n) images of a class.

    Where units are single images that is exact; else no further away than one unit, unless a side would lack a class or two units.
    """
    ordered = tuple(sorted(units, key=lambda unit: (unit.draw(seed), unit.anchor)))
    counts = tuple(Counter(labels[place] for place in unit.places) for unit in ordered)
    wanted = Counter({label: round(share * n) for label, n in sum(counts, Counter[str]()).items()})
    wanted.subtract(Counter(labels[place] for place, side in known.items() if side == TEST))
    free = frozenset(number for number, unit in enumerate(ordered) if not any(place in known for place in unit.places))
    side = [TRAIN if number in free else _side(unit, known) for number, unit in enumerate(ordered)]
    sides = _Sides(ordered, counts, free, side, wanted)
    for unit in sorted(free):
        if sides.cost(unit, TEST) < 0:
            sides.move(unit, TEST)
    _fill_classes(sides)
    if any(len(unit.places) > 1 for unit in ordered):
        _fill_sides(sides)
    return frozenset(ordered[unit] for unit in free if sides.side[unit] == TEST)


def _side(unit: Unit, known: Mapping[int, str]) -> str:
    found = {known[place] for place in unit.places if place in known}
    return next(iter(found)) if len(found) == 1 else ""


def _fill_classes(sides: _Sides) -> None:
    """A test image for every class of two units or more, then a training image for every class."""
    labels = sorted(sum(sides.counts, Counter[str]()))
    for to in (TEST, TRAIN):
        for label in labels:
            several = to == TRAIN or sum(label in count for count in sides.counts) > 1
            if several and not sides.on(to, label) and (mover := sides.cheapest(to, label)) is not None:
                sides.move(mover, to)


def _fill_sides(sides: _Sides) -> None:
    """Two units for training, then two for the test if there are four."""
    for to, needed in ((TRAIN, LEAST + 1), (TEST, 2 * LEAST)):
        while len(sides.units) >= needed and sides.on(to) < LEAST and (mover := sides.cheapest(to)) is not None:
            sides.move(mover, to)


def units_of(units: Iterable[Unit], places: Iterable[int]) -> int:
    """How many of the units have an image among `places`."""
    chosen = set(places)
    return sum(not chosen.isdisjoint(unit.places) for unit in units)
