"""Which images are for training and which for the test, so that nothing leaks.

Units (copies and groups together) go to a side whole, by ascending hash of seed and anchor (see `placement`). Sides remembered from an
earlier model always win, and only new images are placed. A split that the user gave is used as it is, and its leaks are told.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from receptron.data.deduplication.duplicates import Clusters
from receptron.data.records import Entry, SideCount, SplitMethod, SplitSummary
from receptron.data.splitting.groups import Unit, units
from receptron.data.splitting.placement import TEST, TRAIN, test_units, units_of
from receptron.errors import BadValue, DataFault, NoImages
from receptron.wording import listed

ASIDE = "set aside"


@dataclass(frozen=True)
class Split:
    """Places of images on each side, in the order of the entries; broken images are on none."""

    train: tuple[int, ...]
    test: tuple[int, ...]
    set_aside: tuple[int, ...]  # never used, because they belong to both sides
    units: tuple[Unit, ...]
    labels: tuple[str, ...]  # of every entry
    folds: tuple[str | None, ...]  # of every entry, where the user gave them
    sides: dict[str, str]  # sha256 to "train" or "test": what a model remembers for the next run
    summary: SplitSummary

    def unit_numbers(self, places: Sequence[int]) -> NDArray[np.int64]:
        """Number of the unit that each of `places` belongs to; images of one unit are not independent."""
        number = {place: i for i, unit in enumerate(self.units) for place in unit.places}
        return np.array([number[place] for place in places], np.int64)


def split(
    entries: Sequence[Entry],
    clusters: Clusters,
    *,
    test_size: float = 0.2,
    seed: int = 0,
    placed: Mapping[str, str] | None = None,
) -> Split:
    """Sides for all readable images; with `test_size` 0 all are for training. `placed` maps sha256 to the side of an earlier run.

    Raises: BadValue for a test size outside [0, 1); NoImages if a given split leaves nothing to train on.
    """
    if not 0 <= test_size < 1:
        raise BadValue(
            f"test size {test_size} is not a share from 0 to below 1.", mend="use 0.2, or 0 for cross-validation without a test side"
        )
    together = units(entries, clusters)
    given = _given_test(entries)
    if given is not None:
        side = _as_given(entries, given)
        return _made(entries, clusters, together, side, "given", test_size)
    side = _drawn(entries, together, test_size, seed, placed or {})
    known = sum(entry.good and entry.sha256 in (placed or {}) for entry in entries)
    return _made(entries, clusters, together, side, "content hash" if test_size else "k-fold", test_size, known)


def check_sides(found: Split) -> None:
    """Raises: DataFault if a given split shares no class between its sides, so that nothing can be judged."""
    train, test = ({found.labels[place] for place in places} for places in (found.train, found.test))
    if test and not train & test:
        why = f"training has {listed(sorted(train))}, the test side {listed(sorted(test))}"
        raise DataFault("no class is on both sides of the given split.", why=why, mend="spell the classes alike on both sides")


def _given_test(entries: Sequence[Entry]) -> str | None:
    """Which given side is the test: "test", or "val" where there is none, or None."""
    sides = {entry.item.split for entry in entries if entry.good}
    return next((name for name in ("test", "val") if name in sides), None)


def _as_given(entries: Sequence[Entry], test: str) -> dict[int, str]:
    side = {place: TEST if entry.item.split == test else TRAIN for place, entry in enumerate(entries) if entry.good}
    if TRAIN not in side.values():
        raise NoImages(f"the given split has only {test} images.", mend="add a train side, or give the class folders without a split")
    return side


def _drawn(entries: Sequence[Entry], together: Sequence[Unit], test_size: float, seed: int, placed: Mapping[str, str]) -> dict[int, str]:
    known = {place: placed[entries[place].sha256] for unit in together for place in unit.places if entries[place].sha256 in placed}
    labels = [entry.item.label for entry in entries]
    chosen = test_units(together, labels, test_size, seed, known) if test_size else frozenset[Unit]()
    side: dict[int, str] = {}
    for unit in together:
        met = {known[place] for place in unit.places if place in known}
        drawn = TEST if unit in chosen else TRAIN
        meeting = ASIDE if len(met) > 1 else next(iter(met), drawn)
        side |= {place: known.get(place, meeting) for place in unit.places}
    return side


def _made(
    entries: Sequence[Entry],
    clusters: Clusters,
    together: Sequence[Unit],
    side: Mapping[int, str],
    method: SplitMethod,
    test_size: float,
    remembered: int = 0,
) -> Split:
    train, test, aside = (_on(side, name) for name in (TRAIN, TEST, ASIDE))
    labels = tuple(entry.item.label for entry in entries)
    counts, leaks = _counts(labels, train, test, aside), _leaks(together, side)
    summary = SplitSummary(method, test_size, counts, len(clusters.sets), leaks, remembered)
    if any(entry.item.group is not None for entry in entries if entry.good):
        summary = replace(summary, train_groups=units_of(together, train), test_groups=units_of(together, test))
    sides = {entries[place].sha256: side[place] for place in (*train, *test)}
    folds = tuple(entry.item.fold for entry in entries)
    return Split(train, test, aside, tuple(together), labels, folds, sides, summary)


def _on(side: Mapping[int, str], name: str) -> tuple[int, ...]:
    return tuple(sorted(place for place, where in side.items() if where == name))


def _leaks(together: Sequence[Unit], side: Mapping[int, str]) -> int:
    """How many test images belong to units that are in training too."""
    both = [unit.places for unit in together if {TRAIN, TEST} <= {side[place] for place in unit.places}]
    return sum(side[place] == TEST for places in both for place in places)


def _counts(labels: Sequence[str], train: Iterable[int], test: Iterable[int], aside: Iterable[int]) -> tuple[SideCount, ...]:
    on_train, on_test, on_none = (Counter(labels[place] for place in places) for places in (train, test, aside))
    names = sorted({*on_train, *on_test, *on_none})
    return tuple(SideCount(name, on_train[name], on_test[name], on_none[name]) for name in names)
