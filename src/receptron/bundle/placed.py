"""split.csv: which side each image was on when the model was made."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from receptron.errors import BundleCorrupt
from receptron.records import short

SIDES = ("train", "val", "test", "set aside")
MEND = "restore the folder from a copy, or make the model again"
_COLUMNS = ("sha256", "path", "side", "label")
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_LONGEST = 100_000  # characters of a path or label


@dataclass(frozen=True)
class Placed:
    """Which side one image was on when the model was made; the digest tells it again, whatever it is called by then."""

    sha256: str
    path: str
    side: str  # one of SIDES
    label: str


def table(split: Iterable[Placed]) -> bytes:
    """The text of split.csv; bytes of file names that are no UTF-8 stay as they are."""
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(_COLUMNS)
    rows.writerows((row.sha256, row.path, row.side, row.label) for row in split)
    return text.getvalue().encode(errors="surrogateescape")


def placed(file: Path, data: bytes, classes: Sequence[str]) -> tuple[Placed, ...]:
    """The rows of split.csv. Bytes may stand there twice, on two sides even: a given split may leak, and says so in the report.

    Raises: BundleCorrupt naming the line and the value.
    """
    lines = csv.reader(io.StringIO(data.decode(errors="surrogateescape"), newline=""), strict=True)
    found, known = list[Placed](), frozenset(classes)
    try:
        if (header := next(lines, [])) != list(_COLUMNS):
            raise ValueError(f"the columns are {short(header)}, not {', '.join(_COLUMNS)}")
        for cells in lines:
            found.append(_row(cells))
            _check(found[-1], known)
    except (csv.Error, ValueError) as error:
        raise BundleCorrupt(f"{file} cannot be used.", why=f"line {max(1, lines.line_num):,}: {error}", mend=MEND) from error
    return tuple(found)


def _row(cells: list[str]) -> Placed:
    if len(cells) != len(_COLUMNS):
        raise ValueError(f"{len(cells)} cells, not {len(_COLUMNS)}")
    return Placed(*cells)


def _check(row: Placed, classes: frozenset[str]) -> None:
    """Images of the test side, or set aside, may show what the model does not know. Raises: ValueError."""
    if not _DIGEST.fullmatch(row.sha256):
        raise ValueError(f"{short(row.sha256)} is no SHA-256 in hexadecimal")
    for name, text in (("path", row.path), ("label", row.label)):
        if not 0 < len(text) <= _LONGEST or "\0" in text:
            raise ValueError(f"the {name} {short(text)} is empty, too long or has a NUL")
    if row.side not in SIDES:
        raise ValueError(f"the side {short(row.side)} is not one of {', '.join(SIDES)}")
    if row.side == "train" and row.label not in classes:
        raise ValueError(f"{short(row.label)} is no class of the model, yet the side is train")
