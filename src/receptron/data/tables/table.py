"""Tables of images, CSV or Parquet: a row an image, with its class and, if the user likes, its side, fold and group.

Every fault names its line; no path leads out of the folder that paths start from.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from receptron.data.dataset import spelling
from receptron.data.dataset.discovery import ENDINGS as IMAGES
from receptron.data.dataset.scan_options import ScanOptions
from receptron.data.records import Item
from receptron.data.tables.columns import Roles, assign, is_usual, noun_of, side_in
from receptron.data.tables.endings import ANY, EndingsOnDisk
from receptron.data.tables.header_line import header_is_row
from receptron.data.tables.misplaced import misplaced
from receptron.data.tables.table_files import TableRow, read_cells, table_fault
from receptron.data.tables.unused_columns import unused_columns
from receptron.data.unused import Unused, UnusedColumn, UnusedKind
from receptron.errors import BadValue
from receptron.given_path import check_given
from receptron.wording import listed


@dataclass(frozen=True)
class ImageTable:
    """What a table says.

    Attributes:
        root: Folder that its paths start from.
        items: Images in the order of the rows.
        respelled: Names in another Unicode form than the disk's, or in two.
        columns: Columns that are used, by role.
        unused: Columns that are not.
        repeated: Rows that say once more what an earlier one says.
    """

    root: Path
    items: list[Item]
    respelled: tuple[str, ...]
    columns: dict[str, str]
    unused: tuple[UnusedColumn, ...]
    repeated: tuple[Unused, ...] = ()

    @property
    def group_noun(self) -> str:
        """What images of one group share."""
        return noun_of(self.columns.get("group", "group"))


def read_table(path: Path, options: ScanOptions = ScanOptions()) -> ImageTable:
    """Images that the table names. A row that repeats another exactly counts once. Labels, splits and groups are in NFC.

    Files need not exist: a missing one is reported with its line when it is read.
    Raises: BadTable naming up to eight faults with their lines, or what is missing in every path; UnknownName for a column that is not
    there; BadValue for a pipe or a device, and a root that is no folder.
    """
    table = read_cells(path)
    roles = assign(path, table, options.columns)
    reader = _Reader(path, roles, _root(path, options), _suffix(options.suffix))
    place = roles.place["path"]
    if not is_usual("path", table.header[place]) and reader.is_there(table.header[place]):
        raise header_is_row(path, table, [place])
    items = [item for row in table.rows if (item := reader.item(row))]
    if not reader.faults and reader.has_sides and reader.without_side:
        reader.faults.append(f"{reader.where(reader.without_side)}: no split, while other rows have one")
    if reader.faults:
        raise table_fault(path, reader.faults)
    if fault := misplaced(path, reader.folder, items, reader.suffix):
        raise fault
    respelled, unused = tuple(sorted(reader.respelled)), unused_columns(table, roles)
    return ImageTable(reader.folder, items, respelled, roles.names, unused, reader.repetitions(path))


def _root(path: Path, options: ScanOptions) -> Path:
    if options.root is None:
        return path.parent
    root = check_given(options.root)
    if not root.is_dir():
        raise BadValue(f"--root {options.root} is no folder.", mend="name the folder that the paths of the table start from")
    return root


def _suffix(text: str) -> str:
    """The ending with its dot. Raises: BadValue for what cannot end a name."""
    if set(text) & set("/\\\0"):
        raise BadValue(
            f"--suffix {text!r} cannot end a file's name.",
            mend=f"write it like --suffix .jpg, or --suffix {ANY} for the ending that each file has",
        )
    return f".{text}" if f".{text.lower()}" in IMAGES else text


class _Reader:
    """Turns rows into items, remembering what was seen and what was wrong."""

    def __init__(self, path: Path, roles: Roles, root: Path, suffix: str) -> None:
        self.roles, self.folder, self.suffix = roles, root, suffix
        self.word = "row" if path.suffix.lower() == ".parquet" else "line"
        self.faults: list[str] = []
        self.seen: dict[Path, Item] = {}
        self.spelled: dict[str, str] = {}
        self.respelled: set[str] = set()
        self.repeated: list[str] = []
        self.endings = EndingsOnDisk()
        self.has_sides, self.without_side = False, 0

    def where(self, line: int) -> str:
        return f"{self.word} {line:,}"

    def is_there(self, name: str) -> bool:
        """Whether a cell names a file."""
        try:
            return bool(name) and self._named(name).is_file()
        except ValueError:
            return False

    def repetitions(self, path: Path) -> tuple[Unused, ...]:
        """Rows that count once with an earlier one, told together."""
        told, count = listed(self.repeated, 3), len(self.repeated)
        return (Unused(path.name, UnusedKind.REPEATED, told, count, self.word),) if count else ()

    def item(self, row: TableRow) -> Item | None:
        """The image that a row names; None if it is a repetition or faulty, and then the fault is kept."""
        try:
            return self._new(row)
        except ValueError as error:
            self.faults.append(f"{self.where(row.line)}: {error}")
            return None

    def _new(self, row: TableRow) -> Item | None:
        place = self._on_disk(self._named(self._filled(row, "path")))
        label, group = self._composed(self._filled(row, "label")), self._composed(self._cell(row, "group"))
        item = Item(place, label, self._split(row), group or None, row.line, self._cell(row, "fold") or None)
        known = self.seen.setdefault(place, item)
        if known is not item:
            self._check_repetition(known, item)
            self.repeated.append(f"{self.where(row.line)} repeats {known.line or 0:,}")
            return None
        self.has_sides |= item.split is not None
        self.without_side = self.without_side or (row.line if item.split is None else 0)
        return item

    def _cell(self, row: TableRow, role: str) -> str:
        return row.cells[self.roles.place[role]] if role in self.roles.place else ""

    def _filled(self, row: TableRow, role: str) -> str:
        text = self._cell(row, role)
        if not text:
            raise ValueError(f"the {role} is blank")
        return text

    def _named(self, text: str) -> Path:
        """The file that a cell names, with its ending. Raises: ValueError."""
        if self.suffix == ANY:
            place = _place(self.folder, text)
            return place.with_name(place.name + self.endings.of(place))
        return _place(self.folder, text if text.casefold().endswith(self.suffix.casefold()) else text + self.suffix)

    def _split(self, row: TableRow) -> str | None:
        text = self._cell(row, "split")
        side = side_in(text, self.roles.names["split"]) if text else None
        if text and side is None:
            raise ValueError(f"split {text!r} is not train, val or test")
        return side

    def _composed(self, name: str) -> str:
        whole = spelling.composed(name)
        if self.spelled.setdefault(whole, name) != name:
            self.respelled.add(whole)
        return whole

    def _on_disk(self, place: Path) -> Path:
        """The file in the Unicode form that the disk has. Raises: ValueError where only capitals differ."""
        try:
            found = spelling.on_disk(place)
        except OSError:  # reading it will tell
            return place
        if found is None:
            if other := spelling.in_other_case(place):
                raise ValueError(f"there is no {_named(place, self.folder)}, but {_named(other, self.folder)} is: capitals differ")
            return place
        if found != place:
            self.respelled.add(spelling.composed(str(place.relative_to(self.folder))))
        return found

    def _check_repetition(self, known: Item, item: Item) -> None:
        for field in ("label", "split", "group", "fold"):
            old, new = getattr(known, field), getattr(item, field)
            if old != new:
                raise ValueError(f"{item.path.name} has {field} {new!r} here but {old!r} in {self.where(known.line or 0)}")


def _named(place: Path, folder: Path) -> str:
    return repr(place.relative_to(folder).as_posix())


def _place(folder: Path, text: str) -> Path:
    """The file that a cell names, inside the folder that paths start from; a backslash that no name has is taken as a slash.

    Raises: ValueError.
    """
    place = folder / text
    if "\\" in text and not place.exists():
        place = folder / text.replace("\\", "/")
    inside = Path(os.path.normpath(place.absolute()))
    if not inside.is_relative_to(os.path.normpath(folder.absolute())) or text[1:3] in (":\\", ":/") or text.startswith("\\\\"):
        raise ValueError(f"path {text!r} leads out of {folder}, which paths start from")
    return folder / inside.relative_to(os.path.normpath(folder.absolute()))
