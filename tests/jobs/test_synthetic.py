"""`train --synthetic DIR`: learnt from besides, never judged on; measured on real images, and left out where they surely hurt."""

import io
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from photos import CLASSES, backbone, folder, photo
from PIL import Image, ImageEnhance
from sklearn.linear_model import LogisticRegression

from receptron import atomic_write
from receptron.errors import BadValue, NoImages, UnclearLayout
from receptron.jobs.options import Extras
from receptron.jobs.training.planning.plan import plan
from receptron.jobs.training.train import train
from receptron.progress import Silent
from receptron.records import from_json
from receptron.report.training.page import render
from receptron.training.ladder.linear_probe import More, choose_head
from receptron.training.records import Run
from shell import run

pytestmark = pytest.mark.usefixtures("quick")


class Told(Silent):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def tell(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("photos") / "photos", 12)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny backbone that has learnt such pictures, its last stage too, so that wrong labels have something to spoil."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("photos.initialise", lambda part: None)
        return backbone(tmp_path_factory.mktemp("good") / "good.safetensors")


@pytest.fixture(scope="module")
def more(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos like the others that nobody has seen."""
    return folder(tmp_path_factory.mktemp("more") / "more", 40, start=500)


@pytest.fixture(scope="module")
def lies(more: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with labels that go round: each is wrong."""
    root = tmp_path_factory.mktemp("lies") / "lies"
    for label, other in zip(CLASSES, (*CLASSES[1:], CLASSES[0]), strict=True):
        shutil.copytree(more / label, root / other)
    return root


def extras(tmp_path: Path, **more: object) -> Extras:
    return Extras(precision="float32", cache=tmp_path / "cache", **more)


def digest(out: Path) -> str:
    return atomic_write.sha256(out / "model/model.safetensors")


def test_each_fit_sees_them_and_none_is_judged_on(monkeypatch: pytest.MonkeyPatch):
    """Against scikit-learn on real learning rows with the synthetic ones behind them."""
    monkeypatch.setattr("receptron.training.ladder.linear_probe.STRENGTHS", (0.1,))
    draw = np.random.default_rng(0)
    truth, made = np.arange(30) % 3, np.arange(24) % 3
    real, extra = draw.normal(size=(30, 5)) + truth[:, None], draw.normal(size=(24, 5)) + 2 * made[:, None]
    folds = [np.arange(30)[fold::3] for fold in range(3)]
    given = More(torch.from_numpy(extra).float()[:, None], torch.from_numpy(made))
    found = choose_head(torch.from_numpy(real).float()[:, None], torch.from_numpy(truth), 3, folds, more=given)
    assert found.logits.shape == (30, 3)
    for fold in folds:
        rows = np.setdiff1d(np.arange(30), fold)
        seen, labels = np.concatenate([real[rows], extra]), np.concatenate([truth[rows], made])
        middle, spread = seen.mean(0), seen.std(0, ddof=1) + 1e-6
        model = LogisticRegression(C=0.1, max_iter=300, tol=1e-6).fit((seen - middle) / spread, labels)
        ours, theirs = found.logits[fold], model.decision_function((real[fold] - middle) / spread)
        assert np.allclose(ours - ours.mean(1, keepdims=True), theirs - theirs.mean(1, keepdims=True), atol=0.02)
    alone = choose_head(torch.from_numpy(real).float()[:, None], torch.from_numpy(truth), 3, folds)
    assert not np.allclose(alone.logits, found.logits, atol=0.02)


def test_more_photos_of_the_same_kind_help_and_no_figure_counts_them(photos: Path, more: Path, weights: Path, tmp_path: Path):
    alone = train(photos, tmp_path / "alone", None, weights, extras=extras(tmp_path))
    found = train(photos, tmp_path / "out", None, weights, extras=extras(tmp_path, synthetic=more))
    made = found.synthetic
    assert made and made.effect and made.images == 120 and made.classes == dict.fromkeys(CLASSES, 40) and made.effect.used
    assert made.effect.gain and made.effect.gain.value > 0 and made.effect.judged == "linear head"
    head, before = (next(rung for rung in one.ladder if rung.name == "linear head") for one in (found, alone))
    assert made.effect.without == before.accuracy and made.effect.beside == head.accuracy and head.accuracy
    assert head.accuracy.count == sum(count.train for count in found.split.counts) == before.accuracy.count
    assert found.split == alone.split and found.card.evaluation.count == alone.card.evaluation.count
    files = {atomic_write.sha256(file) for file in more.rglob("*.png")}
    assert not files & {one.sha256 for one in found.judged} and found.card.provenance.synthetic == 120
    assert not any(str(more) in file for kept in found.samples.values() for file in kept)
    assert digest(tmp_path / "out") != digest(tmp_path / "alone")
    assert from_json((tmp_path / "out/run.json").read_bytes(), Run) == found
    page = render(found)
    assert "Synthetic images." in page and "120 images of" in page and found.card.provenance.synthetic_sha256 in page


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_wrong_labels_are_measured_as_harm_and_the_model_is_as_without_them(
    photos: Path, lies: Path, good: Path, tmp_path: Path, seed: int
):
    alone = train(photos, tmp_path / "alone", None, good, seed=seed, extras=extras(tmp_path))
    found = train(photos, tmp_path / "out", None, good, seed=seed, extras=extras(tmp_path, synthetic=lies))
    made = found.synthetic
    assert made and made.effect and made.effect.gain and made.effect.gain.high < 0 and not made.effect.used
    assert "they surely hurt" in made.words and digest(tmp_path / "out") == digest(tmp_path / "alone")
    assert found.card.evaluation == alone.card.evaluation and found.ladder[2].accuracy == alone.ladder[2].accuracy
    assert found.card.provenance.synthetic == 0 and found.learning_curve == alone.learning_curve


def test_random_labels_never_pass_for_a_sure_gain(photos: Path, more: Path, good: Path, tmp_path: Path):
    draw, root = random.Random(0), tmp_path / "random"
    for file in sorted(more.rglob("*.png")):
        label = draw.choice(CLASSES)
        (root / label).mkdir(parents=True, exist_ok=True)
        shutil.copy(file, root / label / f"{file.parent.name}-{file.name}")
    made = train(photos, tmp_path / "out", None, good, extras=extras(tmp_path, synthetic=root)).synthetic
    assert made and made.effect and made.effect.gain and made.effect.gain.value < 0 and made.effect.gain.low < 0


def _same(image: Image.Image) -> Image.Image:
    return image


def _recompressed(image: Image.Image) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=85)
    return Image.open(file)


def _brighter(image: Image.Image) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(1.15)


def _mirrored(image: Image.Image) -> Image.Image:
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


@pytest.mark.parametrize("change", [_same, _recompressed, _brighter, _mirrored])
def test_copies_of_real_images_are_left_out_whatever_their_side(photos: Path, more: Path, good: Path, tmp_path: Path, change):
    found = train(photos, tmp_path / "first", None, good, extras=extras(tmp_path))
    tested, root = {one.sha256 for one in found.judged}, shutil.copytree(more, tmp_path / "made")
    sides = {True: 0, False: 0}
    for file in sorted(photos.rglob("*.png")):
        on_test = atomic_write.sha256(file) in tested
        if sides[on_test] < 4:
            sides[on_test] += 1
            change(Image.open(file)).save(root / file.parent.name / f"copy-{file.stem}.png")
    told = Told()
    made = train(photos, tmp_path / "out", None, good, extras=extras(tmp_path, synthetic=root, progress=told)).synthetic
    assert made and (made.copies_of_test, made.copies_of_training, made.images) == (4, 4, 120), made
    assert any("4 copies of test images, 4 copies of training images left out" in line for line in told.lines)


def test_a_class_without_synthetic_images_is_fine_and_told(photos: Path, more: Path, weights: Path, tmp_path: Path):
    shutil.copytree(more / "dots", tmp_path / "made/dots")
    told = Told()
    made = train(photos, tmp_path / "out", None, weights, extras=extras(tmp_path, synthetic=tmp_path / "made", progress=told)).synthetic
    assert made and made.missing == ("bars", "plain") and made.classes == {"dots": 40}
    assert "Synthetic: none of bars, plain." in told.lines


@pytest.mark.parametrize("name", ["stripes", "Dots", "dots "])
def test_a_class_that_no_real_image_is_of_is_refused(photos: Path, more: Path, tmp_path: Path, name: str):
    shutil.copytree(more / "dots", tmp_path / "made" / name)
    shutil.copytree(more / "bars", tmp_path / "made/bars")
    with pytest.raises(BadValue, match="no real image is of") as caught:
        train(photos, tmp_path / "out", "lenet5", "none", extras=extras(tmp_path, synthetic=tmp_path / "made"))
    assert name.strip() in caught.value.what and "bars, dots, plain" in caught.value.why and not (tmp_path / "out").exists()


def _nothing(root: Path) -> None:
    root.mkdir()


def _sides(root: Path) -> None:
    for side in ("train", "test"):
        folder(root / side, 2)


def _flat(root: Path) -> None:
    photo(root / "dots.png", "dots", 1)


def _missing(root: Path) -> None:
    pass


@pytest.mark.parametrize("make", [_nothing, _sides, _flat, _missing])
def test_what_holds_no_class_folders_is_refused(photos: Path, tmp_path: Path, make):
    make(tmp_path / "made")
    with pytest.raises((BadValue, NoImages, UnclearLayout)):
        train(photos, tmp_path / "out", "lenet5", "none", extras=extras(tmp_path, synthetic=tmp_path / "made"))


def test_the_real_images_themselves_leave_nothing_to_learn_from(photos: Path, tmp_path: Path):
    with pytest.raises(BadValue, match="nothing to learn from") as caught:
        train(photos, tmp_path / "out", "lenet5", "none", extras=extras(tmp_path, synthetic=photos))
    assert "36 images" in caught.value.why


def test_from_scratch_the_network_is_trained_with_and_without_them(photos: Path, lies: Path, more: Path, tmp_path: Path):
    for made in (lies, more):
        found = train(photos, tmp_path / made.name, "lenet5", "none", extras=extras(tmp_path, synthetic=made))
        effect = found.synthetic.effect if found.synthetic else None
        assert effect and effect.judged == "from scratch" and effect.gain and effect.without and effect.beside
        assert effect.gain.count == effect.without.count == len(set(found.curves)) or effect.gain.count > 0
        assert effect.used == (effect.gain.high >= 0)


class Breaking(Silent):
    """A power cut after so many told steps of training."""

    def __init__(self, after: int) -> None:
        self.after, self.unit = after, ""

    def start(self, stage: str, total: int, unit: str) -> None:
        self.unit = unit

    def advance(self, count: int = 1, note: str = "") -> None:
        self.after -= self.unit == "steps" and bool(note)
        if self.after == 0:
            raise RuntimeError("power cut")


@pytest.mark.parametrize("after", [2, 5, 9])
def test_a_broken_off_run_ends_with_the_same_weights_and_only_with_the_same_images(
    photos: Path, more: Path, tmp_path: Path, after: int, monkeypatch: pytest.MonkeyPatch
):
    """From scratch: within the network that learns from them, and within the one beside it that does not."""
    made = shutil.copytree(more, tmp_path / "made")
    asked = {"net": "lenet5", "weights": "none"}
    train(photos, tmp_path / "straight", **asked, extras=extras(tmp_path, synthetic=made))
    with pytest.raises(RuntimeError, match="power cut"):
        train(photos, tmp_path / "out", **asked, extras=extras(tmp_path, synthetic=made, every=1e-6, progress=Breaking(after)))
    with pytest.raises(BadValue, match="other settings"):
        train(photos, tmp_path / "out", **asked, extras=extras(tmp_path, resume=True))
    spare = (made / "dots/500.png").read_bytes()
    photo(made / "dots/500.png", "dots", 990)
    with pytest.raises(BadValue, match="other settings"):
        train(photos, tmp_path / "out", **asked, extras=extras(tmp_path, synthetic=made, resume=True))
    (made / "dots/500.png").write_bytes(spare)
    found = train(photos, tmp_path / "out", **asked, extras=extras(tmp_path, synthetic=made, resume=True))
    assert digest(tmp_path / "out") == digest(tmp_path / "straight") and found.synthetic


def test_a_run_like_it_is_the_same_and_departures_are_told(photos: Path, more: Path, good: Path, tmp_path: Path):
    asked = ("train", photos, "--weights", good, "--precision", "float32", "--cache", tmp_path / "c")
    first = run(*asked, "--synthetic", more, "--out", tmp_path / "a")
    assert first.code == 0 and "Made" in first.out and f"--synthetic {more}" in first.out, first
    same = run(*asked, "--synthetic", more, "--out", tmp_path / "b", "--like", tmp_path / "a")
    assert same.code == 0 and "Not the same" not in same.err and digest(tmp_path / "a") == digest(tmp_path / "b")
    without = run(*asked, "--out", tmp_path / "d", "--like", tmp_path / "a")
    assert without.code == 0 and "synthetic left open, not" in without.err and "Not the same network" in without.err
    plain = run(*asked, "--out", tmp_path / "e")
    assert plain.code == 0
    added = run(*asked, "--synthetic", more, "--out", tmp_path / "f", "--like", tmp_path / "e")
    assert added.code == 0 and f"synthetic {more}, not left open" in added.err


def test_the_plan_measures_them_too(photos: Path, more: Path, lies: Path, good: Path, tmp_path: Path):
    for made, used in ((more, True), (lies, False)):
        planned = plan(photos, None, good, extras=extras(tmp_path, synthetic=made))
        found = train(photos, tmp_path / made.name, None, good, extras=extras(tmp_path, synthetic=made))
        assert planned.synthetic == found.synthetic and planned.synthetic and planned.synthetic.effect
        assert planned.synthetic.effect.used == used
        assert planned.accuracy == next(rung.accuracy for rung in found.ladder if rung.name == "linear head")


@pytest.mark.shared
def test_real_photos_that_were_held_back_help_few_flowers_and_wrong_labels_hurt_them(shared: Path, lite0: object, tmp_path: Path):
    names = ("daisy", "roses", "sunflowers", "tulips")
    for label, other in zip(names, (*names[1:], names[0]), strict=True):
        files = sorted((shared / "data/flowers/train" / label).glob("*.jpg"))[::5]
        for kind, part in (("few", files[:8]), ("held-back", files[8:38])):
            for file in part:
                (tmp_path / kind / label).mkdir(parents=True, exist_ok=True)
                shutil.copy(file, tmp_path / kind / label)
        shutil.copytree(tmp_path / "held-back" / label, tmp_path / "wrong" / other)
    asked = {"test_size": 0, "time": "5m"}
    for kind in ("held-back", "wrong"):
        settings = extras(tmp_path, synthetic=tmp_path / kind, augment="none")
        made = plan(tmp_path / "few", extras=settings, **asked).synthetic
        assert made and made.effect and made.effect.gain and made.images == 120
        assert made.effect.gain.value > 0.05 if kind == "held-back" else made.effect.gain.high < 0, made.effect
