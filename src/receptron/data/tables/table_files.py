"""The cells of a CSV or Parquet file as text, each row with its line."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from receptron.errors import BadTable, MissingExtra
from receptron.fault_kind import of_system
from receptron.given_path import check_plain

ENDINGS = (".csv", ".tsv", ".parquet")
SHOWN = 8  # faults told at once


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
    rows = list(_lines(path))
    if not rows:
        raise table_fault(path, ["line 1: the table is empty, not even a header"])
    header = rows[0].cells
    for row in rows[1:]:
        if len(row.cells) != len(header):
            raise table_fault(path, [f"line {row.line:,}: {len(row.cells)} cells where the header has {len(header)}"])
    return RawTable(header, tuple(rows[1:]))


def _lines(path: Path) -> Iterator[TableRow]:
    text = _text(path)
    lines = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=_delimiter(text))
    start = 1
    try:
        for cells in lines:
            line, start = start, lines.line_num + 1
            if any(cell.strip() for cell in cells):
                yield TableRow(line, tuple(cell.strip() for cell in cells))
    except csv.Error as error:
        raise table_fault(path, [f"line {start:,}: {error}"]) from error


def _text(path: Path) -> str:
    data = path.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise table_fault(path, ["line 1: written as UTF-16; save it as CSV in UTF-8"])
    for number, line in enumerate(data.split(b"\n"), start=1):
        if b"\0" in line:
            raise table_fault(path, [f"line {number:,}: a NUL byte"])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise table_fault(path, [f"line {line:,}: byte 0x{data[error.start]:02x} is not UTF-8"]) from error


def _delimiter(text: str) -> str:
    """Comma, or what a header without one uses instead."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return next((mark for mark in (",", ";", "\t") if mark in first), ",")


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
        raise table_fault(path, [f"not a readable Parquet file ({str(error).splitlines()[0]})"]) from error
    rows = (tuple(_plain(columns[place][i]) if place in columns else "" for place in range(len(header))) for i in range(count))
    return RawTable(header, tuple(TableRow(i, cells) for i, cells in enumerate(rows, start=1)))


def _is_flat(kind: Any) -> bool:
    from pyarrow import types

    return not types.is_nested(kind)


def _plain(value: object) -> str:
    """A cell as text: null is blank, 3.0 is 3."""
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return (value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)).strip()
