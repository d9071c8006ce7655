"""Whether the first line of a table names its columns; what it seems to be where it does not, and how to mend that."""

import re
from collections.abc import Sequence
from pathlib import Path

from receptron.data.dataset.discovery import ENDINGS as IMAGES
from receptron.data.tables.table_files import RawTable
from receptron.errors import BadTable

_OTHER_MARKS = re.compile(r"[:^~!/\\]|\s+")
_MARK_WORDS = "comma, semicolon, tab and |"


def no_header(path: Path, table: RawTable, places: Sequence[int], *, repeated: bool) -> BadTable | None:
    """Why the first line is no header; None where it may be one.

    It is none where one of its cells at `places` names an image, and, if `repeated` ones count, where a cell comes back below.
    """
    images = [place for place in places if is_image(table.header[place])]
    again = [place for place in range(len(table.header)) if _comes_back(table, place)] if repeated and len(table.header) > 1 else []
    return header_is_row(path, table, images, again) if images or again else None


def header_is_row(path: Path, table: RawTable, images: Sequence[int], again: Sequence[int] = ()) -> BadTable:
    """For a first line whose cells at some places name `images`, or come back `again` below."""
    seen = f"{table.header[images[0]]!r} is the name of an image" if images else f"{table.header[again[0]]!r} stands below it again"
    return BadTable(
        f"{path} has no line that names its columns.",
        why=f"line {table.line:,} looks like a row: {seen}",
        mend=f"put a line before it with the columns' names: {table.mark.join(_names(len(table.header), images, again))}",
    )


def other_mark(path: Path, header: Sequence[str], known: Sequence[str]) -> BadTable | None:
    """For a header that is all in one cell: its parts, by a mark that is not read, are names of columns in `known`."""
    if len(header) != 1:
        return None
    parts = [part.strip().casefold() for part in _OTHER_MARKS.split(header[0])]
    if len(parts) < 2 or not any(part in known for part in parts):
        return None
    mark = next(found.group() for found in _OTHER_MARKS.finditer(header[0]))
    shown = "blanks" if mark.isspace() else repr(mark)
    return BadTable(
        f"{path} cannot be used.",
        why=f"line 1 is one cell, {header[0]!r}: its columns seem to be separated by {shown}; {_MARK_WORDS} are read",
        mend="save it with commas between the columns" + ("" if mark.isspace() else f", or put the line sep={mark} before the header"),
    )


def is_image(cell: str) -> bool:
    """Whether a cell is a path or a name with an image's ending."""
    return Path(cell).suffix.lower() in IMAGES


def _comes_back(table: RawTable, place: int) -> bool:
    return bool(table.header[place]) and any(row.cells[place] == table.header[place] for row in table.rows)


def _names(count: int, images: Sequence[int], again: Sequence[int]) -> list[str]:
    """A header of `count` names for such rows: where paths seem to stand, where labels do, and numbers for the rest."""
    path = images[0] if images else next((place for place in range(count) if place not in again), 0)
    label = next((place for place in (*again, *range(count)) if place != path), None)
    return ["path" if place == path else "label" if place == label else f"column{place + 1}" for place in range(count)]
