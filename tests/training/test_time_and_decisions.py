"""Time that is used up and decisions that were taken survive a restart."""

from dataclasses import replace
from math import inf
from pathlib import Path

import pytest
import torch
from small import context
from torch import nn

from receptron.errors import DataFault
from receptron.training.checkpointing import time_budget
from receptron.training.checkpointing.decision_log import DecisionLog
from receptron.training.checkpointing.time_budget import TimeBudget
from receptron.training.checkpointing.training_state import Keeper, Position
from receptron.training.records import PhaseName, Trial

PHASE = PhaseName("a rung", 0)


def test_a_clock_counts_earlier_sittings(monkeypatch: pytest.MonkeyPatch):
    now = [100.0]
    monkeypatch.setattr(time_budget.time, "monotonic", lambda: now[0])
    signals = TimeBudget(60.0, 20.0)
    now[0] += 15
    assert (signals.spent, signals.left) == (35.0, 25.0)
    now[0] += 30
    assert signals.left == -5.0


def test_decisions_are_on_disk_before_they_are_used_and_come_back_as_they_were(tmp_path: Path):
    file = tmp_path / "work/decisions.json"
    told = [Trial("last stage", "float32", "channels last", 12.5, True)]
    first = DecisionLog(file)
    assert first.note("engine", told) == told and first.note("epochs", 7) == 7 and first.note("why", "") == ""
    second = DecisionLog(file)
    assert second.recall("engine", list[Trial]) == told
    assert second.recall("epochs", int) == 7 and second.recall("why", str) == "" and second.recall("other", int) is None
    second.note("epochs", 9)
    assert DecisionLog(file).recall("engine", list[Trial]) == told and DecisionLog(file).recall("epochs", int) == 9


def test_without_a_file_decisions_last_as_long_as_the_journal():
    decisions = DecisionLog(None)
    decisions.note("epochs", 7)
    assert decisions.recall("epochs", int) == 7 and DecisionLog(None).recall("epochs", int) is None


def test_a_damaged_journal_is_named(tmp_path: Path):
    (tmp_path / "decisions.json").write_text('{"epochs": ')
    with pytest.raises(DataFault, match=r"decisions\.json"):
        DecisionLog(tmp_path / "decisions.json")


def test_time_is_written_down_with_every_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A run that is killed in a long phase must not get that phase's time a second time."""
    environment = context(12, tmp_path).environment
    hooks, now = environment.hooks(PHASE), time_budget.time.monotonic()
    net = nn.Linear(2, 2)
    keeper = Keeper(net, torch.optim.SGD(net.parameters(), 0.1), hooks.checkpoints, hooks.every, hooks.signals, hooks.saved)
    monkeypatch.setattr(time_budget.time, "monotonic", lambda: now + 500)
    keeper.save(Position(), 1)
    spent = DecisionLog(tmp_path / "decisions.json").recall("spent", float)
    assert spent is not None and spent >= 500


def test_once_the_time_is_used_up_a_phase_ends_with_its_epoch_and_ends_there_again(tmp_path: Path):
    first = context(12, tmp_path).environment
    over = first.hooks(PHASE).is_over
    assert not over(1)
    first.time_budget.budget = -1.0
    assert over(2) and over(3)
    again = replace(first, decisions=DecisionLog(None, first.decisions.timed), time_budget=TimeBudget(inf)).hooks(PHASE).is_over
    assert not again(1) and again(2), "told of the decision, another run ends there whatever its clock says"
    assert not first.decisions.timed.keys() & {"spent"}, "seconds are no decision"
