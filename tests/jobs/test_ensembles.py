"""Ensembles from the command line to the answer: made, judged beside one network, saved, gone on with, compared, refused."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from photos import CLASSES, folder
from safetensors.torch import load_file

from receptron.bundle.ensembles.ensemble import Ensemble
from receptron.bundle.model import load
from receptron.errors import BadValue
from receptron.jobs.compare_runs import compare_runs
from receptron.jobs.evaluate import evaluate
from receptron.jobs.options import Extras
from receptron.jobs.training.train import train
from receptron.training.ensembling import Ensembling
from receptron.training.records import Run

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("photos") / "photos", 12)


def trained(photos: Path, out: Path, asked: str, **more: object) -> Run:
    extras = Extras(precision="float32", cache=out.parent / "cache", ensembling=Ensembling.of(asked))
    return train(photos, out, extras=extras, **more)


def check(run: Run, members: int) -> None:
    """The card tells of so many networks, and what is judged is what the saved ones say together."""
    card = run.card
    assert card.ensemble and card.ensemble.members == members and run.settings["ensemble"] == card.ensemble.kind
    assert card.macs <= members * card.ensemble.macs_of_one and card.macs > card.ensemble.macs_of_one
    assert "one network of the ensemble" in [row.baseline for row in card.comparisons]
    model = load(run.model)
    assert isinstance(model.net, Ensemble)
    photo = np.random.default_rng(0).integers(0, 255, (90, 90, 3), dtype=np.uint8)
    x = torch.randn(3, card.channels, card.input.pixels, card.input.pixels)
    with torch.no_grad():
        each = [torch.softmax(net(x).double() / card.ensemble.inner, 1) for net in model.net.members]
        together = torch.softmax(model.net(x).double() / card.ensemble.inner, 1)
    assert torch.allclose(together, sum(each) / members, atol=1e-4) and not torch.allclose(each[0], each[1], atol=1e-4)
    answer = model.predict([photo])[0]
    assert answer.predicted in CLASSES and (card.novelty is None or answer.novelty is not None)


def test_the_networks_of_the_folds_answer_together(photos: Path, tmp_path: Path, weights: Path):
    run = trained(photos, tmp_path / "folds", "folds", weights=weights, time="60s")
    check(run, 1 + 5)
    found = evaluate(run.model, photos)
    assert found.fresh and found.fresh.accuracy.value == pytest.approx(run.card.evaluation.accuracy.value)
    one = train(photos, tmp_path / "one", weights=weights, time="60s", extras=Extras(precision="float32", cache=tmp_path / "cache"))
    assert one.card.ensemble is None and "ensemble" not in one.settings
    compared = compare_runs(tmp_path / "one", tmp_path / "folds")
    assert compared.images == run.card.evaluation.count and "ensemble" in compared.settings


def test_networks_of_other_seeds_answer_together(photos: Path, tmp_path: Path):
    run = trained(photos, tmp_path / "seeds", "seeds:3", net="lenet5", weights="none")
    check(run, 3)
    again = trained(photos, tmp_path / "again", "seeds:3", net="lenet5", weights="none")
    states = [load_file(one.model / "model.safetensors") for one in (run, again)]
    assert states[0].keys() == states[1].keys() and all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_from_scratch_the_networks_of_the_folds_answer_together(photos: Path, tmp_path: Path):
    check(trained(photos, tmp_path / "folds", "folds", net="lenet5", weights="none"), 5)


@pytest.mark.parametrize("text", ["seeds", "seeds:1", "seeds:0", "seeds:33", "seeds:x", "fold", "", "soup"])
def test_what_is_no_ensemble_is_refused(text: str):
    with pytest.raises(BadValue, match="--ensemble") as caught:
        Ensembling.of(text)
    assert "folds" in caught.value.mend


@pytest.mark.parametrize(
    ("asked", "more", "why"),
    [
        ("folds", {"test_size": 0}, "needs a test side"),
        ("seeds:2", {"test_size": 0, "net": "lenet5", "weights": "none"}, "needs a test side"),
        ("seeds:2", {"weights": "backbone"}, "is for training from scratch"),
    ],
)
def test_what_could_not_be_judged_or_made_is_refused(
    asked: str, more: dict[str, object], why: str, photos: Path, tmp_path: Path, weights: Path
):
    more = {**more, "weights": weights} if more.get("weights", "backbone") == "backbone" else more
    with pytest.raises(BadValue, match=why):
        trained(photos, tmp_path / "out", asked, **more)


def test_a_killed_ensemble_goes_on_to_the_same_tensors(photos: Path, tmp_path: Path):
    """Broken off while the second seed learns, in another process that is then killed outright."""
    place = ["--net", "lenet5", "--weights", "none", "--precision", "float32", "--ensemble", "seeds:3", "--epochs", "12"]
    words = [sys.executable, "-m", "receptron", "train", str(photos), *place, "--every", "0.01"]
    subprocess.run([*words, "--out", str(tmp_path / "whole")], check=True, capture_output=True)
    running = subprocess.Popen([*words, "--out", str(tmp_path / "cut")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    mark = tmp_path / "cut" / ".receptron-run" / "checkpoints" / "from-scratch--seed-2--without-fold-1"
    for _ in range(6000):
        if mark.exists() or running.poll() is not None:
            break
        time.sleep(0.01)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    assert mark.exists() and not (tmp_path / "cut" / "run.json").exists(), "it was killed too late to show anything"
    subprocess.run([*words, "--out", str(tmp_path / "cut"), "--resume"], check=True, capture_output=True)
    states = [load_file(tmp_path / name / "model" / "model.safetensors") for name in ("whole", "cut")]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0]) and states[0].keys() == states[1].keys()
