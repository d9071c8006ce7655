"""Evaluation of a model directory on labelled images: figures by hand, what training saw told apart, what is unknown or broken told."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cards import CLASSES, saved
from receptron.bundle.model import load
from receptron.bundle.store import Placed
from receptron.data.dataset.scan_options import ScanOptions
from receptron.data.unused import UnusedKind
from receptron.errors import NoImages, UnclearLayout, UnknownName
from receptron.jobs.evaluate import Evaluated, evaluate
from receptron.records import from_json, to_json
from shell import run


def photo(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = Image.fromarray(np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8))
    coarse.resize((60, 40), Image.Resampling.BICUBIC).save(path)
    return path


def folder(root: Path, count: int = 8, start: int = 0) -> Path:
    for c, label in enumerate(CLASSES):
        for i in range(count):
            photo(root / label / f"{i}.png", start + 100 * c + i)
    return root


def placed(path: Path, side: str) -> Placed:
    return Placed(hashlib.sha256(path.read_bytes()).hexdigest(), f"elsewhere/{path.name}", side, path.parent.name)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return folder(tmp_path / "photos")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return saved(tmp_path / "model")


def right_by_hand(model: Path, paths: list[Path]) -> list[bool]:
    loaded = load(model)
    return [loaded.predict([path])[0].predicted == path.parent.name for path in paths]


def test_the_figures_are_those_of_predicting_each_file(model: Path, photos: Path):
    found = evaluate(model, photos)
    right = right_by_hand(model, sorted(photos.rglob("*.png")))
    assert found.fresh is not None and found.trained is None
    assert found.fresh.count == 24 and found.fresh.accuracy.value == pytest.approx(np.mean(right))
    assert found.fresh.source == "24 images new to the model"
    assert len(found.mistakes) == right.count(False)
    sure = [answer.confidence for answer in found.mistakes]
    assert sure == sorted(sure, reverse=True) and all(answer.label != answer.predicted for answer in found.mistakes)
    assert from_json(to_json(found), Evaluated) == found


def test_images_that_training_saw_are_judged_apart_whatever_they_are_called(tmp_path: Path, photos: Path):
    files = sorted(photos.rglob("*.png"))
    seen, tested = files[::2], files[1::4]
    split = [placed(p, "val" if i % 5 == 0 else "train") for i, p in enumerate(seen)] + [placed(p, "test") for p in tested]
    model = saved(tmp_path / "known", split)
    for path in seen:
        path.rename(path.with_name(f"renamed_{path.name}"))
    found = evaluate(model, photos)
    assert found.trained is not None and found.trained.count == len(seen) and "trained on" in found.trained.source
    assert found.fresh is not None and found.fresh.count == len(files) - len(seen)
    new = [path for path in files if path not in seen]
    assert found.fresh.accuracy.value == pytest.approx(np.mean(right_by_hand(model, new)))
    assert {Path(answer.path) for answer in found.mistakes} <= set(new)


def test_a_model_trained_on_every_image_has_no_honest_figure_here(tmp_path: Path, photos: Path):
    model = saved(tmp_path / "known", [placed(path, "train") for path in photos.rglob("*.png")])
    found = evaluate(model, photos)
    assert found.fresh is None and found.trained is not None and not found.mistakes


def test_the_test_side_is_taken_where_there_is_one(model: Path, tmp_path: Path):
    root = tmp_path / "sides"
    folder(root / "train", 5)
    folder(root / "test", 3, start=1000)
    counts = {side: evaluate(model, root, side=side).fresh for side in ("auto", "all", "test", "train")}
    assert {side: figures.count for side, figures in counts.items() if figures} == {"auto": 9, "all": 24, "test": 9, "train": 15}
    with pytest.raises(NoImages, match="on the side 'val'"):
        evaluate(model, root, side="val")
    with pytest.raises(UnknownName, match=r"'tst'.*Did you mean test"):
        evaluate(model, root, side="tst")


def test_unknown_labels_and_broken_files_are_told(model: Path, photos: Path):
    photo(photos / "weed/1.png", 900)
    photo(photos / "weed/2.png", 901)
    (photos / "rose/0.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    found = evaluate(model, photos)
    assert found.unknown == {"weed": 2} and list(found.broken) == [str(photos / "rose/0.png")]
    assert found.fresh is not None and found.fresh.count == 23
    shutil.rmtree(photos / "rose"), shutil.rmtree(photos / "tulip"), shutil.rmtree(photos / "daisy")
    with pytest.raises(UnknownName, match="weed") as caught:
        evaluate(model, photos)
    assert "daisy, rose, tulip" in caught.value.mend


def test_only_broken_images_are_told(model: Path, tmp_path: Path):
    (tmp_path / "bad/rose").mkdir(parents=True)
    (tmp_path / "bad/rose/1.jpg").write_bytes(b"x")
    with pytest.raises(NoImages, match=r"of 1 image in .* none can be read"):
        evaluate(model, tmp_path / "bad")


def test_the_command_prints_figures_with_intervals_or_json(model: Path, photos: Path):
    shown = run("evaluate", model, photos)
    assert shown.code == 0, shown.err
    assert "24 images new to the model" in shown.out and " to " in shown.out and "wrong: " in shown.out
    told = run("evaluate", model, photos, "--json")
    assert json.loads(told.out)["fresh"]["count"] == 24
    assert from_json(told.out, Evaluated) == evaluate(model, photos)


def test_what_is_not_used_is_told_and_the_layout_can_be_said(model: Path, photos: Path, tmp_path: Path):
    shutil.copytree(photos, tmp_path / "sides/train")
    shutil.copytree(photos, tmp_path / "sides/test")
    photo(tmp_path / "sides/more/0.png", 900)
    (tmp_path / "sides/notes.txt").write_text("hello")
    with pytest.raises(UnclearLayout):
        evaluate(model, tmp_path / "sides")
    found = evaluate(model, tmp_path / "sides", options=ScanOptions("splits"))
    assert found.fresh is not None and found.fresh.count == 24
    assert [(one.path, one.kind) for one in found.unused] == [("more/", UnusedKind.OUTSIDE), ("notes.txt", UnusedKind.NO_IMAGE)]
    done = run("evaluate", model, tmp_path / "sides", "--layout", "splits")
    assert "Not used: 1 file (stray images): more/ (is no side of the split; 1 image)" in done.err
    assert from_json(to_json(found), Evaluated) == found
