"""Prediction of files, folders, patterns and lists: broken ones told, the rest answered, and CSV that no spreadsheet runs."""

import csv
import errno
import io
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cards import CLASSES, saved
from receptron.bundle.model import load
from receptron.errors import BadValue, NotABundle
from receptron.evaluation.records import Answer
from receptron.jobs.predict import Predicted, listed, predict, table
from receptron.records import from_json, to_json
from shell import run


def photo(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = Image.fromarray(np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8))
    coarse.resize((60, 40), Image.Resampling.BICUBIC).save(path)
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("model") / "model")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("photos")
    for i in range(4):
        photo(root / ("inner" if i > 1 else ".") / f"{i}.png", i)
    (root / "cut.png").write_bytes((root / "0.png").read_bytes()[:90])
    (root / "notes.txt").write_text("no image")
    return root


def test_folders_files_and_patterns_are_answered_once_each(model: Path, photos: Path):
    found = predict(model, [photos / "inner", str(photos / "*.png"), photos / "inner/2.png"])
    assert [Path(answer.path).name for answer in found.answers] == ["2.png", "3.png", "0.png", "1.png", "cut.png"]
    assert (found.answered, found.broken) == (4, 1)
    alone = load(model).predict([photos / "inner/3.png"])[0]
    assert found.answers[1].probabilities == pytest.approx(alone.probabilities, abs=1e-5)
    assert from_json(to_json(found), Predicted) == found


def test_paths_that_name_nothing_are_told_and_the_rest_answered(model: Path, photos: Path, tmp_path: Path):
    found = predict(model, [photos / "gone.png", photos / "0.png", str(photos / "*.tiff"), tmp_path])
    assert (found.answered, found.broken) == (1, 3)
    assert [answer.fault for answer in found.answers] == [None, "no such file", "no such file", "no image in it"]


def test_a_place_without_a_model_is_told(photos: Path):
    with pytest.raises(NotABundle):
        predict(photos, [photos])


def test_the_folder_of_a_run_stands_for_the_model_inside(tmp_path: Path, photos: Path):
    saved(tmp_path / "run/model")
    (tmp_path / "run/report.html").write_text("")
    assert predict(tmp_path / "run", [photos / "0.png"]).answered == 1


@pytest.mark.parametrize(
    "text, names",
    [
        (b"a.jpg\nb c.jpg\n", ["a.jpg", "b c.jpg"]),
        (b"a.jpg\r\n\r\nb.jpg", ["a.jpg", "b.jpg"]),
        (b"a\nb.jpg\0c.jpg\0", ["a\nb.jpg", "c.jpg"]),
        (b"\xff.jpg\n", ["\udcff.jpg"]),
        (b"", []),
    ],
)
def test_lists_are_separated_by_lines_or_nul(text: bytes, names: list[str]):
    assert listed(text) == names


NASTY = ["=cmd|'/c calc'!A1", "+1", "-1", "@x", "\tx", "\rx", 'a"b', "a,b", "a\nb", "a\r\nb", "a\0b", " =1", "é", "plain.jpg"]


def test_csv_survives_every_name_and_runs_none(model: Path, photos: Path):
    good = predict(model, [photos / "0.png"])
    answers = tuple(replace(good.answers[0], path=name) for name in NASTY)
    text = table(replace(good, answers=answers), top=2)
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    assert header == ["path", "fault", "class_1", "probability_1", "class_2", "probability_2"]
    assert "\0" not in text
    for name, row in zip(NASTY, rows, strict=True):
        assert len(row) == 6 and row[0].lstrip("'") == name.replace("\0", "")
        assert row[0][0] not in "=+-@\t\r"


def test_labels_that_look_like_formulas_are_disarmed_too():
    answer = Answer("a.jpg", "=1+1", 1.0, {"=1+1": 1.0})
    rows = list(csv.reader(io.StringIO(table(Predicted(Path("m"), ("=1+1",), 1, 0, (answer,)), top=5), newline="")))
    assert rows == [["path", "fault", "class_1", "probability_1"], ["a.jpg", "", "'=1+1", "1.000000"]]


def test_broken_files_keep_their_row_in_csv(model: Path, photos: Path):
    rows = list(csv.DictReader(io.StringIO(table(predict(model, [photos / "cut.png", photos / "0.png"])), newline="")))
    assert [bool(row["fault"]) for row in rows] == [True, False] and rows[0]["class_1"] == "" and rows[1]["class_1"] in CLASSES
    with pytest.raises(BadValue, match="top is 0"):
        table(predict(model, [photos / "0.png"]), top=0)


def test_the_command_reads_a_list_and_prints_json(model: Path, photos: Path):
    done = run("predict", model, "-", "--json", stdin=f"{photos / '0.png'}\0{photos / 'cut.png'}\0".encode())
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["answered"] == 1 and found["broken"] == 1 and set(found["answers"][0]["probabilities"]) == set(CLASSES)
    assert "cut.png: " in done.err and "1 of 2 could not be answered" in done.err


def test_the_command_fails_only_if_nothing_could_be_answered(model: Path, photos: Path, tmp_path: Path):
    some = run("predict", model, photos, "--top", "2")
    assert some.code == 0 and "%" in some.out and "cut.png" in some.err
    (tmp_path / "[bold]\x1b[31m\xff.png").write_bytes(b"x")
    none = run("predict", model, tmp_path / "[bold]\x1b[31m\xff.png", photos / "cut.png")
    assert none.code == 1 and not none.out
    assert "[bold]\\x1b[31m" in none.err and "\x1b" not in none.err
    assert run("predict", model, "-", stdin=b"").code == 1


def test_misuse_and_missing_models_have_their_own_codes(model: Path, photos: Path):
    both = run("predict", model, photos, "--csv", "--json")
    assert both.code == 2 and "exclude each other" in both.err
    gone = run("predict", photos / "nowhere", photos)
    assert gone.code == 1 and "NotABundle" in gone.err and "Traceback" not in gone.err


def test_what_is_no_image_and_folders_that_may_not_be_read_are_told(model: Path, photos: Path, monkeypatch: pytest.MonkeyPatch):
    found = predict(model, [photos])
    assert [(one.path, one.reason) for one in found.unused] == [("notes.txt", "a text file")]
    done = run("predict", model, photos, "--csv")
    assert "Not used: 1 file (no images): notes.txt (a text file)" in done.err
    assert "notes" not in done.out
    real = os.scandir

    def refusing(path: str) -> object:
        if Path(path).name == "inner":
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", refusing)
    found = predict(model, [photos, photos / "0.png"])
    assert [(Path(answer.path).name, answer.fault) for answer in found.answers] == [("0.png", None), ("inner", "not allowed to read it")]
