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
    if "group" not in roles.place and 1 < values < len(filled) and (_says_group(name) or _is_group(cells, labels)):
        return UnusedColumn(name, "group", why)
    return UnusedColumn(name, "", why)


def _is_split(name: str, filled: Sequence[str]) -> bool:
    """Whether every cell says a side, and a word or the column's name says which."""
    return all(side_in(cell, name) for cell in filled) and bool(side_of(name) or len(set(filled)) > 1)


def _says_group(name: str) -> bool:
    return any(word.casefold().removesuffix("s") in GROUP_WORDS for word in re.findall(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+", name))


def _is_group(cells: Sequence[str], labels: Sequence[str]) -> bool:
    """Whether values come back as names do: most on two rows or more, no measurements, and not one value for each class."""
    pairs = [(cell, label) for cell, label in zip(cells, labels, strict=True) if cell]
    counts = Counter(cell for cell, _ in pairs)
    if len(counts) < FEWEST or sum(count for count in counts.values() if count > 1) < 0.8 * len(pairs):
        return False
    if any(re.fullmatch(r"[-+]?\d*\.\d+([eE][-+]?\d+)?", cell) for cell in counts):
        return False
    classes = len({label for _, label in pairs})
    return not (len(counts) <= classes and len(set(pairs)) <= max(len(counts), classes))
