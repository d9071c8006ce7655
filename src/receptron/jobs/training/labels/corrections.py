"""Corrections of labels: a table that `review` writes, a person edits, and `train --labels` takes. No image file is touched."""

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from receptron.data.dataset.spelling import composed
from receptron.data.ingest import Ingested
from receptron.data.records import Catalog, Entry
from receptron.data.tables.spreadsheet_cells import safe_cell
from receptron.data.tables.table_files import SHOWN, RawTable, TableRow, read_cells
from receptron.errors import BadTable
from receptron.given_path import check_given
from receptron.wording import counted, listed

COLUMNS = ("path", "sha256", "label", "proposed", "decision", "run")
_NEEDED = ("path", "sha256", "label", "decision")


@dataclass(frozen=True)
class Correction:
    """One row: an image by its bytes and its path, the label that it had, and the class that it is decided to be of; empty: undecided."""

    line: int
    path: str
    sha256: str
    label: str
    decision: str


@dataclass(frozen=True)
class CorrectionTable:
    """A table of corrections as it was read."""

    file: Path
    rows: tuple[Correction, ...]
    run: str  # folder of the run whose labels were reviewed; empty where the table does not say


@dataclass(frozen=True)
class Applied:
    """What became of the rows of a table."""

    changed: int
    confirmed: int
    undecided: int


def written(rows: Iterable[Sequence[str]]) -> bytes:
    """The table as CSV in UTF-8. What of a name is no UTF-8 stands as an escape: such a row is told by its bytes alone."""
    text = io.StringIO(newline="")
    out = csv.writer(text, lineterminator="\r\n")  # RFC 4180
    out.writerow(COLUMNS)
    out.writerows([safe_cell(cell) for cell in row] for row in rows)
    return text.getvalue().encode(errors="backslashreplace")


def read_corrections(path: str | Path) -> CorrectionTable:
    """The table, before any image is looked at.

    Raises: BadTable naming the lines that cannot be meant, or the column that is missing; BadValue for a pipe or a device.
    """
    file = check_given(path)
    table = read_cells(file)
    place = _columns(file, table)
    rows = [_row(row, place) for row in table.rows]
    runs = sorted({row.cells[place["run"]] for row in table.rows} - {""}) if "run" in place else []
    faults = [f"line {row.line:,}: {row.sha256!r} is no SHA-256" for row in rows if not _is_digest(row.sha256)]
    if len(runs) > 1:
        faults.append(f"the rows are of {counted(len(runs), 'run')}: {listed(runs)}")
    if faults:
        raise _fault(file, faults, "take these lines from the table that receptron review wrote; one table is of one run")
    return CorrectionTable(file, tuple(rows), runs[0] if runs else "")


def _columns(file: Path, table: RawTable) -> dict[str, int]:
    names = [name.casefold() for name in table.header]
    missing = [name for name in _NEEDED if names.count(name) != 1]
    if missing:
        why = f"line {table.line:,} names {listed(table.header)}; {listed(missing)} must be there once"
        raise BadTable(f"{file} is no table of corrections.", why=why, mend="let receptron review RUN --csv FILE write one")
    return {name: names.index(name) for name in COLUMNS if name in names}


def _row(row: TableRow, place: Mapping[str, int]) -> Correction:
    cells = {name: row.cells[place[name]] for name in _NEEDED}
    return Correction(row.line, cells["path"], cells["sha256"].lower(), cells["label"], composed(cells["decision"]))


def _is_digest(text: str) -> bool:
    return len(text) == 64 and all(letter in "0123456789abcdef" for letter in text)


def corrected(catalog: Catalog, reading: Ingested, table: CorrectionTable) -> tuple[Catalog, Ingested, Applied]:
    """The images with the labels that were decided, in memory alone.

    Raises: BadTable with the line of each decision that cannot be applied: no such image, other bytes, another label than was reviewed,
    no such class, two decisions for one image.
    """
    found = _Applying(catalog, reading, table)
    for row in table.rows:
        found.take(row)
    if found.faults:
        mend = "correct these lines, take them out, or empty their decision; receptron review of a newer run writes a newer table"
        raise _fault(table.file, found.faults, mend)
    labels = {place: label for place, (_, label) in found.decided.items()}
    entries = tuple(
        replace(entry, item=replace(entry.item, label=labels[place])) if place in labels else entry
        for place, entry in enumerate(reading.entries)
    )
    changed = sum(label != reading.entries[place].item.label for place, label in labels.items())
    applied = Applied(changed, len(labels) - changed, sum(not row.decision for row in table.rows))
    return replace(catalog, items=tuple(entry.item for entry in entries)), replace(reading, entries=entries), applied


class _Applying:
    """Finds the image of each row, and what is wrong with rows."""

    def __init__(self, catalog: Catalog, reading: Ingested, table: CorrectionTable) -> None:
        self.root, self.entries = catalog.root, reading.entries
        self.classes = {_cell(name): name for name in catalog.classes}
        self.classes |= {name.strip(): name for name in catalog.classes if name.strip() not in self.classes}
        self.by_digest: dict[str, list[int]] = {}
        self.by_path = {_cell(self._relative(entry)): place for place, entry in enumerate(self.entries)}
        for place, entry in enumerate(self.entries):
            self.by_digest.setdefault(entry.sha256, []).append(place)
        self.decided: dict[int, tuple[int, str]] = {}  # place -> line, class
        self.faults: list[str] = []

    def take(self, row: Correction) -> None:
        """Keep the decision of a row, or what is wrong with it."""
        if row.decision:
            fault = self._decide(row)
            if fault:
                self.faults.append(f"line {row.line:,}: {fault}")

    def _decide(self, row: Correction) -> str:
        place, label = self._place(row), self.classes.get(row.decision)
        if isinstance(place, str):
            return place
        if label is None:
            near = get_close_matches(row.decision, self.classes, n=1)
            return f"no class is called {row.decision!r}" + (f"; did you mean {near[0]!r}?" if near else f": {listed(self.classes)}")
        now = self.entries[place].item.label
        if now not in (label, self.classes.get(row.label)):
            return f"{row.path} is labelled {now!r}, and was {row.label!r} when it was reviewed"
        line, before = self.decided.setdefault(place, (row.line, label))
        return "" if before == label else f"{row.path} is decided to be {label!r} here and {before!r} in line {line:,}"

    def _place(self, row: Correction) -> int | str:
        """The image, by its bytes; by its path too where several have the same bytes. Or why there is none."""
        same = self.by_digest.get(row.sha256, [])
        at = self.by_path.get(row.path)
        if at in same:
            return at
        if len(same) == 1:
            return same[0]
        if same:
            return f"{len(same)} images have these bytes, and none of them is at {row.path}"
        if at is not None:
            return f"{row.path} has other bytes than when it was reviewed"
        return f"no image is at {row.path}, and none has these bytes"

    def _relative(self, entry: Entry) -> str:
        return os.path.relpath(entry.item.path, self.root)


def _cell(name: str) -> str:
    """A name as its cell is read back."""
    return safe_cell(name).encode(errors="backslashreplace").decode().strip()


def _fault(file: Path, faults: Sequence[str], mend: str) -> BadTable:
    more = (f"and {len(faults) - SHOWN:,} more",) if len(faults) > SHOWN else ()
    return BadTable(f"{file} cannot be used.", why=(*faults[:SHOWN], *more), mend=mend)
