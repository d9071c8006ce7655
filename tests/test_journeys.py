"""ARCHITECTURE.md's journeys, walked: every function named there runs, and first runs in the order told."""

import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest
from typer.testing import CliRunner

import receptron
from jobs.photos import SIDECAR, folder
from receptron.cli.app import commands
from receptron.weights import store
from receptron.zoo import build

HOUSE = Path(__file__).parent.parent
SOURCE = Path(receptron.__file__).parent  # where it is installed
TEXT = (HOUSE / "ARCHITECTURE.md").read_text().partition("## Three journeys")[2].partition("\n## ")[0]
_STEP = re.compile(r"`([\w/]+\.py):([\w.]+)`")
Step = tuple[str, str]


def trails() -> dict[str, list[Step]]:
    """Title -> (file, function) in the order of the page."""
    parts = re.split(r"^\*\*(.+?)\*\*", TEXT, flags=re.MULTILINE)[1:]
    return {title: [(m[1], m[2]) for m in _STEP.finditer(body)] for title, body in zip(parts[::2], parts[1::2], strict=True)}


@contextmanager
def followed(trail: list[Step]) -> Iterator[list[Step]]:
    """Yields what of `trail` is still to come; a step is done when its function is called after those before it, in whatever thread."""
    root, left = f"{SOURCE}/", list(trail)

    def look(frame: FrameType, event: str, _: object) -> None:
        name = frame.f_code.co_filename
        if event == "call" and left and name.startswith(root) and left[0] == (name[len(root) :], frame.f_code.co_qualname):
            del left[0]

    threading.setprofile(look)
    sys.setprofile(look)
    try:
        yield left
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def departure(trail: list[Step], args: list[str], typed: str = "") -> list[Step]:
    """What of a trail did not happen while a command ran: empty if all of it did, in its order."""
    with followed(trail) as left:
        done = CliRunner().invoke(commands(), args, input=typed)
    assert done.exit_code == 0, done.output
    return left


def test_one_photo_to_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("receptron.training.ladder.ladder.VISITS", 100)
    photos, weights = folder(tmp_path / "photos", 12), tmp_path / "tiny.safetensors"
    store.write(weights, build("lenet5", classes=10).state_dict())
    weights.with_suffix(".toml").write_text(SIDECAR)
    flags = ["--precision", "float32", "--cache", str(tmp_path / "cache"), "--out", str(tmp_path / "out")]
    assert departure(trails()["One photo to the report"], ["train", str(photos), "--weights", str(weights), *flags]) == []


def test_one_conv2d_to_its_line():
    trail = trails()["One Conv2d to its line"]
    assert departure(trail, ["inspect", "resnet18"]) == []
    assert departure([*trail[::-1]], ["inspect", "resnet18"]), "an order that is not so is seen"
    assert departure([("cli/inspection.py", "inspected")], ["inspect", "resnet18"]), "a function that is not there is seen"


def test_one_practice_problem_to_its_verdict(tmp_path: Path):
    typed = ["practice", "--store", str(tmp_path / "store.sqlite"), "--count", "1"]
    assert departure(trails()["One practice problem to its verdict"], typed, "1\ns\n") == []


def test_there_are_three():
    assert len(trails()) == 3
    assert all(len(trail) >= 5 for trail in trails().values())
