"""One SQLite file of events: appended under a lock, on the disk when `append` returns, merged from anywhere by id.

Two sessions at once are safe, as each only appends. A kill loses nothing that was appended; a full disk leaves what was there.
"""

import os
import sqlite3
from collections.abc import Callable, Generator, Iterable
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import platformdirs

from receptron.atomic_write import write_file
from receptron.errors import BadValue, DataFault, ReceptronError, StorageFault
from receptron.given_path import check_plain
from receptron.records import from_json, reason, short, to_json
from receptron.tutor.learner.events import BODIES, KINDS, Body, Event

Clock = Callable[[], datetime]
VERSION = 1
PATIENCE = 30.0
"""Seconds to wait for another session's write."""
LARGEST = 64 * 2**20
"""Bytes of an export that is replaced unasked: some 300,000 events."""
_TABLE = """
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL
)
"""
_COLUMNS = ("number", "id", "at", "kind", "body")
_SELECT = "SELECT id, at, kind, body FROM events ORDER BY at, number LIMIT ?"
_INSERT = "INSERT OR IGNORE INTO events (id, at, kind, body) VALUES (?, ?, ?, ?)"


def utc() -> datetime:
    """Now."""
    return datetime.now(UTC)


def usual_place() -> Path:
    """The file in the user's data directory, or where RECEPTRON_PRACTICE says."""
    named = os.environ.get("RECEPTRON_PRACTICE")
    return Path(named) if named else platformdirs.user_data_path("receptron") / "practice.sqlite"


@dataclass(frozen=True)
class ExportedEvent:
    """An event as it is exported."""

    id: str
    at: str
    kind: str
    body: dict[str, Any]


@dataclass(frozen=True)
class PracticeExport:
    """Everything that a store holds."""

    version: int
    events: tuple[ExportedEvent, ...]


class Store:
    """Events at `path`, made when first written. Times come from `clock`."""

    def __init__(self, path: Path | None = None, clock: Clock = utc) -> None:
        self.path = path or usual_place()
        self.clock = clock

    def append(self, *bodies: Body) -> tuple[Event, ...]:
        """Keep what happened, all of it or nothing; it is on the disk on return.

        Raises: BadValue for what could not be read back, StorageFault, DataFault.
        """
        events = tuple(Event(uuid4().hex, self.clock(), _kept(body)) for body in bodies)
        self.merge(events)
        return events

    def merge(self, events: Iterable[Event]) -> int:
        """Add the events that are not there yet; how many that were. Raises: StorageFault, DataFault."""
        rows = [(e.id, e.at.isoformat(), KINDS[type(e.body)], to_json(e.body, indent=0)) for e in events]
        with self._writing() as connection:
            connection.execute("BEGIN IMMEDIATE")
            before = connection.total_changes
            connection.executemany(_INSERT, rows)
            added = connection.total_changes - before
            connection.execute("COMMIT")
        return added

    def events(self) -> tuple[Event, ...]:
        """Everything, oldest first; nothing is written. Raises: DataFault if the file is damaged, or no store; StorageFault; BadValue."""
        with _told(self.path):
            rows = self._rows()
        return tuple(self._row(*map(str, row)) for row in rows)

    def _rows(self, limit: int = -1) -> list[tuple[object, ...]]:
        """What the file holds at one moment, oldest first; all of it, or up to `limit`.

        Where no session has a log beside the file it is read as one that never changes, as SQLite would make a log for any other reader;
        if it changed meanwhile it is read again.
        """
        check_plain(self.path)
        while self.path.exists():
            before = _standing(self.path)
            has_log = before[-1]
            try:
                rows = _select(self.path, "mode=ro" if has_log else "mode=ro&immutable=1", limit)
            except (sqlite3.DatabaseError, DataFault):
                if _standing(self.path) == before:
                    raise
                continue
            if has_log or _standing(self.path) == before:
                return rows
        return []

    def _row(self, number: str, at: str, kind: str, body: str) -> Event:
        fields = from_json(body, dict[str, Any], source=f"{self.path}: event {number}")
        return _event(ExportedEvent(number, at, kind, fields), str(self.path))

    def export(self, path: Path, *, overwrite: bool = False) -> int:
        """Write all events to a JSON file; how many. Raises: StorageFault; BadValue before it replaces what is no export."""
        check_plain(path)
        if not overwrite and (path.exists() or path.is_symlink()) and not _is_export(path):
            raise BadValue(
                f"{path} is there already, and is no export of practice.",
                why="writing the export would replace it",
                mend="give another name, or replace it: --overwrite",
            )
        events = self.events()
        write_file(path, to_json(as_export(events)))
        return len(events)

    def restore(self, path: Path) -> int:
        """Merge a JSON file that `export` wrote; how many events were new. Raises: DataFault."""
        try:
            if path.exists() and not path.is_file():
                raise OSError("it is no plain file")
            text = path.read_bytes()
        except OSError as error:
            raise DataFault(f"cannot read {path}.", why=error.strerror or str(error), mend="give a file written by export") from error
        export = from_json(text, PracticeExport, source=str(path))
        if export.version != VERSION:
            raise DataFault(f"{path} has version {export.version}, this program reads {VERSION}.", mend="use a newer version")
        return self.merge([_event(line, str(path)) for line in export.events])

    @contextmanager
    def _writing(self) -> Generator[sqlite3.Connection, None, None]:
        with _told(self.path):
            self._rows(0)  # raises of what is no store, before anything is written
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute(_TABLE)
                yield connection


@contextmanager
def _told(path: Path) -> Generator[None, None, None]:
    """Tell what goes wrong with the database at `path`."""
    try:
        yield
    except (sqlite3.OperationalError, OSError) as error:
        raise StorageFault(
            f"could not use {path}; what was there before is untouched.", why=str(error), mend="make room, or name another --store"
        ) from error
    except sqlite3.DatabaseError as error:
        raise DataFault(f"{path} is damaged.", why=str(error), mend="move it away and import your last export") from error


def _select(path: Path, mode: str, limit: int) -> list[tuple[object, ...]]:
    """Rows of events, by a connection that cannot write. Raises: DataFault if something else is kept there."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", timeout=PATIENCE, uri=True)) as connection:
        connection.execute("BEGIN")
        columns = tuple(name for _, name, *_ in connection.execute("PRAGMA table_info(events)"))
        if columns == _COLUMNS:
            return connection.execute(_SELECT, (limit,)).fetchall()
        if connection.execute("SELECT name FROM sqlite_master").fetchone():
            raise DataFault(f"{path} is no practice store.", why="it is a database of something else", mend="name another --store")
    return []


def _logs(path: Path) -> bool:
    """Whether a session has a log beside the database."""
    return any(Path(f"{os.path.realpath(path)}-{ending}").exists() for ending in ("wal", "journal"))


def _standing(path: Path) -> tuple[int, int, int, bool]:
    """Changes with the database."""
    facts = path.stat()
    return facts.st_ino, facts.st_size, facts.st_mtime_ns, _logs(path)


def _is_export(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST + 1)
        from_json(text if len(text) <= LARGEST else b"", PracticeExport, exact=True)
    except (OSError, ReceptronError):
        return False
    return True


def as_export(events: Iterable[Event]) -> PracticeExport:
    """Events as they are exported."""
    lines = (ExportedEvent(e.id, e.at.isoformat(), KINDS[type(e.body)], msgspec.to_builtins(e.body)) for e in events)
    return PracticeExport(VERSION, tuple(lines))


def _kept(body: Body) -> Body:
    """`body`, if its ranges and JSON can hold it."""
    try:
        from_json(to_json(body), type(body), source="what was given")
    except (DataFault, ValueError, OverflowError) as error:
        why = error.why if isinstance(error, DataFault) else reason(error)
        raise BadValue("this cannot be kept.", why=why, mend="give a shorter answer, or a smaller number") from error
    return body


def _event(line: ExportedEvent, source: str) -> Event:
    kind = BODIES.get(line.kind)
    if kind is None:
        raise DataFault(f"{source} holds an event of kind {short(line.kind)}.", mend="use a newer version of this program")
    try:
        return Event(line.id, datetime.fromisoformat(line.at), msgspec.convert(line.body, kind))
    except (msgspec.ValidationError, ValueError, RecursionError) as error:
        raise DataFault(f"{source}: event {short(line.id)} cannot be read.", why=reason(error), mend="import your last export") from error
