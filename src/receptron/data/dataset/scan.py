"""A folder or a table of images to a `Catalog`. Nothing is moved, copied, changed or decoded."""

import glob
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from receptron.data.dataset import digits, discovery, spelling, tree
from receptron.data.dataset.layout import Layout, read_layout
from receptron.data.dataset.name_groups import grouped
from receptron.data.dataset.scan_options import ScanOptions, check_options
from receptron.data.dataset.side_names import says_nothing
from receptron.data.dataset.unclear_layout import no_class_folders
from receptron.data.records import Catalog, Item
from receptron.data.tables.table import read_table
from receptron.data.tables.table_files import ENDINGS as TABLES
from receptron.data.tables.tables_in_folder import tables_of_images
from receptron.data.unused import Unused, UnusedKind
from receptron.errors import BadValue, NoImages, UnreadableFolder
from receptron.fault_kind import of_system
from receptron.given_path import check_given
from receptron.wording import counted, listed


@dataclass(frozen=True)
class FoundImages:
    """Image files, each once, and what beside them is not used."""

    files: tuple[Path, ...]
    unused: tuple[Unused, ...] = ()


def scan(path: str | Path, options: ScanOptions | None = None) -> Catalog:
    """All images under `path`: class folders, sides of a split in or around them, or a table, as `options` say they are meant.

    The name `digits` stands for scikit-learn's scanned digits unless a folder of that name is here.
    Raises: BadValue if nothing is there, the path is empty, or groups are asked for that names do not tell; UnknownName for a layout or
    column that is not there; UnclearLayout, UnreadableFolder; NoImages; BadTable with the line of each fault.
    """
    options = check_options(options or ScanOptions())
    place = _there(check_given(path).expanduser())
    if place is None and str(path) == digits.DIGITS:
        place = digits.digits()
    if place is None:
        raise BadValue(
            f"{path} does not exist.", mend=f"give a folder of class folders, a CSV or Parquet table, or the name {digits.DIGITS!r}"
        )
    if place.is_dir() and options.of_tables:
        raise BadValue(f"{listed(options.of_tables)} is for tables, and {place} is a folder.", mend="leave it out, or give a table")
    if not place.is_dir() and options.layout != "auto":
        what = f"--layout {options.layout} is for folders, and {place} is none."
        raise BadValue(what, mend="leave it out: a table says label and split itself")
    found = _folder(place, options.layout) if place.is_dir() else _table(place, options)
    return grouped(found, options.groups, options.ungrouped)


def find_images(paths: Iterable[str | Path], *, patterns: bool = True) -> FoundImages:
    """Image files that the paths name, each once: files as they are, folders with all below, patterns such as `photos/*.jpg`.

    A file named outright is taken whatever its ending. Without `patterns` a name with a star is a name.
    Raises: BadValue for a path or pattern that names nothing; NoImages if no image is left; UnreadableFolder.
    """
    paths = list(paths)
    found = [_named(path, patterns) for path in paths]
    files = dict.fromkeys(file for one in found for file in one.files)
    unused = tuple(one for part in found for one in part.unused)
    if not files:
        raise NoImages(
            f"no image in {', '.join(map(str, paths)) or 'an empty list of paths'}.",
            why=tuple(f"{one.path}: {one.reason}" for one in unused[:8]),
            mend=f"formats that are read: {', '.join(discovery.READABLE)}",
        )
    return FoundImages(tuple(files), unused)


def _there(place: Path) -> Path | None:
    """What the path names, in either Unicode form; None if nothing does. Raises: UnreadableFolder if that cannot be told."""
    try:
        return spelling.on_disk(place)
    except OSError as error:
        kind, reason = of_system(error)
        raise UnreadableFolder(str(place.parent), [(str(place), reason)], kind) from error


def _named(path: str | Path, patterns: bool) -> FoundImages:
    place = check_given(path).expanduser()
    there = _there(place)
    if there is not None:
        return _below(there)
    matches = sorted(glob.glob(str(place), recursive=True)) if patterns else []  # noqa: PTH207 - absolute patterns too
    if not matches:
        raise BadValue(f"{place} names no file.", mend="check the spelling; a pattern such as photos/*.jpg must match something")
    found = [_below(Path(match)) if Path(match).is_dir() else _alone(Path(match)) for match in matches]
    return FoundImages(tuple(file for one in found for file in one.files), tuple(one for part in found for one in part.unused))


def _below(place: Path) -> FoundImages:
    if not place.is_dir():
        return FoundImages((place,))
    root = tree.look(place)
    return FoundImages(tuple(root.below()), tuple(tree.unused(root)))


def _alone(place: Path) -> FoundImages:
    seen = discovery.why_no_image(place)
    return FoundImages((), (Unused(tree.shown(place, place.parent), *seen),)) if seen else FoundImages((place,))


def _table(place: Path, options: ScanOptions) -> Catalog:
    if place.suffix.lower() not in TABLES:
        raise BadValue(
            f"{place} is one file, and no table.", mend=f"give a folder of class folders, or a table that ends in {', '.join(TABLES)}"
        )
    table = read_table(place, options)
    if not table.items:
        raise NoImages(f"{place} has a header but no rows.", mend="add one row per image: path,label")
    by = f"column {table.columns['group']}" if "group" in table.columns else ""
    return Catalog(
        table.root, "table", _ordered(table.items), respelled=table.respelled, group_noun=table.group_noun, grouped_by=by,
        columns=table.columns, unused_columns=table.unused, unused=table.repeated,
    )  # fmt: skip


def _folder(root: Path, wanted: str) -> Catalog:
    """The catalog of all class folders. Raises: UnclearLayout, UnreadableFolder, NoImages."""
    found = tree.look(root)
    layout = read_layout(found, wanted)
    items = [Item(path, one.label, one.side) for one in layout.classes for path in one.folder.below()]
    items, arrays = _without_arrays(items)
    filled = {item.label for item in items}
    empty = sorted({one.label for one in layout.classes} - filled)
    beside = [Unused(tree.shown(one.path, root), UnusedKind.UNSUPPORTED, "a NumPy array among photos") for one in arrays]
    unused = (*_left_out(found, layout), *tree.unused(found), *beside)
    tables = tables_of_images(found) if len(filled) < 2 else ()
    if not items:
        raise _nothing(root, unused, empty, tables)
    if tables and wanted == "auto" and all(map(says_nothing, filled)):
        raise no_class_folders(root, sorted(filled), tables)
    return Catalog(
        root, layout.name, _ordered(items), tuple(empty), unused, _respelled(layout), layout.side_like, tables=tables,
    )  # fmt: skip


def _without_arrays(items: list[Item]) -> tuple[list[Item], list[Item]]:
    """Items without the arrays that lie among photos: masks and features, rather than images of a class; and these arrays."""
    arrays = [item for item in items if item.path.suffix.lower() == ".npy"]
    if len(arrays) in (0, len(items)):
        return items, []
    return [item for item in items if item.path.suffix.lower() != ".npy"], arrays


def _left_out(root: tree.Folder, layout: Layout) -> list[Unused]:
    """Images that lie in no class folder: sides without labels and folders beside the sides as a whole, others one by one."""
    told: list[Unused] = []
    inside = {folder.path for one in layout.classes for folder in one.folder.walk()}
    for folders, kind, reason in (
        (layout.unlabelled, UnusedKind.UNLABELLED, "has no class folders"),
        ([one for one in layout.beside if one.filled], UnusedKind.NO_SIDE, "is not called like a side of the split"),
        ([one for one in layout.beside if not one.filled], UnusedKind.OUTSIDE, "is no side of the split"),
    ):
        for folder in folders:
            told.append(Unused(f"{tree.shown(folder.path, root.path)}/", kind, reason, len(folder.below()), "image"))
            inside |= {below.path for below in folder.walk()}
    strays = [image for folder in root.walk() if folder.path not in inside for image in folder.images]
    return told + [Unused(tree.shown(image, root.path), UnusedKind.OUTSIDE, "in no class folder") for image in strays]


def _respelled(layout: Layout) -> tuple[str, ...]:
    """Labels that folders spell in more than one Unicode form."""
    spelled: dict[str, set[str]] = {}
    for one in layout.classes:
        for name in (one.folder.name, one.folder.path.parent.name):
            if spelling.composed(name) == one.label:
                spelled.setdefault(one.label, set()).add(name)
    return tuple(sorted(label for label, names in spelled.items() if len(names) > 1))


def _ordered(items: Iterable[Item]) -> tuple[Item, ...]:
    return tuple(sorted(items, key=lambda item: item.path.as_posix()))


def _nothing(root: Path, unused: Iterable[Unused], empty: list[str], tables: Sequence[Path]) -> NoImages:
    stray = sum(one.count for one in unused if one.kind in (UnusedKind.OUTSIDE, UnusedKind.UNLABELLED, UnusedKind.NO_SIDE))
    if tables:
        held = f"{counted(stray, 'image')} but no class folders" if stray else "no image"
        why = f"{listed(path.name for path in tables)}: columns that name images and their classes"
        return NoImages(f"{root} holds {held}.", why=why, mend=f"give the table: {tables[0]}")
    if stray:
        return NoImages(
            f"{root} holds {counted(stray, 'image')} but no class folders.",
            why="the name of the folder around an image is its class",
            mend=f"make one folder per class: {root}/CLASS/image.jpg, or give a table path,label",
        )
    why = [f"{one.path}: {one.told}" for one in unused][:8] + ([f"empty folders: {listed(empty, 8)}"] if empty else [])
    mend = f"put images ({', '.join(discovery.READABLE)}) into one folder per class"
    return NoImages(f"{root} holds no image.", why=tuple(why), mend=mend)
