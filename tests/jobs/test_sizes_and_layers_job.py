"""Sizes and layers through the whole job: what is asked for is in record, report and bundle, and what a network cannot take is refused."""

from pathlib import Path

import pytest
from photos import folder

from receptron import Recipe
from receptron.bundle.model import load
from receptron.jobs.options import Extras
from receptron.jobs.training.train import train
from shell import run

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("photos") / "photos", 12)


@pytest.mark.parametrize("unfreeze", ["gradual", "all"])
def test_everything_learns_because_it_was_asked_for_and_the_record_says_how(unfreeze: str, photos: Path, weights: Path, tmp_path: Path):
    recipe = Recipe(unfreeze=unfreeze, rates=(10, 5, 1), batchnorm="frozen", epochs=4)
    found = train(photos, tmp_path / "out", None, weights, extras=Extras(precision="float32", cache=tmp_path / "cache", recipe=recipe))
    rung = found.ladder[-1]
    assert rung.name == "everything" and rung.taken and "asked for" in rung.why and "last stage" not in {one.name for one in found.ladder}
    assert rung.learning is not None and rung.learning.batchnorm == "frozen"
    assert rung.learning.layers[0].level == "head"
    assert (rung.learning.layers[0].share, rung.learning.layers[-1].share) == (1, 0.1)
    opens = [layer.from_epoch for layer in rung.learning.layers]
    assert opens == sorted(opens) and (max(opens) == 3) == (unfreeze == "gradual")
    assert found.settings["rates"] == "10,5,1" and found.settings["unfreeze"] == unfreeze
    page = found.report.read_text()
    assert "Share of the rate" in page and "o BatchNorm in what learnt" in page


def test_the_last_size_goes_into_the_bundle(photos: Path, tmp_path: Path):
    recipe = Recipe(pixels=48, finish_pixels=64, scales=(0.75, 1), epochs=3)
    found = train(photos, tmp_path / "out", "cifar_resnet20", "none", extras=Extras(precision="float32", recipe=recipe))
    assert load(tmp_path / "out").card.input.pixels == found.card.input.pixels == 64
    rung = found.ladder[-1]
    assert rung.learning is not None and "48 px up to epoch 2, 64 px from then on" in rung.learning.sizes


@pytest.mark.parametrize(
    "flags",
    [
        ["--net", "alexnet", "--pixels", "40"],
        ["--net", "lenet5", "--scales", "0.25,1"],
        ["--net", "resnet18", "--rates", "1,2,3,4"],
        ["--net", "resnet18", "--finish-pixels", "96"],
        ["--net", "resnet18", "--scales", "big"],
    ],
)
def test_what_a_network_cannot_take_is_refused_before_any_work(flags: list[str], photos: Path, tmp_path: Path):
    told = run("train", str(photos), *flags, "--weights", "none", "--out", str(tmp_path / "out"))
    assert told.code == 2 and "Traceback" not in told.err and told.err, told.err
