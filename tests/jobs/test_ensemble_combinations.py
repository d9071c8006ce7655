"""`--ensemble` with everything else that a training can be asked for: it works, or is refused with the reason before an image is read."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch
from photos import CLASSES, folder

from receptron import atomic_write
from receptron.blocks.before_classes import head_of
from receptron.bundle.ensembles.ensemble import Ensemble
from receptron.bundle.model import Model, load
from receptron.errors import BadValue, BundleFault
from receptron.jobs.evaluate import evaluate
from receptron.jobs.options import Extras
from receptron.jobs.training.planning.plan import plan
from receptron.jobs.training.train import train
from receptron.report.training.page import render
from receptron.training.ensembling import Ensembling
from receptron.training.loop.recipe import Recipe
from receptron.training.records import Run
from receptron.weights.sidecar import Sidecar

pytestmark = pytest.mark.usefixtures("quick")

SCRATCH, ADAPTED = {"net": "lenet5", "weights": "none"}, {"weights": "tiny", "time": "60s"}
OWN = """
from torch import nn

def net(classes, in_channels=3):
    first = nn.Conv2d(in_channels, 6, 5, 2), nn.BatchNorm2d(6), nn.ReLU(), nn.AdaptiveAvgPool2d(3)
    return nn.Sequential(*first, nn.Flatten(), nn.Linear(54, classes))
"""


@dataclass(frozen=True)
class Asked:
    """One combination: what is asked for beside an ensemble, and how many networks then answer."""

    kind: str
    members: int
    start: dict[str, object]
    recipe: Recipe = field(default_factory=Recipe)
    more: str = ""  # what else: generated images, a network of one's own, bands, corrected labels, weights ranked


# Adapted from weights, one network of all images answers beside those of five folds; from scratch there are the five alone.
WORKS = {
    "folds, balance": Asked("folds", 6, ADAPTED, Recipe(balance="weights")),
    "folds, sampler from scratch": Asked("folds", 5, SCRATCH, Recipe(balance="sampler")),
    "seeds, focal": Asked("seeds:2", 2, SCRATCH, Recipe(balance="focal")),
    "folds, hidden head": Asked("folds", 6, ADAPTED, Recipe(head="hidden:6", epochs=2)),
    "folds, hidden head from scratch": Asked("folds", 5, SCRATCH, Recipe(head="hidden:6")),
    "seeds, hidden head": Asked("seeds:3", 3, SCRATCH, Recipe(head="hidden:6", dropout=0.1)),
    "folds, hidden head, everything": Asked("folds", 6, ADAPTED, Recipe(head="hidden:6", epochs=2, unfreeze="all")),
    "folds, everything": Asked("folds", 6, ADAPTED, Recipe(unfreeze="all", epochs=2)),
    "folds, gradually": Asked("folds", 6, ADAPTED, Recipe(unfreeze="gradual", epochs=2)),
    "folds, scales": Asked("folds", 6, ADAPTED, Recipe(unfreeze="all", scales=(1.0, 1.25), epochs=2)),
    "seeds, scales": Asked("seeds:2", 2, SCRATCH, Recipe(scales=(1.0, 1.25))),
    "folds, pixels": Asked("folds", 5, SCRATCH, Recipe(pixels=32)),
    "seeds, pixels": Asked("seeds:2", 2, SCRATCH, Recipe(pixels=32, finish_pixels=40)),
    "folds, synthetic": Asked("folds", 6, ADAPTED, more="synthetic"),
    "folds, synthetic from scratch": Asked("folds", 5, SCRATCH, more="synthetic"),
    "seeds, synthetic": Asked("seeds:2", 2, SCRATCH, more="synthetic"),
    "folds, own network": Asked("folds", 5, {"net": "own"}, more="own"),
    "seeds, own network": Asked("seeds:2", 2, {"net": "own"}, more="own"),
    "folds, bands": Asked("folds", 5, {"net": "own"}, more="bands own"),
    "seeds, bands": Asked("seeds:2", 2, {"net": "own"}, more="bands own"),
    "folds, weights ranked": Asked("folds", 6, {"net": "auto", "weights": "tiny", "time": "60s"}),
    "folds, labels": Asked("folds", 6, ADAPTED, more="labels"),
    "seeds, labels": Asked("seeds:2", 2, SCRATCH, more="labels"),
}
REFUSED = {
    "folds, no test side": (Asked("folds", 0, {**ADAPTED, "test_size": 0}), "needs a test side"),
    "seeds, no test side": (Asked("seeds:2", 0, {**SCRATCH, "test_size": 0}), "needs a test side"),
    "seeds, weights": (Asked("seeds:2", 0, ADAPTED), "is for training from scratch"),
    "seeds, weights ranked": (Asked("seeds:2", 0, {"net": "auto", "weights": "tiny"}), "is for training from scratch"),
    "folds, own network, hidden head": (Asked("folds", 0, {"net": "own"}, Recipe(head="hidden:4"), more="own"), "its layers are your own"),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos, photos of the same classes that nobody has seen, arrays of five bands, and a network of one's own."""
    root = tmp_path_factory.mktemp("combined")
    folder(root / "photos", 12)
    folder(root / "made", 5, start=700)
    for number, label in enumerate(("one", "two")):
        (root / "arrays" / label).mkdir(parents=True)
        for i in range(16):
            values = np.random.default_rng([i, number]).normal(100, 10, (5, 40, 40))
            values[3, 8:24, 8:24] += 40 * number
            np.save(root / "arrays" / label / f"{i}.npy", values.astype(np.float32))
    (root / "net.py").write_text(OWN)
    return root


def corrected(place: Path, weights: Path, asked: Asked) -> Path:
    """A table that says of one image of a run of one network that it is of another class."""
    out = place / ("reviewed" if asked.start is ADAPTED else "reviewed-scratch")
    if not (out / "run.json").exists():
        train(place / "photos", out, **_start(asked, place, weights), extras=Extras(precision="float32", cache=place / "cache"))
    table, image = out / "labels.csv", place / "photos/bars/003.png"
    row = {"path": image, "sha256": atomic_write.sha256(image), "label": "bars", "proposed": "dots", "decision": "dots", "run": out}
    table.write_text(f"{','.join(row)}\n{','.join(map(str, row.values()))}\n")
    return table


def _start(asked: Asked, place: Path, weights: Path) -> dict[str, object]:
    named = {"tiny": weights, "own": f"{place / 'net.py'}:net"}
    return {name: named.get(value, value) if isinstance(value, str) else value for name, value in asked.start.items()}


def called(job: Callable[..., object], asked: Asked, place: Path, weights: Path, *out: Path) -> object:
    extras = Extras(
        precision="float32", cache=place / "cache", ensembling=Ensembling.of(asked.kind), recipe=asked.recipe,
        synthetic=place / "made" if asked.more == "synthetic" else None,
        facts=Sidecar(pixels=32) if "own" in asked.more else Sidecar(),
        labels=(corrected(place, weights, asked),) if asked.more == "labels" else (),
    )  # fmt: skip
    images = place / ("arrays" if "bands" in asked.more else "photos")
    return job(images, *out, **_start(asked, place, weights), extras=extras)


def opened(run: Run, place: Path) -> Model:
    if run.card.own is None:
        return load(run.model)
    with pytest.raises(BundleFault, match="needs the file"):
        load(run.model)
    return load(run.model, net=f"{place / 'net.py'}:net")


@pytest.mark.parametrize("name", WORKS)
def test_it_works_with(name: str, place: Path, weights: Path, tmp_path: Path):
    """So many networks are kept, each whole, and what is answered is the mean of their probabilities."""
    asked = WORKS[name]
    run = called(train, asked, place, weights, tmp_path / "out")
    assert isinstance(run, Run) and run.card.ensemble and run.card.ensemble.members == asked.members
    model = opened(run, place)
    assert isinstance(model.net, Ensemble) and len(model.net.members) == asked.members
    assert {head_of(net) for net in model.net.members} == {asked.recipe.head or "linear"} or run.card.own
    x = torch.randn(3, run.card.channels, run.card.input.pixels, run.card.input.pixels)
    with torch.no_grad():
        each = [torch.softmax(net(x).double() / run.card.ensemble.inner, 1) for net in model.net.members]
        together = torch.softmax(model.net(x).double() / run.card.ensemble.inner, 1)
    assert torch.allclose(together, sum(each) / asked.members, atol=1e-4) and not torch.allclose(each[0], each[-1], atol=1e-5)
    assert (run.card.offsets is not None) == (asked.recipe.balance in ("weights", "sampler")) and run.settings["ensemble"] == asked.kind
    if asked.recipe.pixels:
        assert run.card.input.pixels == (asked.recipe.finish_pixels or asked.recipe.pixels)
    if "own" in asked.more:
        assert run.card.channels == (5 if "bands" in asked.more else 3)
    else:
        found = evaluate(run.model, place / "photos")
        assert found.fresh is None or asked.more == "labels" or found.fresh.accuracy == run.card.evaluation.accuracy
        assert model.predict([place / "photos/dots/004.png"])[0].predicted in CLASSES
    if asked.more == "synthetic":
        assert run.synthetic and run.synthetic.images == 15
    if asked.more == "labels":
        assert run.corrections and run.corrections.changed == 1
    page = render(run)
    assert "Several networks answer together" in page and "One network is what is trained unless an ensemble is asked for" in page


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("job", [train, plan])
def test_it_is_refused_before_an_image_is_read_with(
    name: str, job: Callable[..., object], place: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def never(*_: object, **__: object) -> None:
        raise AssertionError("images were read")

    for module in ("train", "planning.plan"):
        monkeypatch.setattr(f"receptron.jobs.training.{module}.place_images", never)
    asked, why = REFUSED[name]
    with pytest.raises(BadValue) as caught:
        called(job, asked, place, weights, *([tmp_path / "out"] if job is train else []))
    assert why in caught.value.what + str(caught.value.why) and caught.value.mend


@pytest.mark.parametrize("name", ["folds, everything", "folds, sampler from scratch", "seeds, synthetic", "seeds, own network"])
def test_a_plan_foresees_all_networks(name: str, place: Path, weights: Path):
    """As long as one network, times networks, but for what they see: images of the training side less those held out."""
    asked = WORKS[name]
    found, one = called(plan, asked, place, weights), called(plan, Asked("none", 1, asked.start, asked.recipe, asked.more), place, weights)
    assert found.settings["ensemble"] == asked.kind and "ensemble" not in one.settings
    rung, alone = found.rungs[-1], one.rungs[-1]
    assert (rung.name == alone.name and rung.least == rung.most) or asked.start is not ADAPTED
    if asked.start is ADAPTED:
        assert alone.least < alone.most
    else:
        assert rung.why.split("; ")[0].endswith(f", {asked.members} networks") and "rate and decay are not searched for" in rung.why
