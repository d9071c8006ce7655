"""Cross-validation on the training side: stratified, units whole, the same whenever asked."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from receptron.data.splitting.given_folds import given_folds
from receptron.data.splitting.groups import Unit
from receptron.data.splitting.split import Split
from receptron.errors import BadValue


def folds(split: Split, k: int, seed: int = 0) -> list[NDArray[np.intp]]:
    """`k` arrays of places that part the training side; each unit lies in one, each class is spread as evenly as its units allow.

    Folds that the user gave are taken as they are, whatever `k`.
    Fewer than `k` where there are fewer units: as many as those. Where units are single images, the folds' sizes and each class's counts
    differ by one at most.
    Raises: BadValue if k is below 2, or there are not two units.
    """
    train = set(split.train)
    kept = [Unit(tuple(p for p in unit.places if p in train), unit.anchor) for unit in split.units]
    kept = sorted((unit for unit in kept if unit.places), key=lambda unit: _order(split, unit, seed))
    if given := given_folds(split, kept):
        return given
    if k < 2:
        raise BadValue(f"{k} folds cannot be made.", mend="use 2 or more")
    if len(kept) < 2:
        raise BadValue(
            f"the {len(train)} training images cannot be divided into folds.",
            why="they all belong together: to one group, or to copies of one photo",
            mend="add images of other groups",
        )
    k = min(k, len(kept))
    parts: list[list[int]] = [[] for _ in range(k)]
    per_class: list[Counter[str]] = [Counter() for _ in range(k)]
    for unit in kept:
        labels = Counter(split.labels[place] for place in unit.places)
        fold = min(range(k), key=lambda f: (sum(per_class[f][label] * n for label, n in labels.items()), len(parts[f]), f))
        parts[fold].extend(unit.places)
        per_class[fold].update(labels)
    return [np.array(sorted(part), dtype=np.intp) for part in parts]


def _order(split: Split, unit: Unit, seed: int) -> tuple[int, str, float, str]:
    """Large units first, then class by class, drawn at random within a class."""
    return -len(unit.places), min(split.labels[place] for place in unit.places), unit.draw(seed), unit.anchor
