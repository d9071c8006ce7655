"""What folders of images mean: classes, sides of a split with classes inside, or classes with sides inside. What is not certain is refused.

Names of sides count only if every folder beside them is one too and at least one sounds like training: `train/ bus/ car/` are vehicles.
A side is never called a class unless the user says so.
"""

from collections.abc import Iterable, Set
from dataclasses import dataclass

from receptron.data.dataset.side_names import affix, is_fold, says_nothing, side_of
from receptron.data.dataset.spelling import composed
from receptron.data.dataset.tree import Folder
from receptron.data.tables.table_files import ENDINGS as TABLES
from receptron.errors import UnclearLayout, UnknownName
from receptron.wording import listed

LAYOUTS = ("auto", "classes", "splits")
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


def check_layout(name: str) -> str:
    """The name itself. Raises: UnknownName."""
    if name not in LAYOUTS:
        raise UnknownName("layout", name, LAYOUTS)
    return name


def read_layout(root: Folder, wanted: str = "auto") -> Layout:
    """How the folders in `root` are meant; `wanted` is one of LAYOUTS and decides where more than one reading is possible.

    A folder that stands alone, and the only one inside it, are superfluous and passed through.
    Raises: UnclearLayout naming the readings; UnknownName.
    """
    check_layout(wanted)
    place = _unwrapped(root)
    if wanted == "classes":
        return _classes(place)
    if wanted == "splits":
        return _forced_splits(place)
    return _inside_classes(place) or _splits(place) or _plain(place)


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
    names = [folder.name for folder in place.filled]
    if len(names) > 1 and all(map(says_nothing, names)):
        raise _unclear(place, f"its folders {listed(names)} are called like parts of a data set, not like classes")
    inner = [_inner(folder) for folder in place.filled]
    if len(names) > 1 and all(map(is_fold, names)) and all(inner):
        raise _unclear(place, f"its folders {listed(names)} are called like folds, with the same classes inside")
    found = _classes(place)
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
        raise _unclear(place, f"{listed(_names(sides))} sound like sides of a split, but none like training")
    affixes = {affix(side.name) for side in sides} - {""}
    if len(affixes) > 1:
        raise _unclear(place, f"{listed(_names(sides))} may be sides of a split, or classes whose names begin so")
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
        mixture = f"{listed(_names(sides))} sound like sides of a split, but {listed(_names(others))} beside them do not"
        raise _unclear(place, mixture)


def _labelled(place: Folder, sides: list[Folder]) -> Layout:
    """The class folders of each side. Raises: UnclearLayout where the side for training has none, or sides have no class in common."""
    inside = _without_wrappers({side.name: side for side in sides})
    labels = {name: {composed(folder.name) for folder in inner.filled} for name, inner in inside.items()}
    known = set[str]().union(*(labels[side.name] for side in sides if _side(side) == "train" and not _is_flat(inside[side.name])))
    flat = [side for side in sides if _is_flat(inside[side.name], known)]
    if any(_side(side) == "train" for side in flat):
        raise _unclear(place, f"{listed(_names(flat))} sound like sides of a split, but hold images without class folders")
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
        raise _unclear(place, f"{listed(_names(split))} hold sides of a split, but {listed(_names(whole))} hold images outside of sides")
    found = _with_sides_inside(filled, place)
    if "train" not in {one.side for one in found.classes}:
        raise _unclear(place, f"{listed(_names(split))} hold folders that sound like sides of a split, but none like training")
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
    sides = [folder for folder in place.filled if side_of(folder.name)]
    if sides:
        inside = _without_wrappers({side.name: side for side in sides})
        flat = tuple(side for side in sides if _is_flat(inside[side.name]))
        beside = tuple(folder for folder in place.filled if folder not in sides)
        return _sided([side for side in sides if side not in flat], inside, flat, beside)
    split = [folder for folder in place.filled if _has_only_sides(folder)]
    if not split:
        raise UnclearLayout(
            f"--layout splits was asked for, but no folder in {place.path} or one below is called like a side.",
            f"its folders are {listed(_names(place.filled)) or 'none'}",
            mend="call them train, val and test, or leave --layout out",
        )
    found = _with_sides_inside(split, place)
    return Layout(found.name, found.classes, beside=tuple(folder for folder in place.filled if folder not in split))


def _unclear(place: Folder, why: str) -> UnclearLayout:
    sides = [folder for folder in place.filled if side_of(folder.name)] or place.filled
    divided = [folder.name for folder in sides if _has_only_sides(folder)]  # classes with sides inside
    inner = sorted(divided or set[str]().union(*map(_inner, sides)))
    readings = (
        f"{why}",
        f"as classes, they are: {listed(_names(place.filled))}",
        f"as sides of a split, the classes are: {listed(inner) or 'none, for there are no class folders inside'}",
    )
    how = "say which is meant: --layout classes or --layout splits" if inner else "--layout classes if they are; else make class folders"
    tables = [path.name for path, _, _ in place.passed_over if path.suffix.lower() in TABLES]
    table = f"the table {tables[0]}" if tables else "a table path,label"
    mend = f"{how}; or give the folder that holds the class folders, or {table}"
    return UnclearLayout(f"it is not certain how the folders in {place.path} are meant.", readings, mend=mend)


def _inner(folder: Folder) -> set[str]:
    return {composed(inner.name) for inner in folder.filled}


def _side(folder: Folder) -> str:
    return side_of(folder.name) or ""


def _names(folders: Iterable[Folder]) -> list[str]:
    return sorted(folder.name for folder in folders)
