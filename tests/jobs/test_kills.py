"""`receptron train` killed at random moments and resumed ends with the very weights of a run that nobody disturbed."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from photos import backbone, folder

from receptron import atomic_write
from receptron.bundle import store
from receptron.jobs.training.run_directory import RunDirectory

SETTLED = ("--precision", "float32", "--time", "1h", "--every", "0.03")  # a checkpoint every few steps; nothing left to a trial
QUIET = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "100"}
SHORT = "from receptron.training.ladder import from_scratch, ladder; from_scratch.EPOCHS, ladder.VISITS = (6, 20), 1000"
COMMAND = f"import sys; sys.argv[0] = 'receptron'; {SHORT}; from receptron.cli import main; main()"
STATEFUL = {
    "pretrained": (),
    "pretrained folds": ("--ensemble", "folds"),
    "folds": ("--net", "lenet5", "--augment", "strong", "--ensemble", "folds", "--rate", "0.1", "--decay", "0.0005"),
    "scratch": ("--net", "lenet5", "--augment", "strong"),
    "recipe": ("--net", "lenet5", "--augment", "strong", "--rate", "find", "--schedule", "one-cycle", "--ema", "0.9", "--patience", "3",
               "--balance", "sampler", "--head", "hidden:16", "--dropout", "0.3"),
}  # fmt: skip
LIMIT = 180  # seconds that one sitting may take


@dataclass(frozen=True)
class Case:
    """One kind of run and how long it takes when nobody disturbs it."""

    flags: tuple[str, ...]
    folder: Path
    digest: str
    seconds: float

    def started(self, out: Path, *more: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", COMMAND, "train", self.folder / "photos", "--out", out, *self.flags, *SETTLED, *more]
        cache = ["--cache", out.parent / f"{out.name}-cache"]
        return subprocess.Popen([*map(str, command), *map(str, cache)], env=QUIET, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def _own(file: Path) -> tuple[str, ...]:
    """A network of the user's own with dropout, and statistics that learning changes."""
    layers = "nn.Conv2d(3, 8, 3, 2), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Dropout(0.3)"
    file.write_text(f"from torch import nn\n\ndef net(classes):\n    return nn.Sequential({layers}, nn.Linear(32, classes))\n")
    return "--net", f"{file}:net", "--weights-pixels", "32"


def digest_of(out: Path) -> str:
    """Of the weights, in a model directory that verifies."""
    store.verify(out / "model")
    return atomic_write.sha256(out / "model/model.safetensors")


_CAMPAIGN = [pytest.param(kind, marks=pytest.mark.campaign) for kind in ("pretrained", "pretrained folds", "own")]


@pytest.fixture(scope="module", params=[*_CAMPAIGN, "scratch", "recipe", "folds"])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Photos, weights and an undisturbed run; from scratch with everything of augmentation, Mixup and CutMix among it."""
    place = tmp_path_factory.mktemp(request.param.replace(" ", "-"))
    adapted = request.param.startswith("pretrained")
    folder(place / "photos", 30 if adapted else 12)
    weights = str(backbone(place / "tiny.safetensors")) if adapted else "none"
    start = _own(place / "net.py") if request.param == "own" else STATEFUL[request.param]
    case = Case(("--weights", weights, *start), place, "", 0.0)
    began = time.monotonic()
    child = case.started(place / "undisturbed")
    _, told = child.communicate(timeout=LIMIT)
    assert child.returncode == 0, told.decode()
    record = json.loads((place / "undisturbed/run.json").read_text())
    trained = {(point["phase"]["rung"], point["phase"]["fold"]) for point in record["curves"]}
    assert len(trained) >= (5 if "folds" in request.param else 2 if adapted else 1), trained
    return Case(case.flags, place, digest_of(place / "undisturbed"), time.monotonic() - began)


def in_a_save(out: Path) -> bool:
    """Whether a checkpoint is half written at this moment; folders that vanish meanwhile are passed over."""
    return any(
        name.startswith((".receptron-new-", ".receptron-staging-"))
        for _, folders, files in os.walk(out / ".receptron-run")
        for name in (*folders, *files)
    )


def kill_one(case: Case, out: Path, moment: float, aim: bool) -> bool:
    """Start or resume, and kill after `moment` seconds, or, aiming, at the first moment after it that lies inside a save.

    Returns whether it was killed before it was done.
    """
    child = case.started(out, *(["--resume"] if RunDirectory(out).begun else []))
    until = time.monotonic() + moment
    while child.poll() is None and (time.monotonic() < until or (aim and not in_a_save(out))):
        time.sleep(0.0002 if aim and time.monotonic() > until - 0.1 else 0.01)
    child.send_signal(signal.SIGKILL)
    child.communicate(timeout=LIMIT)
    return child.returncode == -signal.SIGKILL


def disturbed(case: Case, name: str, kills: int, seed: int) -> tuple[str, int, int]:
    """Killed until `kills` blows have fallen on unfinished runs, then left alone: digest of the weights, blows, blows inside a save."""
    out, draw, fell, inside, rounds = case.folder / name, random.Random(seed), 0, 0, 0
    longest = case.seconds  # shorter after every run that got through, as the machine may be quicker now
    while fell < kills:
        if (out / "run.json").exists() and not RunDirectory(out).begun:
            out, rounds, longest = case.folder / f"{name}-{rounds}", rounds + 1, 0.7 * longest
        if kill_one(case, out, draw.uniform(0.15, 1.0) * longest, aim=fell % 2 == 1):
            fell, inside = fell + 1, inside + in_a_save(out)
    if not (out / "run.json").exists() or RunDirectory(out).begun:  # else the last blow fell on a run that was just done
        child = case.started(out, *(["--resume"] if RunDirectory(out).begun else []))
        _, told = child.communicate(timeout=LIMIT)
        assert child.returncode == 0, told.decode()
        assert not (out / ".receptron-run").exists()
    return digest_of(out), fell, inside


def test_a_killed_run_ends_with_the_same_weights(case: Case):
    """Two blows, the second one inside a save; from pretrained weights as a campaign."""
    digest, fell, _ = disturbed(case, "few", 2, seed=0)
    assert fell and digest == case.digest


@pytest.mark.campaign
@pytest.mark.timeout(1800)
def test_many_kills_end_with_the_same_weights(case: Case):
    """Ten blows on each kind, two to each run, about half inside a save."""
    told = [disturbed(case, f"run {i}", 2, seed=100 + i) for i in range(5)]
    assert sum(fell for _, fell, _ in told) == 10
    assert sum(inside for *_, inside in told) >= 3
    assert {digest for digest, *_ in told} == {case.digest}


def test_another_seed_ends_with_other_weights(case: Case):
    """The mutated twin: the comparison can tell two runs apart."""
    if case.flags[2:] != STATEFUL["scratch"]:
        pytest.skip("once is enough")
    child = case.started(case.folder / "other", "--seed", "1")
    _, told = child.communicate(timeout=LIMIT)
    assert child.returncode == 0, told.decode()
    assert digest_of(case.folder / "other") != case.digest
