"""Columns of a table that play no role, and whether one looks as if it should: as a group, or as a split.

A name may say so (`animal`, `video_nr`), and so may the values: sides in words, or names that come back on several images without being
another word for the class.
"""

import re
from collections import Counter
from collections.abc import Sequence

from receptron.data.dataset.side_names import side_of
from receptron.data.tables.columns import Roles, side_in
from receptron.data.tables.table_files import RawTable
from receptron.data.unused import UnusedColumn
from receptron.wording import counted

GROUP_WORDS = frozenset(
    {"group", "patient", "subject", "case", "person", "animal", "individual", "participant", "donor", "owner", "photographer", "user"}
    | {"video", "clip", "scene", "site", "session", "burst", "slide", "specimen", "plant", "tree", "plot", "camera", "station", "location"}
    | {
        "sequence",
        "series",
        "study",
        "visit",
        "batch",
        "hospital",
        "device",
        "well",
        "plate",
        "flight",
        "track",
        "recording",
        "date",
        "day",
    }
)
_NUMBERS = frozenset({"id", "uid", "uuid", "guid", "nr"})  # what columns of names end in
_DESCRIPTIONS = frozenset(
    {"age", "sex", "gender", "width", "height", "size", "length", "weight", "area", "score", "count", "year", "month", "hour", "bbox"}
    | {"xmin", "xmax", "ymin", "ymax", "x", "y", "w", "h", "lat", "lon", "latitude", "longitude", "temperature", "format", "quality"}
)
"""Words of columns that describe an image, whatever their values."""
MOST = 0.8  # of the cells must say a side: "extra" and "unlabelled" may stand beside them
FEWEST = 4  # values below which a column rather describes images than groups them


def unused_columns(table: RawTable, roles: Roles) -> tuple[UnusedColumn, ...]:
    """What is not used, in the order of the table."""
    labels = [row.cells[roles.place["label"]] for row in table.rows]
    return tuple(_seen(roles, place, [row.cells[place] for row in table.rows], labels) for place in roles.unused)


def _seen(roles: Roles, place: int, cells: Sequence[str], labels: Sequence[str]) -> UnusedColumn:
    name = roles.header[place] or f"column {place + 1}, without a name"
    filled = [cell for cell in cells if cell]
    values = len(set(filled))
    why = f"{counted(values, 'value')} in {counted(len(cells), 'row')}"
    if "split" not in roles.place and filled and _is_split(name, filled):
        return UnusedColumn(name, "split", why)
    if "group" not in roles.place and 1 < values < len(filled) and not _says_class(cells, labels) and _is_group(name, filled):
        return UnusedColumn(name, "group", why)
    return UnusedColumn(name, "", why)


def _is_split(name: str, filled: Sequence[str]) -> bool:
    """Whether nearly every cell says a side, and a word or the column's name says which."""
    saying = [cell for cell in filled if side_in(cell, name)]
    return len(saying) >= MOST * len(filled) and bool(side_of(name) or len(set(saying)) > 1)


def _says_class(cells: Sequence[str], labels: Sequence[str]) -> bool:
    """Whether the column is another word for the class: one value for each class, or several classes under one."""
    pairs = {(cell, label) for cell, label in zip(cells, labels, strict=True) if cell}
    classes = len(set(labels))
    return len({cell for cell, _ in pairs}) <= classes and len(pairs) <= classes


def _is_group(name: str, filled: Sequence[str]) -> bool:
    """Whether the name says so, or values come back as names do: most of them, and no measurements."""
    words = {word.casefold() for word in re.findall(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+", name)}
    if words & _NUMBERS or {word.removesuffix("s") for word in words} & GROUP_WORDS:
        return True
    counts = Counter(filled)
    if words & _DESCRIPTIONS or len(counts) < FEWEST or sum(count for count in counts.values() if count > 1) < 0.8 * len(filled):
        return False
    return not any(re.fullmatch(r"[-+]?\d*\.\d+([eE][-+]?\d+)?", cell) for cell in counts)
