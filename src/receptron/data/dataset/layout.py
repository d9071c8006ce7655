"""What folders of images mean: classes, sides of a split with classes inside, or classes with sides inside. What is not certain is refused.

Names of sides count only if every folder beside them is one too and at least one sounds like training: `train/ bus/ car/` are vehicles.
A side is never called a class unless the user says so.
"""

from collections.abc import Set
from dataclasses import dataclass

from receptron.data.dataset.repeated_folders import repeated_inside
from receptron.data.dataset.side_names import affix, is_fold, says_nothing, side_of
from receptron.data.dataset.spelling import composed
from receptron.data.dataset.tree import Folder
from receptron.data.dataset.unclear_layout import names_of, no_sides, sound_like_sides, unclear, unclear_folds, unclear_parts
from receptron.errors import UnclearLayout
from receptron.wording import listed

CLASSES, SPLITS, SPLITS_INSIDE = "class folders", "split folders", "class folders with sides inside"


@dataclass(frozen=True)
class ClassFolder:
    """All images in one folder and below are of one class, and on one side where there are sides."""

    label: str
    side: str | None
    folder: Folder


@dataclass(frozen=True)
class Layout:
    """How folders were read."""

    name: str
    classes: tuple[ClassFolder, ...]
    unlabelled: tuple[Folder, ...] = ()  # sides without class folders
    beside: tuple[Folder, ...] = ()  # folders that are neither side nor class
    side_like: tuple[str, ...] = ()  # classes that are called like a side


def read_layout(root: Folder, wanted: str = "auto") -> Layout:
    """How the folders in `root` are meant; `wanted` is one of LAYOUTS and decides where more than one reading is possible.

    A folder that stands alone, and the only one inside it, are superfluous and passed through.
    Raises: UnclearLayout naming the readings.
    """
    place = _unwrapped(root)
    if wanted == "classes":
        return _classes(place)
    if wanted == "splits":
        return _forced_splits(place)
    found = _inside_classes(place) or _splits(place)
    if found is None:
        return _plain(place)
    _check_repeated(place, found)
    return found


def _check_repeated(place: Folder, found: Layout) -> None:
    """Raises: UnclearLayout if all classes hold the same folders, which may be the classes."""
    if shared := repeated_inside((one.label, one.folder) for one in found.classes):
        labels = sorted({one.label for one in found.classes if one.folder.is_filled})
        raise unclear_parts(place, labels, shared, _by_sides(place), around=found.name == SPLITS)


def _unwrapped(root: Folder) -> Folder:
    """The first folder from `root` down that holds several folders, or a side; `root` itself if there is none."""
    place = root
    while not place.images and len(place.filled) == 1 and not side_of(place.filled[0].name):
        place = place.filled[0]
    return place if place.filled and not place.images else root


def _classes(place: Folder) -> Layout:
    return Layout(CLASSES, tuple(ClassFolder(composed(folder.name), None, folder) for folder in place.folders))


def _plain(place: Folder) -> Layout:
    """Class folders, unless their names or what is in them say otherwise. Raises: UnclearLayout."""
    found, names = _classes(place), [folder.name for folder in place.filled]
    _check_repeated(place, found)
    if len(names) > 1 and all(map(says_nothing, names)):
        raise _unclear(place, f"its folders {listed(names)} are called like parts of a data set, not like classes")
    if len(names) > 1 and all(map(is_fold, names)):
        raise _unclear(place, f"its folders {listed(names)} are called like folds, not like classes")
    return Layout(found.name, found.classes, side_like=tuple(composed(name) for name in names if side_of(name)))


def _splits(place: Folder) -> Layout | None:
    """Sides with classes inside; None if the folders are no sides. Raises: UnclearLayout."""
    filled = place.filled
    sides, others = [f for f in filled if side_of(f.name)], [f for f in filled if not side_of(f.name)]
    if not sides:
        return None
    if others:
        return _mixed(place, sides, others)
    if "train" not in map(_side, sides):
        raise _unclear(place, f"{sound_like_sides(names_of(sides))}, but none like training")
    affixes = {affix(side.name) for side in sides} - {""}
    if len({*map(_side, sides)}) < len(sides) and any("fold" in one.split() for one in affixes):
        raise unclear_folds(place, names_of(sides), _by_sides(place))
    if len(affixes) > 1:
        raise _unclear(place, f"{listed(names_of(sides))} may be sides of a split, or classes whose names begin so")
    return _labelled(place, sides)


def _mixed(place: Folder, sides: list[Folder], others: list[Folder]) -> None:
    """Nothing if the one folder that is called like a side is a class among others. Raises: UnclearLayout."""
    other_names = {composed(other.name) for other in others}
    inside_others = set[str]().union(*map(_inner, others))
    inside = set[str]().union(*map(_inner, sides))
    vehicles = len(others) > 1 and all(map(_inner, others)) and not any(says_nothing(other.name) for other in others)
    is_class = (
        len(sides) == 1
        and not inside & (inside_others | other_names)
        and (len(inside) < 2 or vehicles or _side(sides[0]) != "train")
        and not all(says_nothing(other.name) for other in others)
    )
    if not is_class:
        beside = f"{listed(names_of(others))} beside {'it' if len(sides) == 1 else 'them'} {'does' if len(others) == 1 else 'do'} not"
        raise _unclear(place, f"{sound_like_sides(names_of(sides))}, but {beside}")


def _labelled(place: Folder, sides: list[Folder]) -> Layout:
    """The class folders of each side. Raises: UnclearLayout where the side for training has none, or sides have no class in common."""
    inside = _without_wrappers({side.name: side for side in sides})
    labels = {name: {composed(folder.name) for folder in inner.filled} for name, inner in inside.items()}
    known = set[str]().union(*(labels[side.name] for side in sides if _side(side) == "train" and not _is_flat(inside[side.name])))
    flat = [side for side in sides if _is_flat(inside[side.name], known)]
    if any(_side(side) == "train" for side in flat):
        raise _unclear(
            place, f"{sound_like_sides(names_of(flat))}, but {'holds' if len(flat) == 1 else 'hold'} images without class folders"
        )
    if len(known) > 1 and all(map(says_nothing, known)):
        raise _unclear(place, f"the folders {listed(sorted(known))} inside are called like parts of a data set, not like classes")
    judged = [side for side in sides if side not in flat]
    for side in judged:
        if _side(side) != "train" and not labels[side.name] & known:
            raise _unclear(place, f"{side.name} has no class in common with the side for training")
    return _sided(judged, inside, tuple(flat))


def _sided(sides: list[Folder], inside: dict[str, Folder], unlabelled: tuple[Folder, ...], beside: tuple[Folder, ...] = ()) -> Layout:
    classes = [ClassFolder(composed(f.name), _side(side), f) for side in sides for f in inside[side.name].folders]
    return Layout(SPLITS, tuple(classes), unlabelled, beside)


def _without_wrappers(sides: dict[str, Folder]) -> dict[str, Folder]:
    """Each side, or the one folder in it where that holds the class folders: `train/images/cat`, or `train/train/cat`."""
    wrapped = {name: _unwrapped_side(side) for name, side in sides.items()}
    if all(wrapped[name] is not side for name, side in sides.items()):
        return wrapped
    names = {composed(f.name) for name, side in sides.items() if wrapped[name] is side for f in side.filled}

    def is_wrapper(name: str) -> bool:
        only = sides[name].filled[0].name
        return composed(only) not in names and bool(names & {composed(f.name) for f in wrapped[name].filled})

    return {name: wrapped[name] if wrapped[name] is not side and is_wrapper(name) else side for name, side in sides.items()}


def _unwrapped_side(side: Folder) -> Folder:
    while not side.images and len(side.filled) == 1 and side.filled[0].filled and not side.filled[0].images:
        side = side.filled[0]
    return side


def _is_flat(side: Folder, known: Set[str] = frozenset()) -> bool:
    """Whether no class folder is in it: images alone, or one folder of images that bears no class's name."""
    filled = side.filled
    if len(filled) != 1 or filled[0].filled:
        return not filled
    name = filled[0].name
    return composed(name) not in known and (says_nothing(name) or side_of(name) is not None)


def _inside_classes(place: Folder) -> Layout | None:
    """Classes with sides inside: `cat/train`, `cat/test`; None if there are no sides inside. Raises: UnclearLayout."""
    filled = place.filled
    split = [folder for folder in filled if _has_only_sides(folder)]
    if not any(map(_is_divided, split)) or any(side_of(folder.name) for folder in filled):
        return None
    whole = [folder for folder in filled if folder not in split or folder.images]
    if whole:
        raise _unclear(
            place, f"{listed(names_of(split))} hold sides of a split, but {listed(names_of(whole))} hold images outside of sides"
        )
    found = _with_sides_inside(filled, place)
    if "train" not in {one.side for one in found.classes}:
        raise _unclear(place, f"{listed(names_of(split))} hold folders that sound like sides of a split, but none like training")
    return found


def _with_sides_inside(split: list[Folder], place: Folder) -> Layout:
    inner = [ClassFolder(composed(folder.name), _side(side), side) for folder in split for side in folder.filled]
    empty = [ClassFolder(composed(folder.name), None, folder) for folder in place.folders if not folder.is_filled]
    return Layout(SPLITS_INSIDE, tuple(inner + empty))


def _has_only_sides(folder: Folder) -> bool:
    return bool(folder.filled) and all(side_of(inner.name) for inner in folder.filled)


def _is_divided(folder: Folder) -> bool:
    """Whether its sides are several, or the one for training."""
    return len(folder.filled) > 1 or _side(folder.filled[0]) == "train"


def _forced_splits(place: Folder) -> Layout:
    """The user says that there are sides: folders that are none are left out and told. Raises: UnclearLayout if there is none."""
    found = _as_splits(place)
    if found is None:
        raise no_sides(place)
    if found.name == SPLITS_INSIDE:  # folds with sides inside, whose names would pass for classes
        _check_repeated(place, found)
    return found


def _as_splits(place: Folder) -> Layout | None:
    sides = [folder for folder in place.filled if side_of(folder.name)]
    if sides:
        inside = _without_wrappers({side.name: side for side in sides})
        flat = tuple(side for side in sides if _is_flat(inside[side.name]))
        beside = tuple(folder for folder in place.filled if folder not in sides)
        return _sided([side for side in sides if side not in flat], inside, flat, beside)
    split = [folder for folder in place.filled if _has_only_sides(folder)]
    if not split:
        return None
    found = _with_sides_inside(split, place)
    return Layout(found.name, found.classes, beside=tuple(folder for folder in place.filled if folder not in split))


def _by_sides(place: Folder) -> list[str]:
    """Classes that --layout splits would find; none where it would be refused."""
    found = _as_splits(place)
    if found is None or (found.name == SPLITS_INSIDE and repeated_inside((one.label, one.folder) for one in found.classes)):
        return []
    return sorted({one.label for one in found.classes if one.folder.is_filled})


def _unclear(place: Folder, why: str) -> UnclearLayout:
    return unclear(place, why, _by_sides(place))


def _inner(folder: Folder) -> set[str]:
    return {composed(inner.name) for inner in folder.filled}


def _side(folder: Folder) -> str:
    return side_of(folder.name) or ""
