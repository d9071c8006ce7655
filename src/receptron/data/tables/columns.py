"""Which column of a table plays which role: by a flag, or by its name. Two columns for one role are refused."""

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from receptron.data.dataset.scan_options import NONE
from receptron.data.dataset.side_names import affix, side_of
from receptron.data.records import SIDES
from receptron.data.tables.header_line import no_header, other_mark
from receptron.data.tables.table_files import RawTable, comment, is_comment
from receptron.errors import BadTable, BadValue, UnknownName
from receptron.wording import listed

NEEDED, OPTIONAL = ("path", "label"), ("split", "fold", "group")
ROLES = NEEDED + OPTIONAL
SYNONYMS = {  # a name counts without regard to capitals, blanks and underscores
    "path": ("path", "file", "filename", "file_path", "image", "image_path", "image_name", "image_file", "img", "img_path"),
    "label": ("label", "class", "class_name", "category", "target", "species"),
    "split": ("split", "set", "subset", "is_valid", "is_val", "is_test", "is_train"),
    "fold": ("fold", "folds", "cv_fold", "k_fold"),
    "group": (
        *("group", "patient", "subject", "case", "scene", "site", "clip"),
        *("group_id", "patient_id", "subject_id", "case_id", "scene_id", "site_id", "clip_id"),
    ),
}
WEAK = {"path": ("image_id", "id")}
"""Names that play a role only where no other column does: `id` beside `path` is a row's number."""
_SAYS_NOTHING = frozenset({"", "public", "private", "official", "my"})  # beside the side that a cell names: PublicTest
_TRUE, _FALSE = frozenset({"true", "t", "yes", "y", "1", "1.0"}), frozenset({"false", "f", "no", "n", "0", "0.0"})


@dataclass(frozen=True)
class Roles:
    """Places of the columns that are used, by role, and the header that they stand in."""

    header: tuple[str, ...]
    place: Mapping[str, int]

    @property
    def names(self) -> dict[str, str]:
        """Names of the columns that are used, by role."""
        return {role: self.header[place] for role, place in self.place.items()}

    @property
    def unused(self) -> list[int]:
        """Places of all other columns."""
        return [place for place in range(len(self.header)) if place not in self.place.values()]


def assign(path: Path, table: RawTable, named: Mapping[str, str]) -> Roles:
    """Roles of the columns; `named` are those that the user chose, role -> name or "none".

    A column that is called `set` or so without any side in it is no split.
    Raises: UnknownName for a column that is not there; BadTable for two columns of one role, where path or label has none, and for a table
    without a line that names its columns.
    """
    header = table.header
    place = {role: _called(path, table, name) for role, name in named.items() if role in NEEDED or not _is_none(header, name)}
    for column in set(place.values()):
        if len(roles := [role for role in place if place[role] == column]) > 1:
            raise BadValue(f"column {header[column]!r} is named for {' and '.join(roles)}.", mend="give each role a column of its own")
    for role in (role for role in ROLES if role not in named):
        found = [at for at in _candidates(header, role) if at not in place.values()]
        if role == "split":
            found = [at for at in found if _is_plain(header[at], role) or _has_sides(header[at], (row.cells[at] for row in table.rows))]
        if len(found) > 1:
            raise _two(path, role, [header[at] for at in found])
        if found:
            place[role] = found[0]
    missing = [role for role in NEEDED if role not in place]
    if missing:
        raise _no_header(path, table, missing) or _missing(path, table, missing)
    if fault := no_header(path, table, [place["path"]], repeated=False):
        raise fault
    return Roles(tuple(header), {role: place[role] for role in ROLES if role in place})


def side_in(text: str, column: str) -> str | None:
    """The side that a cell says, in words, or by yes or no in a column that is called like a side; None if it says none.

    >>> side_in("Validation", "split"), side_in("1", "is_valid"), side_in("False", "is_test"), side_in("7", "set")
    ('val', 'val', 'train', None)
    >>> side_in("PublicTest", "Usage"), side_in("train2017", "set"), side_in("not for training", "set")
    ('test', 'train', None)
    """
    plain = text.casefold()
    if plain in SIDES:
        return SIDES[plain]
    if affix(text) in _SAYS_NOTHING and (side := side_of(text)):
        return side
    meant = side_of(column) or side_of(re.sub("^is", "", column.casefold()))
    if meant is None or plain not in _TRUE | _FALSE:
        return None
    return meant if plain in _TRUE else "test" if meant == "train" else "train"


def is_usual(role: str, name: str) -> bool:
    """Whether a column of that name plays the role without being told to."""
    return bool(_candidates([name], role))


def noun_of(column: str) -> str:
    """What one of a column's values stands for.

    >>> noun_of("patient_id"), noun_of("Animal No."), noun_of("GroupID"), noun_of("id")
    ('patient', 'animal', 'group', 'group')
    """
    words = [word.casefold() for word in re.findall(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+(?![^\W\d_A-Z])", column)]
    return " ".join(word for word in words if word not in {"id", "ids", "no", "nr", "number", "name", "uid"}) or "group"


def _squeezed(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())


def _is_plain(name: str, role: str) -> bool:
    return name.strip().casefold() == role


def _called(path: Path, table: RawTable, name: str) -> int:
    header = table.header
    for same in (lambda column: column == name, lambda column: column.strip().casefold() == name.strip().casefold()):
        if found := [at for at, column in enumerate(header) if same(column)]:
            return found[0]
    if not any(_candidates(header, role) for role in NEEDED) and (fault := _no_header(path, table, NEEDED)):
        raise fault
    raise UnknownName("column", name, header, mend=f"the columns are {listed(header, 20)}")


def _is_none(header: Sequence[str], name: str) -> bool:
    return name == NONE and NONE not in header


def _candidates(header: Sequence[str], role: str) -> list[int]:
    for names in (SYNONYMS[role], WEAK.get(role, ())):
        known = {_squeezed(name) for name in names}
        if found := [at for at, column in enumerate(header) if _squeezed(column) in known]:
            return found
    return []


def _has_sides(column: str, cells: Iterable[str]) -> bool:
    return any(side_in(cell, column) for cell in cells)


def _two(table: Path, role: str, names: list[str]) -> BadTable:
    if len({name.strip().casefold() for name in names}) < len(names):
        return BadTable(f"{table} cannot be used.", why=f"line 1: column {names[0].strip()} stands there twice", mend="rename one of them")
    ways = " or ".join(f"--{role}-column {shlex.quote(name.strip())}" for name in names)
    none = f", or --{role}-column {NONE}" if role in OPTIONAL else ""
    return BadTable(
        f"{table} has {len(names)} columns that may be the {role}: {listed(names)}.",
        why="which of them is meant is not certain",
        mend=f"say which: {ways}{none}",
    )


def _no_header(path: Path, table: RawTable, roles: Sequence[str]) -> BadTable | None:
    """What the first line seems to be instead of a header, where no column plays these `roles`: a comment, a row, one cell by mistake."""
    if is_comment(table.header[0]):
        return comment(path, table.line)
    places = range(len(table.header)) if "path" in roles else ()
    known = [name for role in ROLES for name in SYNONYMS[role]]
    return other_mark(path, table.header, known) or no_header(path, table, places, repeated=len(roles) == len(NEEDED))


def _missing(path: Path, table: RawTable, roles: list[str]) -> BadTable:
    return BadTable(
        f"{path} cannot be used.",
        why=(
            f"line {table.line:,}: no column {' and no column '.join(roles)}; it has {', '.join(table.header)}",
            *(f"{role} may also be called {', '.join((*SYNONYMS[role][1:], *WEAK.get(role, ())))}" for role in roles),
        ),
        mend=f"name the column: {' '.join(f'--{role}-column NAME' for role in roles)}",
    )
