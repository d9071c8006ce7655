"""Folds for cross-validation that a table gives, in a column `fold`."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from receptron.data.records import Catalog
from receptron.data.splitting.groups import Unit
from receptron.data.splitting.split import Split
from receptron.errors import BadValue
from receptron.wording import counted

MOST = 20  # folds that are trained


def cross_validated(catalog: Catalog) -> int:
    """How many folds are given where there is no test side beside them; else 0."""
    return 0 if catalog.has_given_split else len({item.fold for item in catalog.items if item.fold})


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
