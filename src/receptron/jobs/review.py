"""`receptron review`: the labels of a run that are probably wrong, as a record, a page, and a table of corrections to edit."""

from dataclasses import dataclass
from pathlib import Path

from receptron import atomic_write
from receptron.bundle import store
from receptron.errors import BadValue, WouldReplace
from receptron.evaluation.records import SuspectLabel
from receptron.given_path import check_given, check_plain
from receptron.jobs.training.earlier_run import read_run
from receptron.jobs.training.labels.corrections import written
from receptron.report.frame import check_replaceable
from receptron.report.review.page import review_page
from receptron.report.training.commands import correcting
from receptron.training.records import Run


@dataclass(frozen=True)
class Suspect:
    """One image whose label is probably wrong."""

    rank: int  # from 1, the least believed label first
    sha256: str
    found: SuspectLabel


@dataclass(frozen=True)
class LabelReview:
    """What a run doubts of its labels.

    Attributes:
        run: Folder of the run.
        images: Folder that the paths start from.
        suspects: The images, least believed first.
        looked_at: Training images with an out-of-fold answer.
        judged_by: The rung whose answers were taken.
        then: The command that trains again with the labels of the table that was written, or of corrections.csv.
        unknown: Why nothing can be told; empty where it can.
        decided: How many are not listed because a person said their class, as a sentence; empty where none is.
    """

    run: Path
    images: Path
    suspects: tuple[Suspect, ...]
    looked_at: int
    judged_by: str
    then: str
    unknown: str = ""
    decided: str = ""


def review(run: str | Path, html: Path | None = None, table: Path | None = None, *, overwrite: bool = False) -> LabelReview:
    """The suspects of a finished run; with `html` as a page with their pictures, with `table` as corrections to edit.

    Raises: BadValue if no finished run lies there, or a page or table would replace something; WouldReplace for a table that is there
    already, edited perhaps; DataFault, BundleFault for a damaged run; StorageFault.
    """
    html, table = (None if path is None else check_given(path).expanduser() for path in (html, table))
    check_replaceable(html, overwrite=overwrite)
    _check_table(table, html, overwrite=overwrite)
    folder, record = read_run(check_given(run))
    found = _reviewed(folder, record, str(table or "corrections.csv"))
    if found.unknown and (html or table):
        mend = "leave --html and --csv out; the reason says what training would need"
        raise BadValue(f"{folder} says nothing of its labels.", why=found.unknown, mend=mend)
    if html:
        atomic_write.write_file(html, review_page(record, folder))
    if table:
        atomic_write.write_file(table, written(_row(one, found) for one in found.suspects))
    return found


def _check_table(table: Path | None, html: Path | None, *, overwrite: bool) -> None:
    if table is None:
        return
    if table == html:
        raise BadValue(f"--html and --csv are both {table}.", mend="give each a name of its own")
    if check_plain(table).is_dir():
        raise BadValue(f"{table} is a folder.", why="a table is one file", mend=f"give a file name: {table}/corrections.csv")
    if (table.exists() or table.is_symlink()) and not overwrite:
        why = "it may hold decisions of yours, which writing would replace"
        raise WouldReplace(f"{table} is there already.", why=why, mend="give another name, or replace it: --overwrite")


def _reviewed(folder: Path, run: Run, table: str) -> LabelReview:
    found, then = run.suspects, correcting(run, table)
    if found is None:
        return LabelReview(folder, run.audit.root, (), 0, "", then, "it was made before labels were looked at: train again")
    digests = {row.path: row.sha256 for row in store.read(folder / store.INNER).split if row.side == "train"}
    suspects = tuple(Suspect(rank, digests.get(one.path, ""), one) for rank, one in enumerate(found.images, start=1))
    if missing := next((one for one in suspects if not one.sha256), None):
        raise BadValue(f"{folder} is not whole.", why=f"its model does not know {missing.found.path}", mend="train again")
    return LabelReview(folder, run.audit.root, suspects, found.looked_at, found.judged_by, then, found.unknown, found.decided_words)


def _row(one: Suspect, review: LabelReview) -> tuple[str, ...]:
    """A row of corrections, undecided."""
    return one.found.path, one.sha256, one.found.label, one.found.likelier, "", str(review.run.resolve())
