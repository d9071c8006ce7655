"""`train PATH --plan`: nothing is trained, and what it tells is what the training then does."""

import json
from pathlib import Path

import numpy as np
import pytest
from photos import folder
from PIL import Image
from sklearn.linear_model import LogisticRegression

from receptron.errors import BadValue, NoImages, UnknownName
from receptron.jobs.options import Extras
from receptron.jobs.training.planning.plan import plan
from receptron.jobs.training.train import train
from receptron.records import from_json, to_json
from receptron.training.loop.recipe import Recipe
from receptron.training.plan_record import DomainDistance, Plan
from shell import run

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("photos") / "photos", 16)


def extras(tmp_path: Path) -> Extras:
    return Extras(precision="float32", cache=tmp_path / "cache")


def below(root: Path) -> list[str]:
    return sorted(str(file.relative_to(root)) for file in root.rglob("*") if file.is_file())


@pytest.mark.parametrize(("seed", "test_size"), [(0, 0.2), (3, 0.3), (5, 0)])
def test_the_training_finds_what_its_plan_told(photos: Path, weights: Path, tmp_path: Path, seed: int, test_size: float):
    planned = plan(photos, None, weights, "10m", seed, test_size=test_size, extras=extras(tmp_path))
    found = train(photos, tmp_path / "out", None, weights, "10m", seed, test_size=test_size, extras=extras(tmp_path))
    head = next(rung for rung in found.ladder if rung.name == "linear head")
    assert planned.accuracy == head.accuracy and head.accuracy is not None
    assert [(one.name, one.accuracy, one.gain) for one in planned.measured] == [(o.name, o.accuracy, o.gain) for o in found.ladder[:3]]
    assert planned.start.net == found.card.net and planned.start.parameters == found.card.parameters
    tried = {rung.name: rung.tried for rung in planned.rungs}
    for rung in found.ladder[3:]:
        assert tried[rung.name] == (rung.accuracy is not None), (planned.rungs, found.ladder)
    assert planned.split == found.split and planned.augmentation.policy == found.augmentation.policy
    assert planned.features and found.decisions["views"] == planned.features.views - 1
    assert from_json(to_json(planned), Plan) == planned


def test_nothing_is_written_but_features(photos: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    done = run("train", photos, "--weights", weights, "--plan", "--cache", tmp_path / "cache", "--precision", "float32", "--out", "made")
    assert done.code == 0, done.err
    assert below(tmp_path) and all(name.startswith("cache/") for name in below(tmp_path))
    assert f"receptron train {photos} --weights {weights} --cache" in done.out.splitlines()[-1] and "--plan" not in done.out


@pytest.mark.parametrize("form", ["text", "json"])
def test_each_step_is_told_with_its_figures(photos: Path, weights: Path, tmp_path: Path, form: str):
    asked = ("train", photos, "--weights", weights, "--plan", "--cache", tmp_path, "--precision", "float32")
    done = run(*asked, *(["--json"] if form == "json" else []))
    assert done.code == 0, done.err
    if form == "json":
        record = json.loads(done.out)
        assert record["images"]["count"] == 48 and record["images"]["median"] == [48, 44]
        assert sum(record["folds"]) == record["training"] and record["next"].startswith("receptron train")
        return
    for part in ("48 images of 3 classes: bars 16", "48 x 44 px", "held back", "lenet5, from", "raw pixels", "last stage", "Expect"):
        assert part in done.out, done.out


def test_from_scratch_what_is_unknown_is_said_and_the_epochs_are_those_of_the_run(photos: Path, tmp_path: Path):
    planned = plan(photos, "lenet5", "none", "20s", extras=extras(tmp_path))
    assert planned.accuracy is None and "from scratch" in planned.accuracy_unknown and planned.distance is None
    assert [rung.name for rung in planned.rungs] == ["from scratch"] and planned.start.weights == "none"
    found = train(photos, tmp_path / "out", "lenet5", "none", "20s", extras=extras(tmp_path))
    assert planned.rungs[0].why.startswith(f"{found.decisions['epochs']} epochs")
    assert [one.accuracy for one in planned.measured] == [one.accuracy for one in found.ladder[:2]]


def test_what_is_set_of_learning_is_planned_with(photos: Path, tmp_path: Path):
    planned = plan(photos, "lenet5", "none", extras=Extras(precision="float32", cache=tmp_path, recipe=Recipe(epochs=7)))
    assert planned.rungs[0].why.startswith("7 epochs") and planned.settings["epochs"] == "7"


def test_too_little_time_for_features_makes_the_accuracy_unknown_with_the_reason(
    photos: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("receptron.training.hardware.autotune._seconds", lambda step: 1e6)
    planned = plan(photos, None, weights, "5s", extras=extras(tmp_path))
    assert planned.accuracy is None and "has to see" in planned.accuracy_unknown and "--time" in planned.accuracy_unknown
    assert planned.distance_unknown == planned.accuracy_unknown and planned.rungs == ()


def test_the_distance_is_that_of_two_linear_heads(photos: Path, weights: Path, tmp_path: Path):
    """The head on pixels, made anew by scikit-learn from files: where colours alone tell classes, pixels do as well as weights."""
    planned = plan(photos, None, weights, extras=extras(tmp_path), test_size=0)
    assert planned.distance
    files = sorted(photos.rglob("*.png"))
    small = np.stack([np.asarray(Image.open(file).convert("L").resize((16, 16), Image.Resampling.BOX), float).ravel() for file in files])
    small -= small.mean(1, keepdims=True)
    labels, folds = np.array([file.parent.name for file in files]), np.arange(len(files)) % 5
    right = []
    for fold in range(5):
        model = LogisticRegression(C=1e-2, max_iter=300).fit(small[folds != fold] / small.std(), labels[folds != fold])
        right.extend(model.predict(small[folds == fold] / small.std()) == labels[folds == fold])
    assert planned.distance.pixels.value == pytest.approx(np.mean(right), abs=0.2)
    assert planned.distance.gain.value == pytest.approx(planned.distance.weights.value - planned.distance.pixels.value)
    flat = tmp_path / "colours"
    for number, label in enumerate(("blue", "green", "red")):
        (flat / label).mkdir(parents=True)
        for i in range(14):
            rng = np.random.default_rng([number, i])
            pixels = np.clip(rng.normal(90 + 50 * number, 25, (48, 48, 1)) + np.zeros(3), 0, 255)
            pixels[:, : 8 + 14 * number] = 20
            Image.fromarray(pixels.astype(np.uint8)).save(flat / label / f"{i}.png")
    assert plan(flat, None, weights, extras=extras(tmp_path), test_size=0).distance.pixels.value > 0.9


def test_mended_errors_follow_from_both_figures(photos: Path, weights: Path, tmp_path: Path):
    found = plan(photos, None, weights, extras=extras(tmp_path)).distance
    assert isinstance(found, DomainDistance)
    assert found.mended == pytest.approx((found.weights.value - found.pixels.value) / (1 - found.pixels.value))


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"resume": True}, BadValue),
        ({"overwrite": True}, BadValue),
        ({"like": Path("a")}, BadValue),
        ({"precision": "float8"}, UnknownName),
        ({"augment": "stark"}, UnknownName),
        ({"every": float("nan")}, BadValue),
    ],
)
def test_what_cannot_be_meant_is_refused_before_an_image_is_read(
    photos: Path, tmp_path: Path, more: dict[str, object], error: type[Exception]
):
    with pytest.raises(error):
        plan(photos, extras=Extras(cache=tmp_path, **more))


def test_wrong_arguments_are_refused_as_by_train(photos: Path, tmp_path: Path):
    for arguments in ({"time": "soon"}, {"seed": -1}, {"device": "abacus"}, {"test_size": 1.0}, {"net": "resnet5O"}):
        with pytest.raises((BadValue, UnknownName)):
            plan(photos, **arguments)
    (tmp_path / "empty").mkdir()
    with pytest.raises((NoImages, BadValue)):
        plan(tmp_path / "empty")


@pytest.mark.campaign  # needs a machine that does nothing else
@pytest.mark.shared
def test_features_take_about_as_long_as_the_plan_expects(shared: Path, lite0: object, tmp_path: Path):
    for label in ("daisy", "roses", "tulips"):
        (tmp_path / "flowers" / label).mkdir(parents=True)
        for file in sorted((shared / "data/flowers/train" / label).glob("*.jpg"))[:20]:
            (tmp_path / "flowers" / label / file.name).write_bytes(file.read_bytes())
    found = plan(tmp_path / "flowers", extras=extras(tmp_path)).features
    assert found and 1 / 3 < found.took / found.expected < 3, found


@pytest.mark.parametrize("recipe", [Recipe(), Recipe(decay=1e-3), Recipe(rate=0.1, decay=1e-3), Recipe(rate="find")])
def test_from_scratch_the_time_of_a_search_of_rate_and_decay_is_foreseen(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recipe: Recipe
):
    """By hand: twelve points (or fewer) for a ninth of the epochs, and four for a third of them, on the images of neither fold."""
    monkeypatch.setattr("receptron.training.ladder.from_scratch.EPOCHS", (18, 18))
    planned = plan(photos, "lenet5", "none", extras=Extras(precision="float32", cache=tmp_path / "cache", recipe=recipe))
    points = {(None, None): 12, (None, 1e-3): 4}.get((recipe.rate, recipe.decay), 0)
    visits = 18 * (planned.training - planned.folds[0])
    visits += (points * 2 + min(points, 4) * 6) * (planned.training - sum(planned.folds[:4]))
    (rung,) = planned.rungs
    speed = float(rung.why.split(" px at ")[1].split(" images a second")[0])
    assert rung.least == rung.most == pytest.approx(visits / speed, rel=0.01)
    assert ("of it to search rate and decay" in rung.why) == bool(points)
    found = train(photos, tmp_path / "out", "lenet5", "none", extras=Extras(precision="float32", cache=tmp_path / "cache", recipe=recipe))
    assert len({(one.rate, one.decay) for one in found.searches[0].tried}) == points
    assert found.searches[0].words in found.ladder[-1].why
