"""The decisions that a run took by the clock: they survive a restart, and another run may be given them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from receptron import checksummed_record
from receptron.records import from_json, to_json

SPENT, THREADS, READING, RANKING = "spent", "threads", "reading and audit", "ranking of weights"
VIEWS, ENGINE = "views", "engine of "  # of each image at the frozen boundary; followed by a stage
CLOCKS = (SPENT, READING)  # seconds that sittings took: kept here, and no decision
T = TypeVar("T")


class DecisionLog:
    """Decisions that depended on this machine's speed. A resumed run reads them instead of deciding anew, and so ends the same;
    so does a run that is `given` those of another.

    Raises: DataFault if the file and its copy are both damaged.
    """

    def __init__(self, file: Path | None, given: Mapping[str, object] = {}) -> None:
        self.file, self.given = file, given
        self.entries: dict[str, object] = {**given, **((checksummed_record.read(file, dict) if file else None) or {})}

    @property
    def timed(self) -> dict[str, object]:
        """The decisions as plain JSON values, as another run may be given them."""
        return from_json(to_json({name: value for name, value in self.entries.items() if name not in CLOCKS}), dict[str, Any])

    def recall(self, name: str, kind: type[T]) -> T | None:
        """The decision `name` of an earlier sitting, or None."""
        return from_json(to_json(self.entries[name]), kind, source=f"decision {name}") if name in self.entries else None

    def is_given(self, name: str) -> bool:
        """Whether the decision is another run's."""
        return name in self.given

    def note(self, name: str, decision: T) -> T:
        """Write a decision down, on disk before it is acted upon, and return it."""
        self.entries[name] = decision
        if self.file:
            checksummed_record.write(self.file, self.entries)
        return decision
