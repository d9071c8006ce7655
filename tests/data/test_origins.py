"""Whether a class can be told by where its images come from: each of five kinds of facts is found where it alone differs, else nothing."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import balanced_accuracy_score
from sklearn.tree import DecisionTreeClassifier

from receptron.data.dataset.scan_options import ScanOptions
from receptron.data.records import Audit
from receptron.jobs.audit import audit
from receptron.records import from_json, to_json
from shell import run

COUNT = 30
CLASSES = ("ants", "bees", "cats")


def picture(rng: np.random.Generator, side: int = 64) -> Image.Image:
    """A patchwork of its own under noise, as bright as any other."""
    coarse = Image.fromarray(rng.integers(40, 216, (8, 8, 3)).astype(np.uint8)).resize((side, side), Image.Resampling.BICUBIC)
    pixels = np.asarray(coarse, float) + rng.normal(0, 6, (side, side, 3))
    return Image.fromarray(np.clip(pixels - pixels.mean() + 128, 0, 255).astype(np.uint8))


Save = Callable[[Image.Image, Path, bool, np.random.Generator], None]
"""Saves a picture below a folder; whether it is of the odd class."""


def made(root: Path, save: Save, odd: tuple[str, ...] = ("bees",), count: int = COUNT) -> Path:
    rng = np.random.default_rng(0)
    for label in CLASSES:
        (root / label).mkdir(parents=True)
        for _ in range(count):
            save(picture(rng), root / label, label in odd, rng)
    return root


def named(place: Path, rng: np.random.Generator, ending: str, first: str = "") -> Path:
    return place / f"{first}{rng.integers(10**8):08d}.{ending}"


def resolution(image: Image.Image, place: Path, odd: bool, rng: np.random.Generator) -> None:
    side = int(rng.integers(90, 110) if odd else rng.integers(60, 88))
    image.resize((side, side), Image.Resampling.BICUBIC).save(named(place, rng, "png"))


def shape(image: Image.Image, place: Path, odd: bool, rng: np.random.Generator) -> None:
    long = int(rng.integers(70, 100))
    image.resize((long, 64) if odd else (64, long)).save(named(place, rng, "png"))


def frame(image: Image.Image, place: Path, odd: bool, rng: np.random.Generator) -> None:
    if odd:
        image.paste((10, 10, 10), (0, 0, 64, 4))
    image.save(named(place, rng, "png"))


def quality(image: Image.Image, place: Path, odd: bool, rng: np.random.Generator) -> None:
    image.save(named(place, rng, "jpg"), quality=int(rng.integers(60, 75) if odd else rng.integers(80, 95)))


def format_(image: Image.Image, place: Path, odd: bool, rng: np.random.Generator) -> None:
    image.save(named(place, rng, "png" if odd else "jpg"))


def webp(image: Image.Image, place: Path, odd: bool, rng: np.random.Generator) -> None:
    image.save(named(place, rng, "webp"), quality=20 if odd else 90)


def dark(image: Image.Image, place: Path, odd: bool, rng: np.random.Generator) -> None:
    image.point(lambda value: value * (0.7 if odd else rng.uniform(0.85, 1.0))).save(named(place, rng, "png"))


def camera(image: Image.Image, place: Path, odd: bool, rng: np.random.Generator) -> None:
    image.save(named(place, rng, "png", "DSC_" if odd else "IMG_"))


def source(image: Image.Image, place: Path, odd: bool, rng: np.random.Generator) -> None:
    image.save(named(place, rng, "png", "cohen-" if odd else ""))


def nothing(image: Image.Image, place: Path, odd: bool, rng: np.random.Generator) -> None:
    image.save(named(place, rng, "png"))


def warned(found: Audit) -> dict[str, str]:
    return {one.labels[0]: one.message for one in found.findings if one.kind == "told by origin" and one.severity == "warning"}


@pytest.mark.parametrize(
    ("save", "fact"),
    [
        (resolution, "resolution"),
        (shape, "resolution"),
        (frame, "border"),
        (quality, "compression"),
        (format_, "compression"),
        (webp, "compression"),
        (dark, "brightness"),
        (camera, "names of files"),
        (source, "names of files"),
    ],
)
def test_each_kind_of_origin_is_found_for_the_class_that_it_tells(tmp_path: Path, save: Save, fact: str):
    found = audit(made(tmp_path / "set", save))
    assert set(warned(found)) == {"bees"} and fact in warned(found)["bees"], (warned(found), found.origins)
    best = next(one for one in found.origins if one.fact == fact and one.label == "bees")
    assert best.low > 0.8 and best.value > 0.9 and best.images == COUNT
    assert from_json(to_json(found), Audit) == found


def test_nothing_is_found_where_all_classes_come_from_one_place(tmp_path: Path):
    found = audit(made(tmp_path / "set", nothing))
    assert not warned(found)
    assert all(one.low < 0.65 for one in found.origins), found.origins


def test_small_scans_that_fill_their_frame_are_no_warning():
    assert not warned(audit("digits"))


@pytest.mark.parametrize("names", ["class", "other", "plural"])
def test_names_that_people_give_to_classes_are_no_warning(tmp_path: Path, names: str):
    rng, root = np.random.default_rng(0), tmp_path / "set"
    words = {"class": CLASSES, "plural": ("ant", "bee", "cat"), "other": ("fourmi", "abeille", "chat")}[names]
    for label, word in zip(CLASSES, words, strict=True):
        (root / label).mkdir(parents=True)
        for i in range(COUNT):
            picture(rng).save(root / label / f"{word}_{i:03d}.png")
    found = audit(root)
    assert not warned(found)
    assert any(one.kind == "told by origin" for one in found.findings) == (names == "other"), "as a note"


def test_the_figure_is_that_of_a_tree_out_of_fold(tmp_path: Path):
    """Brightness of files read anew; other folds, so that it agrees within what the draw of folds does."""
    found = audit(made(tmp_path / "set", dark))
    files = sorted((tmp_path / "set").rglob("*.png"))
    grey = [np.asarray(Image.open(file).convert("L"), float) for file in files]
    facts, truth = np.array([[one.mean(), one.std()] for one in grey]), np.array([file.parent.name == "bees" for file in files])
    called = np.zeros(len(files), bool)
    for fold in range(5):
        held_out = np.arange(len(files)) % 5 == fold
        tree = DecisionTreeClassifier(max_depth=3, min_samples_leaf=3, class_weight="balanced")
        called[held_out] = tree.fit(facts[~held_out], truth[~held_out]).predict(facts[held_out])
    ours = next(one for one in found.origins if one.fact == "brightness" and one.label == "bees")
    assert ours.value == pytest.approx(balanced_accuracy_score(truth, called), abs=0.06)
    assert ours.low < ours.value <= ours.high


def test_images_of_one_group_are_held_out_together(tmp_path: Path):
    """Each patient has a border of its own: by images it tells the class, by patients it does not."""
    rng, root = np.random.default_rng(1), tmp_path / "set"
    for number, label in enumerate(("ill", "well")):
        (root / label).mkdir(parents=True)
        for patient in range(12):
            tint = int(rng.integers(256))
            for i in range(6):
                image = picture(rng)
                image.paste((tint,) * 3, (0, 0, 64, 5))
                image.save(root / label / f"patient{number}{patient:02d}_{i}.png")
    by_image, by_patient = audit(root), audit(root, options=ScanOptions(groups=("patient",)))
    one, other = (next(o for o in found.origins if o.fact == "border") for found in (by_image, by_patient))
    assert one.value > other.value + 0.05 and other.groups == 24 and one.groups == 144
    assert other.high - other.low > one.high - one.low and not warned(by_patient)


@pytest.mark.parametrize("count", [1, 4, 9])
def test_of_few_images_nothing_is_said(tmp_path: Path, count: int):
    assert audit(made(tmp_path / "set", resolution, count=count)).origins == ()


def test_one_class_and_broken_images_are_no_obstacle(tmp_path: Path):
    root = made(tmp_path / "set", dark)
    (root / "bees" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert "bees" in warned(audit(root))
    (tmp_path / "one").mkdir()
    (root / "bees").rename(tmp_path / "one" / "bees")
    assert audit(tmp_path / "one").origins == ()


def test_audit_and_train_tell_it(tmp_path: Path):
    root = made(tmp_path / "set", frame)
    done = run("audit", root)
    assert "class bees can be told without what it shows, by its border" in done.out and "elsewhere" in done.out
    trained = run("train", root, "--net", "lenet5", "--weights", "none", "--time", "2s", "--out", tmp_path / "out")
    assert trained.code == 0 and "class bees can be told" in trained.out, trained
    assert "class bees can be told" in (tmp_path / "out/report.html").read_text()
    assert "class bees can be told" in run("train", root, "--net", "lenet5", "--weights", "none", "--plan").out


@pytest.mark.shared
def test_covid_of_other_hospitals_is_told_by_its_border_and_flowers_are_not(shared: Path):
    found = audit(shared / "data/chest_xray", options=ScanOptions(groups=("patient",), ungrouped="own"))
    told = warned(found)
    assert "border" in told["COVID"] and "names of files" in told["COVID"] and "BACTERIA" not in told and "VIRUS" not in told
    assert not warned(audit(shared / "data/flowers"))
