"""Time that is used up and decisions that were taken survive a restart."""

from pathlib import Path

import pytest
import torch
from small import ground
from torch import nn

from receptron.errors import DataFault
from receptron.training.checkpointing import decision_log
from receptron.training.checkpointing.decision_log import Clock, Journal
from receptron.training.checkpointing.training_state import Keeper, Position
from receptron.training.records import Trial


def test_a_clock_counts_earlier_sittings(monkeypatch: pytest.MonkeyPatch):
    now = [100.0]
    monkeypatch.setattr(decision_log.time, "monotonic", lambda: now[0])
    watch = Clock(60.0, 20.0)
    now[0] += 15
    assert (watch.spent, watch.left) == (35.0, 25.0)
    now[0] += 30
    assert watch.left == -5.0


def test_decisions_are_on_disk_before_they_are_used_and_come_back_as_they_were(tmp_path: Path):
    file = tmp_path / "work/journal.json"
    told = [Trial("float32", "channels last", 12.5, True)]
    first = Journal(file)
    assert first.note("engine", told) == told and first.note("epochs", 7) == 7 and first.note("why", "") == ""
    second = Journal(file)
    assert second.recall("engine", list[Trial]) == told
    assert second.recall("epochs", int) == 7 and second.recall("why", str) == "" and second.recall("other", int) is None
    second.note("epochs", 9)
    assert Journal(file).recall("engine", list[Trial]) == told and Journal(file).recall("epochs", int) == 9


def test_without_a_file_decisions_last_as_long_as_the_journal():
    journal = Journal(None)
    journal.note("epochs", 7)
    assert journal.recall("epochs", int) == 7 and Journal(None).recall("epochs", int) is None


def test_a_damaged_journal_is_named(tmp_path: Path):
    (tmp_path / "journal.json").write_text('{"epochs": ')
    with pytest.raises(DataFault, match=r"journal\.json"):
        Journal(tmp_path / "journal.json")


def test_time_is_written_down_with_every_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A run that is killed in a long phase must not get that phase's time a second time."""
    around = ground(12, tmp_path).around
    desk, now = around.desk("a phase"), decision_log.time.monotonic()
    net = nn.Linear(2, 2)
    keeper = Keeper(net, torch.optim.SGD(net.parameters(), 0.1), desk.checkpoints, desk.every, desk.watch, desk.saved)
    monkeypatch.setattr(decision_log.time, "monotonic", lambda: now + 500)
    keeper.save(Position(), 1)
    spent = Journal(tmp_path / "journal.json").recall("spent", float)
    assert spent is not None and spent >= 500
