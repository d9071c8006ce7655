"""A practice file that was damaged or edited is right or refused, whether it is the store itself or an export."""

import json
import os
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from receptron.errors import BadValue, DataFault, StorageFault
from receptron.tutor.learner import review_plan, spaced_repetition
from receptron.tutor.learner.events import Answered
from receptron.tutor.learner.store import Store
from shell import run

ANSWERED = {"template": "size.floor", "skill": "sizes", "difficulty": 1, "seed": 0, "given": "3", "right": True}
PLANNED = {"start": "2026-01-01", "interview": "2026-02-01"}
EXPLAINED = {"question": "what-is-a-cnn", "text": "x", "ticked": [0], "points": 3}
GOOD = {"answered": ANSWERED, "planned": PLANNED, "explained": EXPLAINED, "assessed": {"skill": "sizes", "rating": 3}}
AT = "2026-01-01T12:00:00+00:00"
BAD = {
    "difficulty 0": ("answered", {**ANSWERED, "difficulty": 0}, AT, "difficulty"),
    "difficulty 9": ("answered", {**ANSWERED, "difficulty": 9}, AT, "difficulty"),
    "a seed of 30 digits": ("answered", {**ANSWERED, "seed": 10**30}, AT, "seed"),
    "negative hints": ("answered", {**ANSWERED, "hints": -1}, AT, "hints"),
    "negative seconds": ("answered", {**ANSWERED, "seconds": -1}, AT, "seconds"),
    "endless seconds": ("answered", {**ANSWERED, "seconds": 1e300}, AT, "seconds"),
    "no template": ("answered", {**ANSWERED, "template": ""}, AT, "template"),
    "an endless answer": ("answered", {**ANSWERED, "given": "x" * 10**6}, AT, "given"),
    "right of text": ("answered", {**ANSWERED, "right": "yes"}, AT, "right"),
    "a body of nothing": ("answered", {}, AT, "template"),
    "no date": ("planned", {"start": "tomorrow"}, AT, "tomorrow"),
    "year 1": ("planned", {"start": "0001-01-01"}, AT, "0001-01-01"),
    "year 9999": ("planned", {"start": "2026-01-01", "interview": "9999-12-31"}, AT, "9999-12-31"),
    "rating 6": ("assessed", {"skill": "sizes", "rating": 6}, AT, "rating"),
    "negative points": ("explained", {**EXPLAINED, "points": -1}, AT, "points"),
    "ticked of text": ("explained", {**EXPLAINED, "ticked": ["a"]}, AT, "ticked"),
    "another kind": ("guessed", {}, AT, "guessed"),
    "no time": ("answered", ANSWERED, "noon", "noon"),
    "the first moment": ("answered", ANSWERED, "0001-01-01T00:00:00+14:00", "0001"),
    "the last moment": ("answered", ANSWERED, "9999-12-31T23:59:59-12:00", "9999"),
}


def stored(path: Path, kind: str, body: object, at: object = AT) -> Store:
    """A store with one row, written past the program."""
    store = Store(path)
    store.append()
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO events (id, at, kind, body) VALUES ('x', ?, ?, ?)", (at, kind, body))
    connection.close()
    return store


def read(store: Store) -> None:
    """Everything that progress and plan do with events."""
    events = store.events()
    planned = review_plan.current(events)
    spaced_repetition.retention(events, store.clock())
    spaced_repetition.choose(("size.floor", "size.chain"), events, store.clock(), planned)
    review_plan.open_templates(planned, store.clock().date())


@pytest.mark.parametrize("kind", GOOD)
def test_the_good_rows_of_this_test_are_read(kind: str, tmp_path: Path):
    store = stored(tmp_path / "a.sqlite", kind, json.dumps(GOOD[kind]))
    read(store)
    store.export(tmp_path / "a.json")
    assert Store(tmp_path / "b.sqlite").restore(tmp_path / "a.json") == 1


@pytest.mark.parametrize("name", BAD)
def test_an_edited_event_is_refused_in_the_store_and_in_an_export(name: str, tmp_path: Path):
    kind, body, at, told = BAD[name]
    with pytest.raises(DataFault, match=told) as caught:
        read(stored(tmp_path / "a.sqlite", kind, json.dumps(body), at))
    assert "a.sqlite" in caught.value.what and len(str(caught.value)) < 800
    exported = tmp_path / "a.json"
    exported.write_text(json.dumps({"version": 1, "events": [{"id": "x", "at": at, "kind": kind, "body": body}]}))
    with pytest.raises(DataFault, match=told):
        Store(tmp_path / "b.sqlite").restore(exported)


BODIES = ("", "{", "[]", "1", "[" * 10**5, '{"template":' * 10**5, "\ufeff{}", b"\xff\xfe", b"", 7, 1.5, '{"template": NaN}')


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_a_body_that_is_no_record_is_refused(body: object, tmp_path: Path):
    with pytest.raises(DataFault, match=r"a\.sqlite"):
        stored(tmp_path / "a.sqlite", "answered", body).events()


@pytest.mark.parametrize("data", [b"", b"x" * 4096, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_store_that_is_no_database_is_told(data: bytes, tmp_path: Path):
    path = tmp_path / "a.sqlite"
    path.write_bytes(data)
    if not data:
        assert Store(path).events() == ()  # an empty file is an empty store
        return
    with pytest.raises((DataFault, StorageFault), match=r"a\.sqlite"):
        Store(path).events()


FOREIGN = {
    "another table": "CREATE TABLE notes (text TEXT)",
    "a table of our name": "CREATE TABLE events (id TEXT, day TEXT)",
    "a view": "CREATE VIEW one AS SELECT 1",
    "another table, with a log": "PRAGMA journal_mode = WAL; CREATE TABLE notes (text TEXT)",
}


def everything(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_database_of_something_else_is_refused_and_not_touched(name: str, tmp_path: Path):
    path = tmp_path / "notes.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(FOREIGN[name])
    before = everything(tmp_path)
    for act in (read, Store.append, lambda store: store.append(Answered(**ANSWERED))):
        with pytest.raises(DataFault, match="no practice store"):
            act(Store(path))
    for command in (("progress",), ("plan",), ("assess", "--rate", "output-size=3"), ("export", tmp_path / "a.json")):
        done = run("practice", "--store", path, *command)
        assert done.code == 1 and "no practice store" in " ".join(done.err.split())
    assert everything(tmp_path) == before


def test_reading_writes_nothing(tmp_path: Path):
    folder = tmp_path / "stores"
    folder.mkdir()
    (folder / "empty.sqlite").touch()
    Store(folder / "full.sqlite").append(Answered(**ANSWERED))
    before = everything(folder)
    for name, count in (("empty", 0), ("full", 1), ("missing", 0)):
        assert len(Store(folder / f"{name}.sqlite").events()) == count
        assert run("practice", "--store", folder / f"{name}.sqlite", "progress").code == 0
        assert run("practice", "--store", folder / f"{name}.sqlite", "export", tmp_path / f"{name}.json").code == 0
    assert Store(tmp_path / "no folder" / "a.sqlite").events() == ()
    assert everything(folder) == before and not (tmp_path / "no folder").exists()
    Store(folder / "empty.sqlite").append(Answered(**ANSWERED))
    assert len(Store(folder / "empty.sqlite").events()) == 1


def test_a_reader_sees_what_an_open_session_has_in_its_log(tmp_path: Path):
    store = Store(tmp_path / "a.sqlite")
    store.append(Answered(**ANSWERED))
    with closing(sqlite3.connect(store.path, isolation_level=None)) as session:
        session.execute("UPDATE events SET at = '2001-01-01T00:00:00+00:00'")
        assert (tmp_path / "a.sqlite-wal").stat().st_size > 0
        assert [event.at.year for event in store.events()] == [2001]


MINE = (
    {"version": 1, "events": [], "notes": "mine"},
    {"version": 1, "events": [{"id": "x", "at": AT, "kind": "answered", "body": ANSWERED, "mood": "good"}]},
    {"events": []},
    {"version": 1, "events": [{"id": "x"}]},
)


@pytest.mark.parametrize("record", MINE, ids=range(len(MINE)))
def test_json_of_the_user_is_not_replaced_unasked(record: object, tmp_path: Path):
    path, store = tmp_path / "mine.json", Store(tmp_path / "a.sqlite")
    path.write_text(json.dumps(record))
    with pytest.raises(BadValue, match="no export of practice"):
        store.export(path)
    assert json.loads(path.read_text()) == record
    store.append(Answered(**ANSWERED))
    store.export(path, overwrite=True)
    assert store.export(path) == 1  # an export of ours is replaced


def test_a_pipe_or_a_device_is_neither_read_nor_replaced(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    (tmp_path / "linked pipe").symlink_to("pipe")
    for path in (tmp_path / "pipe", tmp_path / "linked pipe", tmp_path / "link", Path("/dev/full"), Path("/dev/null"), Path("/dev/zero")):
        for more in ((), ("--overwrite",)):
            done = run("practice", "--store", tmp_path / "a.sqlite", "export", path, *more)
            assert done.code == 2 and "is no plain file" in " ".join(done.err.split())
        assert run("practice", "--store", path, "progress").code == 2


EXPORTS = (
    "",
    "[]",
    "{}",
    '{"version": 2, "events": []}',
    '{"version": 1, "events": {}}',
    '{"events":' * 10**5,
    '{"x":' + "[" * 10**5,
    "\0",
)


@pytest.mark.parametrize("text", EXPORTS, ids=range(len(EXPORTS)))
def test_an_export_that_is_none_ends_in_a_reason(text: str, tmp_path: Path):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DataFault, match=r"a\.json"):
        Store(tmp_path / "a.sqlite").restore(tmp_path / "a.json")


def test_a_pipe_or_a_folder_is_no_export(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.json")
    for path in (tmp_path / "pipe.json", tmp_path):
        with pytest.raises(DataFault, match="cannot read"):
            Store(tmp_path / "a.sqlite").restore(path)


def test_what_could_not_be_read_back_is_not_kept(tmp_path: Path):
    store = Store(tmp_path / "a.sqlite")
    for changes, told in (({"seed": 10**30}, "seed"), ({"given": "x" * 10**6}, "given"), ({"given": "\udcff"}, "surrogate")):
        with pytest.raises(BadValue, match=told):
            store.append(Answered(**{**ANSWERED, **changes}))
    with pytest.raises(BadValue, match="2999"):
        review_plan.plan(date(2026, 1, 1), date(9999, 12, 31))
    assert store.events() == ()


def test_the_commands_tell_a_damaged_event_without_a_traceback(tmp_path: Path):
    stored(tmp_path / "a.sqlite", "planned", json.dumps({"start": "9999-12-31"}))
    for command in ("progress", "plan"):
        done = run("practice", "--store", tmp_path / "a.sqlite", command)
        assert done.code == 1 and "9999-12-31" in done.err and "Traceback" not in done.err
