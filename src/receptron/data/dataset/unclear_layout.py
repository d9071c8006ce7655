"""Refusals of folders whose meaning is not certain: the readings that there are, and only such ways on as would work."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from receptron.data.dataset.side_names import is_fold, side_of
from receptron.data.dataset.spelling import composed
from receptron.data.dataset.tree import Folder
from receptron.data.tables.tables_in_folder import tables_of_images
from receptron.errors import UnclearLayout
from receptron.wording import listed

MOST_SIDES = 3
OF_FOLDS = ",fold if they are folds"


def unclear(place: Folder, why: str, by_sides: Sequence[str]) -> UnclearLayout:
    """The refusal where folders may be classes or sides; `by_sides` are the classes that --layout splits would find."""
    ways = [_flags(len(place.filled) > 1, bool(by_sides))]
    if strangers := _like_sides(place):
        ways.append(f"call {listed(strangers)} train, val or test if {'that is a side' if len(strangers) == 1 else 'those are sides'}")
    if any(folder.filled for folder in place.filled):
        ways.append("give the folder that holds the class folders")
    return _refusal(place, (why, _as_classes(place), _as_sides(place, by_sides)), [*ways, _table(place)])


def unclear_parts(place: Folder, labels: Sequence[str], shared: Sequence[str], by_sides: Sequence[str], *, around: bool) -> UnclearLayout:
    """The refusal where what would be classes holds the same folders; `around` says that sides lie around it, and not in it or nowhere."""
    why = f"{listed(labels)} all hold {listed(shared)}, which may be the classes"
    parts = f"as parts of one set (folds, places, sizes), the classes are: {listed(shared)}"
    if around:
        ways = ["--layout splits if the outer folders are the classes"]
        readings = (why, _as_sides(place, by_sides), parts)
    else:
        inside = any(side_of(inner.name) for folder in place.filled for inner in folder.filled)
        ways = ["--layout classes if the outer folders are" + (" (the sides inside are then not followed)" if inside else "")]
        if not inside and len(place.filled) <= MOST_SIDES and not any(is_fold(label) for label in labels):
            ways.append("call them train, val and test if they are sides")
        ways.append(f"give one of them by itself, such as {place.filled[0].path}")
        readings = (why, _as_classes(place), parts)
    return _refusal(place, readings, [*ways, _table(place, OF_FOLDS)])


def unclear_folds(place: Folder, sides: Sequence[str], by_sides: Sequence[str]) -> UnclearLayout:
    """The refusal of sides of several folds, where the training of one is the test of another."""
    why = f"{listed(sides)} are called like sides of several folds: an image would be on several sides"
    return _refusal(place, (why, _as_classes(place), _as_sides(place, by_sides)), ["--layout classes if they are", _table(place, OF_FOLDS)])


def no_sides(place: Folder) -> UnclearLayout:
    """The refusal of --layout splits where nothing is called like a side."""
    return UnclearLayout(
        f"--layout splits was asked for, but no folder in {place.path} or one below is called like a side.",
        f"its folders are {listed(names_of(place.filled)) or 'none'}",
        mend="call them train, val and test, or leave --layout out",
    )


def no_class_folders(root: Path, names: Sequence[str], tables: Sequence[Path]) -> UnclearLayout:
    """The refusal of images in a folder that is called like no class, beside tables that say what they are."""
    return UnclearLayout(
        f"{root} has no class folders: its images lie in {listed(names)}.",
        f"{listed(path.name for path in tables)}: columns that name images and their classes",
        mend=f"give the table: {tables[0]}; or --layout classes if {listed(names)} is a class",
    )


def sound_like_sides(names: Sequence[str]) -> str:
    """A sentence's beginning.

    >>> sound_like_sides(["val"]), sound_like_sides(["test", "val"])
    ('val sounds like a side of a split', 'test, val sound like sides of a split')
    """
    return f"{listed(names)} {'sounds like a side' if len(names) == 1 else 'sound like sides'} of a split"


def _refusal(place: Folder, readings: Sequence[str], ways: Iterable[str]) -> UnclearLayout:
    return UnclearLayout(f"it is not certain how the folders in {place.path} are meant.", tuple(readings), mend="; or ".join(ways))


def _flags(classes: bool, splits: bool) -> str:
    """What to say of --layout; one folder alone is no choice of classes."""
    if splits:
        return "say which is meant: --layout classes or --layout splits" if classes else "--layout splits if those are the classes"
    return "--layout classes if they are; else make class folders" if classes else "make class folders"


def _as_classes(place: Folder) -> str:
    return f"as classes, they are: {listed(names_of(place.filled))}"


def _as_sides(place: Folder, classes: Sequence[str]) -> str:
    has_sides = any(side_of(folder.name) for folder in place.filled)
    none = "none, for there are no class folders inside" if has_sides else "none, for no folder is called like a side"
    return f"as sides of a split, the classes are: {listed(classes) or none}"


def _like_sides(place: Folder) -> list[str]:
    """Folders that are called like no side, but hold folders of the same names as those that are."""
    sides = [folder for folder in place.filled if side_of(folder.name)]
    inside = {composed(inner.name) for side in sides for inner in side.filled}
    others = [folder for folder in place.filled if folder not in sides]
    return names_of(other for other in others if inside & {composed(inner.name) for inner in other.filled})


def _table(place: Folder, further: str = "") -> str:
    tables = tables_of_images(place)
    if len(tables) > 1:
        return f"one of the tables {listed(map(str, tables), 2)}"
    return f"the table {tables[0]}" if tables else f"a table path,label{further}"


def names_of(folders: Iterable[Folder]) -> list[str]:
    """Names of folders, in order."""
    return sorted(folder.name for folder in folders)
