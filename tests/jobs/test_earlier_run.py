"""Decisions of an earlier run that no training took are refused with their field, before anything is computed."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from receptron.errors import DataFault
from receptron.jobs.training.earlier_run import read_earlier_run
from receptron.records import from_json, to_json
from receptron.training.records import Run


@pytest.mark.parametrize(
    ("decisions", "said"),
    [
        ({"threads": 100_000}, "threads"), ({"threads": -1}, "threads"), ({"threads": "abc"}, "threads"), ({"threads": True}, "threads"),
        ({"threads": 2.5}, "threads"), ({"epochs": 2**62}, "epochs"), ({"epochs": -1}, "epochs"), ({"spent": 1e300}, "spent"),
    ],
    ids=str,
)  # fmt: skip
def test_decisions_out_of_range_are_refused(workshop: Path, tmp_path: Path, decisions: dict[str, Any], said: str) -> None:
    folder = tmp_path / "run"
    shutil.copytree(workshop / "digits-model", folder)
    run = from_json((folder / "run.json").read_bytes(), Run)
    assert read_earlier_run(folder).threads == run.decisions["threads"]
    (folder / "run.json").write_text(to_json(replace(run, decisions=run.decisions | decisions)))
    with pytest.raises(DataFault, match="decisions") as fault:
        read_earlier_run(folder)
    assert said in fault.value.why


def test_a_record_without_threads_is_refused(workshop: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(workshop / "digits-model", folder)
    run = from_json((folder / "run.json").read_bytes(), Run)
    (folder / "run.json").write_text(to_json(replace(run, decisions={})))
    with pytest.raises(DataFault, match="decisions"):
        read_earlier_run(folder)
