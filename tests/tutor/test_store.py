"""Nothing is lost: on a kill, on a full disk, with two at once, through export and import."""

import multiprocessing
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from receptron.errors import DataFault, StorageFault
from receptron.tutor.learner.events import Answered, Assessed, Explained, Interviewed, Planned
from receptron.tutor.learner.store import Store
from receptron.tutor.session import Focus, Session

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
EACH = (
    Answered("size.floor", "output-size", 1, 7, "112", True), Explained("pooling", "words", (1, 2), 5), Assessed("pooling", 3),
    Planned("2026-03-02", "2026-03-20"), Interviewed("mixed", "Lean Hire", ("arithmetic: strong",), 100.5),
)  # fmt: skip


def test_every_kind_of_event_comes_back_as_it_was(tmp_path: Path):
    store = Store(tmp_path / "new" / "p.sqlite", lambda: NOW)
    assert store.events() == ()
    kept = store.append(*EACH)
    assert store.events() == kept and all(event.at == NOW for event in kept)


def test_an_export_is_merged_once(tmp_path: Path):
    store, other = Store(tmp_path / "a.sqlite"), Store(tmp_path / "b.sqlite")
    store.append(*EACH)
    other.append(Assessed("transfer", 5))
    assert store.export(tmp_path / "out.json") == 5
    assert other.restore(tmp_path / "out.json") == 5 and other.restore(tmp_path / "out.json") == 0
    assert set(store.events()) < set(other.events()) and len(other.events()) == 6


def append_many(path: Path, count: int) -> None:
    for seed in range(count):
        Store(path).append(Answered("size.floor", "output-size", 1, seed, "1", False))


def test_two_at_once_lose_nothing(tmp_path: Path):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=append_many, args=(tmp_path / "p.sqlite", 25)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert len(Store(tmp_path / "p.sqlite").events()) == 75


def test_a_kill_leaves_all_that_was_told_to_be_kept(tmp_path: Path):
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from receptron.tutor.learner.store import Store\nfrom receptron.tutor.learner.events import Assessed\n"
        "store = Store(Path(sys.argv[1]))\nwhile True:\n    store.append(Assessed('pooling', 3))\n    print('kept', flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "p.sqlite")], stdout=subprocess.PIPE, text=True) as child:
        for _ in range(20):
            child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        told = 20 + child.stdout.read().count("kept")
    kept = len(Store(tmp_path / "p.sqlite").events())
    assert told <= kept <= told + 1


def fill_up(path: Path) -> None:
    """Append under a limit on file sizes, which fails as a full disk does, and say how much was kept."""
    store = Store(path)
    session = Session(store, Focus(template="size.floor"), Random(1))
    session.next()
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
    count = 0
    try:
        while count < 2000:
            store.append(Explained("pooling", "x" * 4000, (), 5))
            count += 1
    except StorageFault as fault:
        session.answer("1")
        held = session.summary().unsaved, session.trouble is not None
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        session.save()
        ok = held == (1, True) and "untouched" in str(fault) and len(store.events()) == count + 1 and session.summary().unsaved == 0
        os._exit(0 if ok else 1)
    os._exit(2)


def test_a_full_disk_keeps_what_was_there_and_the_session_tries_again(tmp_path: Path):
    worker = multiprocessing.get_context("spawn").Process(target=fill_up, args=(tmp_path / "p.sqlite",))
    worker.start()
    worker.join()
    assert worker.exitcode == 0


def test_a_damaged_file_is_named(tmp_path: Path):
    (tmp_path / "p.sqlite").write_bytes(b"no database" * 500)
    with pytest.raises(DataFault, match=r"p\.sqlite is damaged"):
        Store(tmp_path / "p.sqlite").events()


def test_an_event_from_a_newer_program_is_named(tmp_path: Path):
    store = Store(tmp_path / "p.sqlite")
    store.append(Assessed("pooling", 3))
    with sqlite3.connect(store.path) as connection:
        connection.execute("UPDATE events SET kind = 'dreamt'")
    connection.close()
    with pytest.raises(DataFault, match="kind 'dreamt'"):
        store.events()


def test_a_file_that_is_no_export_is_named(tmp_path: Path):
    (tmp_path / "x.json").write_text('{"version": 1}')
    with pytest.raises(DataFault, match=r"x\.json is not a PracticeExport record"):
        Store(tmp_path / "p.sqlite").restore(tmp_path / "x.json")
    with pytest.raises(DataFault, match="cannot read"):
        Store(tmp_path / "p.sqlite").restore(tmp_path / "none.json")


def test_times_from_elsewhere_are_ordered(tmp_path: Path):
    store = Store(tmp_path / "p.sqlite", iter([NOW + timedelta(days=1), NOW]).__next__)
    store.append(Assessed("pooling", 2))
    store.append(Assessed("pooling", 1))
    assert [event.body.rating for event in store.events()] == [1, 2]
