"""Folders that would be classes and hold the same folders: folds, places or resolutions of one set, whose classes lie inside.

Their names do not matter: `fold_1/cat`, `1/train/cat`, `224/cat` and `site_a/cat` are alike. What may repeat inside true classes is what
images are grouped by: a patient, a day.
"""

from collections.abc import Iterable, Sequence

from receptron.data.dataset.name_groups import names_a_group
from receptron.data.dataset.side_names import says_nothing, side_of
from receptron.data.dataset.spelling import composed
from receptron.data.dataset.tree import Folder

FEWEST = 2  # names that are shared, of folders beside each other


def repeated_inside(classes: Iterable[tuple[str, Folder]]) -> list[str]:
    """Names of folders that every class holds, at any depth; or that most hold, where the rest hold some of them and nothing else.

    A class may have several folders, one a side. Returns: none unless there are two classes and two such names.
    """
    folders: dict[str, list[Folder]] = {}
    for label, folder in classes:
        if folder.is_filled:
            folders.setdefault(label, []).append(folder)
    if len(folders) < 2:
        return []
    shared = _shared([set[str]().union(*map(_names_below, own)) for own in folders.values()], list(folders.values()))
    return [] if len(shared) < FEWEST or _are_groups(list(folders), shared) else sorted(shared)


def _shared(inside: Sequence[set[str]], folders: Sequence[Sequence[Folder]]) -> set[str]:
    by_all = set[str].intersection(*inside)
    if len(by_all) >= FEWEST:
        return by_all
    largest = max(inside, key=len)
    alone = [
        {name for folder in own for name in _all_below(folder)} for names, own in zip(inside, folders, strict=True) if names != largest
    ]
    most = 2 * len(alone) < len(inside)
    return largest if most and all(names and names <= largest for names in alone) else set()


def _names_below(folder: Folder) -> set[str]:
    """What folders below are called that have others beside them: one inside the other are no choice."""
    return {name for below in folder.walk() if len(names := _named(below.filled)) > 1 for name in names}


def _all_below(folder: Folder) -> set[str]:
    return {name for below in folder.walk() for name in _named(below.filled)}


def _named(folders: Iterable[Folder]) -> set[str]:
    """Their names; sides of a split and words such as `images` are no names of anything."""
    return {composed(one.name) for one in folders if not side_of(one.name) and not says_nothing(one.name)}


def _are_groups(labels: Sequence[str], shared: Iterable[str]) -> bool:
    return all(map(names_a_group, shared)) and not all(map(names_a_group, labels))
