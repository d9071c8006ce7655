"""Folds for cross-validation that a table gives, in a column `fold`."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from receptron.data.records import Catalog, GivenFolds
from receptron.data.splitting.groups import Unit
from receptron.data.splitting.split import Split
from receptron.errors import BadValue
from receptron.wording import counted

MOST = 20  # folds that are trained


def cross_validated(catalog: Catalog) -> int:
    """How many folds are given where there is no test side beside them; else 0."""
    return 0 if catalog.has_given_split else len({item.fold for item in catalog.items if item.fold})


def followed(split: Split) -> GivenFolds | None:
    """How far the given folds are followed; None where none are given."""
    names = {split.folds[place] for place in split.train if split.folds[place]}
    if not names:
        return None
    kept = given_folds(split, split.units)
    moved = sum(len(fold) - max(Counter(split.folds[place] for place in fold.tolist()).values()) for fold in kept)
    return GivenFolds(len(names), len(kept), moved)


def departure(found: GivenFolds | None, noun: str) -> str:
    """A sentence where images are held out with another fold than the table says, else nothing.

    >>> departure(GivenFolds(4, 2, 12), "patient")
    'Of 4 given folds 2 are left: 12 images held out with the fold that has most of the same patient or copies.'
    >>> departure(GivenFolds(4, 4, 0), "")
    ''
    """
    if not found or not found.moved:
        return ""
    gone = f"Of {found.named} given folds {found.left} are left" if found.left < found.named else f"{found.named} folds are given"
    those = f"{noun} or copies" if noun else "copies"
    those = f"{noun} or copies" if noun else "copies"
    return f"{gone}: {counted(found.moved, 'image')} held out with the fold that has most of the same {those}."


def check_folds(split: Split) -> None:
    """Raises: BadValue where some training images are in no fold, or folds are too few or too many."""
    given = Counter(split.folds[place] for place in split.train)
    names = [name for name in given if name]
    if not names:
        return
    why, mend = "each training image is held out once", "correct the column, or make folds here with --fold-column none"
    if lacking := given[None]:
        raise BadValue(f"{counted(lacking, 'training image')} of {len(split.train):,} are in no fold.", why=why, mend=mend)
    if not 2 <= len(names) <= MOST:
        raise BadValue(f"the table gives {counted(len(names), 'fold')}.", why=f"from 2 to {MOST} can be trained", mend=mend)
    if len(kept := given_folds(split, split.units)) < 2:
        raise BadValue(f"of {len(names)} given folds {len(kept)} are left.", why="copies or groups hold them together", mend=mend)


def given_folds(split: Split, units: Sequence[Unit]) -> list[NDArray[np.intp]]:
    """Places on the training side by their given fold, in the order of its names; empty where none is given.

    Copies, and images of one group, that lie in several folds go to the one that has most of them, so that no fold is learnt by heart.
    """
    train = set(split.train)
    parts: dict[str, list[int]] = {}
    for unit in units:
        places = [place for place in unit.places if place in train]
        names = Counter(name for place in places if (name := split.folds[place]))
        if names:
            parts.setdefault(min(names, key=lambda name: (-names[name], name)), []).extend(places)
    return [np.array(sorted(parts[name]), dtype=np.intp) for name in sorted(parts)]
