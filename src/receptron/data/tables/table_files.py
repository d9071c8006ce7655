"""The cells of a CSV or Parquet file as text, each row with its line."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from receptron.errors import BadTable, MissingExtra
from receptron.fault_kind import of_system
from receptron.given_path import check_plain

ENDINGS = (".csv", ".tsv", ".parquet")
SHOWN = 8  # faults told at once
MARKS = (",", ";", "\t", "|")
"""What may separate columns, the usual one first."""
_STATED_MARK = re.compile(r'"?sep=([^\w"\r\n])"?[ ]*(?:\r\n|\r|\n)')  # a first line that spreadsheets write
_UTF8 = "save it as CSV in UTF-8"


@dataclass(frozen=True)
class TableRow:
    """One row as text, and the line (CSV) or row number (Parquet) where it begins."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class RawTable:
    """Names of the columns as they are written, and all rows."""

    header: tuple[str, ...]
    rows: tuple[TableRow, ...]
    line: int = 1  # of the header
    mark: str = ","  # between columns


def read_cells(path: Path) -> RawTable:
    """Every cell of the file. Raises: BadTable naming the line; BadValue for a pipe or a device; MissingExtra."""
    check_plain(path)
    try:
        path.open("rb").close()
    except OSError as error:
        kind, reason = of_system(error)
        raise BadTable(f"{path} cannot be used.", why=reason, mend=kind.cure) from error
    return _parquet(path) if path.suffix.lower() == ".parquet" else _csv(path)


def table_fault(path: Path, faults: Iterable[str]) -> BadTable:
    """One error for all faults, the first eight told."""
    faults = list(faults)
    more = (f"and {len(faults) - SHOWN:,} more",) if len(faults) > SHOWN else ()
    return BadTable(
        f"{path} cannot be used.",
        why=(*faults[:SHOWN], *more),
        mend="correct these lines; the columns are path,label and, if you like, split, fold and group, with paths relative to the table "
        "or to --root FOLDER",
    )


def _csv(path: Path) -> RawTable:
    text = _text(path)
    stated = _STATED_MARK.match(text)
    mark = stated[1] if stated else _mark(text)
    rows = list(_lines(path, text[stated.end() :] if stated else text, mark, first=2 if stated else 1))
    if not rows:
        raise _unfit(path, "line 1: the table is empty, not even a header", "write a header and one row per image: path,label")
    header = rows[0].cells
    for row in rows[1:]:
        if len(row.cells) != len(header):
            raise _uneven(path, rows[0], row)
    return RawTable(header, tuple(rows[1:]), rows[0].line, mark)


def _uneven(path: Path, header: TableRow, row: TableRow) -> BadTable:
    if is_comment(header.cells[0]):
        return comment(path, header.line)
    fault = f"line {row.line:,}: {len(row.cells)} cells where the header has {len(header.cells)}"
    if len(header.cells) > 1:
        return table_fault(path, [fault])
    return _unfit(path, fault, f"line {header.line:,} must name the columns, such as path,label: take out what stands before that line")


def is_comment(cell: str) -> bool:
    """Whether a line that begins with this cell is a comment; `#` alone is a column of numbers."""
    return cell.startswith("#") and len(cell) > 1


def comment(path: Path, line: int) -> BadTable:
    """For a comment that stands where the header must."""
    why = f"line {line:,} begins with #, as a comment does, and the first line must name the columns"
    return _unfit(path, why, "take it out, or only the # if it names them")


def _unfit(path: Path, why: str, mend: str) -> BadTable:
    return BadTable(f"{path} cannot be used.", why=why, mend=mend)


def _lines(path: Path, text: str, mark: str, first: int) -> Iterator[TableRow]:
    """Rows that are not blank; the text begins with the line of number `first`."""
    lines = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=mark)
    start = first
    try:
        for cells in lines:
            line, start = start, lines.line_num + first
            if any(cell.strip() for cell in cells):
                yield TableRow(line, tuple(cell.strip() for cell in cells))
    except csv.Error as error:
        raise table_fault(path, [f"line {start:,}: {error}"]) from error


def _text(path: Path) -> str:
    data = path.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _unfit(path, "line 1: written as UTF-16", _UTF8)
    for number, line in enumerate(data.split(b"\n"), start=1):
        if b"\0" in line:
            raise _unfit(path, f"line {number:,}: a NUL byte", f"write the table again, or {_UTF8}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise _unfit(path, f"line {line:,}: byte 0x{data[error.start]:02x} is not UTF-8", _UTF8) from error


def _mark(text: str) -> str:
    """The separator that the header has most often outside quotes; of equals, and without any, the most usual one."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    bare = re.sub(r'"[^"]*"', "", first)
    return max(MARKS, key=bare.count)


def _parquet(path: Path) -> RawTable:
    """Cells of nested columns stay empty: they name nothing."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtra(f"reading the Parquet table {path}", "pyarrow", "tables") from error
    try:
        with parquet.ParquetFile(path) as file:
            schema = file.schema_arrow
            header = tuple(name.strip() for name in schema.names)
            flat = [
                place for place, name in enumerate(schema.names) if _is_flat(schema.field(place).type) and schema.names.count(name) == 1
            ]
            read = file.read(columns=[schema.names[place] for place in flat])
            columns = {place: read.column(number).to_pylist() for number, place in enumerate(flat)}
            count = file.metadata.num_rows
    except (pyarrow.ArrowException, OSError) as error:
        why = f"not a readable Parquet file ({str(error).splitlines()[0]})"
        raise _unfit(path, why, "write or copy the table again, or save it as CSV") from error
    rows: list[TableRow] = []
    for i in range(count):
        try:
            cells = tuple(_plain(columns[place][i]) if place in columns else "" for place in range(len(header)))
        except UnicodeDecodeError as error:
            why = f"row {i + 1:,}: byte 0x{error.object[error.start]:02x} is not UTF-8"
            raise _unfit(path, why, "save the column as text") from error
        rows.append(TableRow(i + 1, cells))
    return RawTable(header, tuple(rows))


def _is_flat(kind: Any) -> bool:
    from pyarrow import types

    return not types.is_nested(kind)


def _plain(value: object) -> str:
    """A cell as text: null is blank, 3.0 is 3."""
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return (value.decode() if isinstance(value, bytes) else str(value)).strip()
