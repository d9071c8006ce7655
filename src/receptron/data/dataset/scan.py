"""A folder or a table of images to a `Catalog`. Nothing is moved, copied, changed or decoded."""

import glob
from collections.abc import Iterable
from pathlib import Path

from receptron.data.dataset import digits, discovery
from receptron.data.dataset.table import ENDINGS as TABLES
from receptron.data.dataset.table import read_table
from receptron.data.records import SIDES, Catalog, Item
from receptron.errors import BadValue, NoImages
from receptron.given_path import check_given


def scan(path: str | Path) -> Catalog:
    """All images under `path`: `root/class/*`, `root/{train,val,test}/class/*`, or a table `path,label[,split][,group]` (CSV, Parquet).

    The name `digits` stands for scikit-learn's scanned digits unless a folder of that name is here.
    Raises: BadValue if nothing is there, or the path is empty; NoImages; BadTable with the line of each fault.
    """
    place = check_given(path).expanduser()
    if str(path) == digits.DIGITS and not place.exists():
        place = digits.digits()
    if not place.exists():
        raise BadValue(
            f"{place} does not exist.", mend=f"give a folder of class folders, a CSV or Parquet table, or the name {digits.DIGITS!r}"
        )
    if not place.is_dir():
        return _table(place)
    catalog = _folder(place)
    if not catalog.items:
        raise _nothing(place, catalog)
    return catalog


def find_images(paths: Iterable[str | Path]) -> list[Path]:
    """Image files that the paths name, each once: files as they are, folders with all below, patterns such as `photos/*.jpg`.

    A file named outright is taken whatever its ending.
    Raises: BadValue for a path or pattern that names nothing; NoImages if no image is left.
    """
    paths = list(paths)
    found = [place for path in paths for place in _named(path)]
    if not found:
        raise NoImages(
            f"no image in {', '.join(map(str, paths)) or 'an empty list of paths'}.",
            mend=f"formats that are read: {', '.join(discovery.READABLE)}",
        )
    return list(dict.fromkeys(found))


def _named(path: str | Path) -> list[Path]:
    place = check_given(path).expanduser()
    if place.is_dir():
        return discovery.images_below(place)
    if place.exists() or place.is_symlink():
        return [place]
    matches = sorted(glob.glob(str(place), recursive=True))  # noqa: PTH207 - absolute patterns too
    if not matches:
        raise BadValue(f"{place} names no file.", mend="check the spelling; a pattern such as photos/*.jpg must match something")
    inner = [Path(match) for match in matches]
    return [image for m in inner for image in (discovery.images_below(m) if m.is_dir() else [m] if discovery.is_image(m) else [])]


def _table(place: Path) -> Catalog:
    if place.suffix.lower() not in TABLES:
        raise BadValue(
            f"{place} is one file, and no table.", mend=f"give a folder of class folders, or a table that ends in {', '.join(TABLES)}"
        )
    items = read_table(place)
    if not items:
        raise NoImages(f"{place} has a header but no rows.", mend="add one row per image: path,label")
    return Catalog(place.parent, "table", _ordered(items))


def _folder(root: Path) -> Catalog:
    sides = _split_folders(root)
    if sides:
        return _merge(root, [(_side(side.name), side) for side in sides])
    return _merge(root, [(None, root)])


def _split_folders(root: Path) -> list[Path]:
    """Folders of a given split, if that is what lies under `root`.

    Raises: BadValue if `train` stands beside folders of images that are no side.
    """
    filled = [folder for folder in discovery.folders(root) if discovery.images_below(folder)]
    named = [folder for folder in filled if folder.name.casefold() in SIDES]
    sides = [folder for folder in named if any(discovery.images_below(inner) for inner in discovery.folders(folder))]
    if not sides or (len(sides) < len(filled) and "train" not in {_side(side.name) for side in sides}):
        return []
    others = [folder.name for folder in filled if folder not in sides]
    if others:
        raise BadValue(
            f"{root} mixes folders of a split ({_list(side.name for side in sides)}) with others ({_list(others)}).",
            why="it cannot be told whether those others are classes or sides",
            mend="keep either class folders or train, val and test with class folders inside; or give a table path,label,split",
        )
    return sides


def _merge(root: Path, places: list[tuple[str | None, Path]]) -> Catalog:
    """One catalog of the class folders in each place, with the side that the place stands for."""
    items: list[Item] = []
    filled: set[str] = set()
    names: set[str] = set()
    strays: list[Path] = []
    for side, place in places:
        strays += discovery.images(place)
        for folder in discovery.folders(place):
            names.add(folder.name)
            inside = discovery.images_below(folder)
            items += [Item(path, folder.name, side) for path in inside]
            filled |= {folder.name} if inside else set()
    layout = "split folders" if places[0][0] else "class folders"
    if layout == "split folders":
        strays += discovery.images(root)
    shown = tuple(sorted(path.relative_to(root).as_posix() for path in strays))
    return Catalog(root, layout, _ordered(items), tuple(sorted(names - filled)), shown)


def _side(name: str) -> str:
    return SIDES[name.casefold()]


def _ordered(items: Iterable[Item]) -> tuple[Item, ...]:
    return tuple(sorted(items, key=lambda item: item.path.as_posix()))


def _nothing(root: Path, catalog: Catalog) -> NoImages:
    if catalog.strays:
        return NoImages(
            f"{root} holds {len(catalog.strays):,} images but no class folders.",
            why="the name of the folder around an image is its class",
            mend=f"make one folder per class: {root}/CLASS/image.jpg, or give a table path,label",
        )
    mend = f"put images ({', '.join(discovery.READABLE)}) into one folder per class"
    return NoImages(f"{root} holds no image.", why=f"empty folders: {_list(catalog.empty)}" if catalog.empty else "", mend=mend)


def _list(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
