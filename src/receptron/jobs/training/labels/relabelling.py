"""Tables of corrections in a run: which images they relabel, on whose sides, and what that brings against the run that was reviewed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from receptron.data.ingest import Ingested
from receptron.data.records import Catalog
from receptron.errors import BadValue, ReceptronError
from receptron.jobs.compare_runs import paired
from receptron.jobs.training.backbones.at_hand import AUTO
from receptron.jobs.training.earlier_run import EarlierRun, read_earlier_run
from receptron.jobs.training.labels.corrections import Applied, CorrectionTable, corrected, read_corrections
from receptron.progress import Progress
from receptron.training.checkpointing.decision_log import ENGINE, VIEWS
from receptron.training.records import LabelCorrections, Run

_SAME = ("net", "weights", "device", "precision", "augment")  # settings that formats and views depend on


@dataclass(frozen=True)
class Relabelling:
    """Tables that were read, and the run that the last of them names; None with the reason where that cannot be had."""

    tables: tuple[CorrectionTable, ...]
    reviewed: EarlierRun | None
    unknown: str

    @property
    def sides(self) -> dict[str, str]:
        """On which side each image of the reviewed run was: a label that changes must not move images between sides."""
        return self.reviewed.sides if self.reviewed else {}

    @property
    def decided(self) -> frozenset[str]:
        """sha256 of each image of which a person said the class: it is not doubted again."""
        return frozenset(row.sha256 for table in self.tables for row in table.rows if row.decision)

    def formats(self, settings: Mapping[str, object]) -> dict[str, object]:
        """Which number formats and how many views the reviewed run took, where this one trains the same network on the same device: what
        was timed there is not timed again, and its features lie in the cache. Empty otherwise.
        """
        if self.reviewed is None:
            return {}
        before = self.reviewed.run.settings
        if before.get("net") == AUTO or any(str(settings[name]) != before.get(name) for name in _SAME):
            return {}
        return {name: value for name, value in self.reviewed.run.decisions.items() if name == VIEWS or name.startswith(ENGINE)}

    def applied(self, catalog: Catalog, reading: Ingested, progress: Progress) -> tuple[Catalog, Ingested, LabelCorrections]:
        """The images with corrected labels. Raises: BadTable with the lines that cannot be applied."""
        counts = list[Applied]()
        for table in self.tables:
            catalog, reading, count = corrected(catalog, reading, table)
            counts.append(count)
        record = LabelCorrections(
            tuple(str(table.file) for table in self.tables), sum(one.changed for one in counts), sum(one.confirmed for one in counts),
            sum(one.undecided for one in counts), self.tables[-1].run, unknown=self.unknown,
        )  # fmt: skip
        progress.tell(f"Corrections: {record.words}.")
        return catalog, reading, record

    def judged(self, run: Run) -> Run:
        """The run with its gain over the reviewed one."""
        if run.corrections is None or self.reviewed is None:
            return run
        try:
            found = paired((self.reviewed.run.report.parent, self.reviewed.run), (run.report.parent, run))
        except BadValue as error:
            return replace(run, corrections=replace(run.corrections, unknown=f"{error.what} {error.why}"))
        gained = replace(run.corrections, gain=found.gain, images=found.images, mended=found.mended, broken=found.broken)
        return replace(run, corrections=gained)


def read_relabelling(tables: Sequence[str | Path]) -> Relabelling | None:
    """The tables, before any image is read. Raises: BadTable, BadValue."""
    if not tables:
        return None
    read = tuple(read_corrections(table) for table in tables)
    run = read[-1].run
    if not run:
        return Relabelling(read, None, f"{read[-1].file} does not name the run that was reviewed")
    try:
        return Relabelling(read, read_earlier_run(Path(run)), "")
    except ReceptronError as error:
        return Relabelling(read, None, f"the run that was reviewed cannot be read: {error.what}")
