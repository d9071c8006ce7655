"""The time a run may take, and the decisions it took: both survive a restart."""

from pathlib import Path
from typing import TypeVar

from receptron import checksummed_record
from receptron.records import from_json, to_json

T = TypeVar("T")


class DecisionLog:
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
