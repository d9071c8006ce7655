"""The time a run may take, and the decisions it took: both survive a restart."""

import time
from pathlib import Path
from typing import TypeVar

from receptron import checksummed_record
from receptron.records import from_json, to_json

T = TypeVar("T")


class Clock:
    """Seconds since the run began, those of earlier sittings included, against a budget."""

    def __init__(self, budget: float, spent: float = 0.0) -> None:
        self.budget, self._spent, self._began = budget, spent, time.monotonic()

    @property
    def spent(self) -> float:
        """Seconds used up so far."""
        return self._spent + time.monotonic() - self._began

    @property
    def left(self) -> float:
        """Seconds left; negative when the budget is overdrawn."""
        return self.budget - self.spent


class Journal:
    """Decisions that depended on this machine's speed. A resumed run reads them instead of deciding anew, and so ends the same.

    Raises: DataFault if the file and its copy are both damaged.
    """

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self.entries: dict[str, object] = (checksummed_record.read(file, dict) if file else None) or {}

    def recall(self, name: str, kind: type[T]) -> T | None:
        """The decision `name` of an earlier sitting, or None."""
        return from_json(to_json(self.entries[name]), kind, source=f"decision {name}") if name in self.entries else None

    def note(self, name: str, decision: T) -> T:
        """Write a decision down, on disk before it is acted upon, and return it."""
        self.entries[name] = decision
        if self.file:
            checksummed_record.write(self.file, self.entries)
        return decision
