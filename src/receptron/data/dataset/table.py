"""Tables of images, CSV or Parquet: columns `path,label[,split][,group]`.

Every fault names its line; no path leads out of the table's folder.
"""

import csv
import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from receptron.data.dataset import spelling
from receptron.data.records import SIDES, Item
from receptron.errors import BadTable, MissingExtra
from receptron.fault_kind import of_system
from receptron.given_path import check_plain

ENDINGS = (".csv", ".tsv", ".parquet")
NEEDED, ALLOWED = ("path", "label"), ("path", "label", "split", "group")
SHOWN = 8  # faults told at once


@dataclass(frozen=True)
class TableRow:
    """One row as text, and the line (CSV) or row number (Parquet) where it begins."""

    line: int
    cells: dict[str, str]


def read_table(path: Path) -> tuple[list[Item], tuple[str, ...]]:
    """Images that the table names, in its order, and names that it spells in another Unicode form than the disk, or in two.

    A row that repeats another exactly counts once. Labels, splits and groups are in NFC.

    Files need not exist: a missing one is reported with its line when it is read. Columns besides the four are passed over.
    Raises: BadTable naming up to eight faults with their lines; BadValue for a pipe or a device.
    """
    check_plain(path)
    if fault := _unreadable(path):
        raise fault
    rows = _parquet(path) if path.suffix.lower() == ".parquet" else _csv(path)
    reader = _Reader(path)
    items = [item for row in rows if (item := reader.item(row))]
    if not reader.faults and reader.has_sides and reader.without_side:
        reader.faults.append(f"{reader.where(reader.without_side)}: no split, while other rows have one")
    if reader.faults:
        raise _fault(path, reader.faults)
    return items, tuple(sorted(reader.respelled))


class _Reader:
    """Turns rows into items, remembering what was seen and what was wrong."""

    def __init__(self, path: Path) -> None:
        self.path, self.folder = path, path.parent
        self.word = "row" if path.suffix.lower() == ".parquet" else "line"
        self.faults: list[str] = []
        self.seen: dict[Path, Item] = {}
        self.spelled: dict[str, str] = {}
        self.respelled: set[str] = set()
        self.has_sides, self.without_side = False, 0

    def where(self, line: int) -> str:
        return f"{self.word} {line:,}"

    def item(self, row: TableRow) -> Item | None:
        """The image that a row names; None if it is a repetition or faulty, and then the fault is kept."""
        try:
            return self._new(row)
        except ValueError as error:
            self.faults.append(f"{self.where(row.line)}: {error}")
            return None

    def _new(self, row: TableRow) -> Item | None:
        place = self._on_disk(_place(self.folder, _filled(row, "path")))
        label, group = self._composed(_filled(row, "label")), self._composed(row.cells.get("group", ""))
        item = Item(place, label, _split(row), group or None, row.line)
        known = self.seen.setdefault(place, item)
        if known is not item:
            self._check_repetition(known, item)
            return None
        self.has_sides |= item.split is not None
        self.without_side = self.without_side or (row.line if item.split is None else 0)
        return item

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
        for field in ("label", "split", "group"):
            old, new = getattr(known, field), getattr(item, field)
            if old != new:
                raise ValueError(f"{item.path.name} has {field} {new!r} here but {old!r} in {self.where(known.line or 0)}")


def _unreadable(path: Path) -> BadTable | None:
    try:
        path.open("rb").close()
    except OSError as error:
        kind, reason = of_system(error)
        return BadTable(f"{path} cannot be used.", why=reason, mend=kind.cure)
    return None


def _named(place: Path, folder: Path) -> str:
    return repr(place.relative_to(folder).as_posix())


def _filled(row: TableRow, column: str) -> str:
    text = row.cells.get(column, "")
    if not text:
        raise ValueError(f"the {column} is blank")
    return text


def _split(row: TableRow) -> str | None:
    text = row.cells.get("split", "")
    if text and text.casefold() not in SIDES:
        raise ValueError(f"split {text!r} is not train, val or test")
    return SIDES[text.casefold()] if text else None


def _place(folder: Path, text: str) -> Path:
    """The file that a cell names, inside the table's folder; backslashes are taken as slashes where the name itself has none such.

    Raises: ValueError.
    """
    place = folder / text
    if "\\" in text and not place.exists():
        place = folder / text.replace("\\", "/")
    inside = Path(os.path.normpath(place.absolute()))
    if not inside.is_relative_to(os.path.normpath(folder.absolute())) or text[1:3] in (":\\", ":/") or text.startswith("\\\\"):
        raise ValueError(f"path {text!r} leads out of the folder of the table")
    return folder / inside.relative_to(os.path.normpath(folder.absolute()))


def _csv(path: Path) -> Iterator[TableRow]:
    text = _text(path)
    lines = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=_delimiter(text))
    header: list[str] | None = None
    start = 1
    try:
        for cells in lines:
            line, start = start, lines.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                header = _header(path, cells)
                continue
            yield TableRow(line, _cells(path, header, cells, line))
    except csv.Error as error:
        raise _fault(path, [f"line {start:,}: {error}"]) from error
    if header is None:
        raise _fault(path, ["line 1: the table is empty, not even a header"])


def _text(path: Path) -> str:
    data = path.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _fault(path, ["line 1: written as UTF-16; save it as CSV in UTF-8"])
    for number, line in enumerate(data.split(b"\n"), start=1):
        if b"\0" in line:
            raise _fault(path, [f"line {number:,}: a NUL byte"])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise _fault(path, [f"line {line:,}: byte 0x{data[error.start]:02x} is not UTF-8"]) from error


def _delimiter(text: str) -> str:
    """Comma, or what a header without one uses instead."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return next((mark for mark in (",", ";", "\t") if mark in first), ",")


def _header(path: Path, cells: list[str]) -> list[str]:
    names = [cell.strip().casefold() for cell in cells]
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise _fault(path, [f"line 1: no column {' and no column '.join(missing)}; it has {', '.join(cells)}"])
    twice = sorted({name for name in names if name in ALLOWED and names.count(name) > 1})
    if twice:
        raise _fault(path, [f"line 1: column {twice[0]} stands there twice"])
    return names


def _cells(path: Path, header: list[str], cells: list[str], line: int) -> dict[str, str]:
    if len(cells) != len(header):
        raise _fault(path, [f"line {line:,}: {len(cells)} cells where the header has {len(header)}"])
    return {name: cell.strip() for name, cell in zip(header, cells, strict=True) if name in ALLOWED}


def _parquet(path: Path) -> Iterator[TableRow]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtra(f"reading the Parquet table {path}", "pyarrow", "tables") from error
    try:
        with parquet.ParquetFile(path) as file:
            header = _header(path, list(file.schema_arrow.names))
            chosen = [name for name, plain in zip(file.schema_arrow.names, header, strict=True) if plain in ALLOWED]
            columns = file.read(columns=chosen).to_pydict()
    except (pyarrow.ArrowException, OSError) as error:
        raise _fault(path, [f"not a readable Parquet file ({str(error).splitlines()[0]})"]) from error
    named = {name.strip().casefold(): values for name, values in columns.items()}
    for index in range(len(named["path"])):
        yield TableRow(index + 1, {name: _plain(values[index]) for name, values in named.items()})


def _plain(value: object) -> str:
    """A cell as text: null is blank, 3.0 is 3."""
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return (value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)).strip()


def _fault(path: Path, faults: Iterable[str]) -> BadTable:
    faults = list(faults)
    more = (f"and {len(faults) - SHOWN:,} more",) if len(faults) > SHOWN else ()
    return BadTable(
        f"{path} cannot be used.",
        why=(*faults[:SHOWN], *more),
        mend="correct these lines; the columns are path,label and, if you like, split and group, with paths relative to the table",
    )
