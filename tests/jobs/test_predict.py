"""Prediction of files, folders, patterns and lists: broken ones told, the rest answered, and CSV that no spreadsheet runs."""

import codecs
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
from receptron.errors import BadValue, BundleCorrupt, NotABundle
from receptron.evaluation.records import Answer
from receptron.jobs.path_list import listed
from receptron.jobs.predict import Predicted, predict, table
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


def test_folders_and_patterns_are_answered_once_and_a_file_named_outright_where_it_stands(model: Path, photos: Path):
    found = predict(model, [photos / "inner", str(photos / "*.png"), photos / "inner/2.png"])
    assert [Path(answer.path).name for answer in found.answers] == ["2.png", "3.png", "0.png", "1.png", "cut.png", "2.png"]
    assert (found.answered, found.broken) == (5, 1)
    assert found.answers[0] == found.answers[5]
    alone = load(model).predict([photos / "inner/3.png"])[0]
    assert found.answers[1].probabilities == pytest.approx(alone.probabilities, abs=1e-5)
    assert from_json(to_json(found), Predicted) == found


def test_paths_that_name_nothing_are_told_and_the_rest_answered(model: Path, photos: Path, tmp_path: Path):
    found = predict(model, [photos / "gone.png", photos / "0.png", str(photos / "*.tiff"), tmp_path])
    assert (found.answered, found.broken) == (1, 3)
    assert [answer.fault for answer in found.answers] == ["no such file", None, "no such file", "no image in it"]


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
        (b"a.jpg\r\nb.jpg", ["a.jpg", "b.jpg"]),
        (b"a.jpg\n\nb.jpg\n\n \n", ["a.jpg", "", "b.jpg"]),
        ("\u00e9 1.jpg\r\nb.jpg\r\n".encode("utf-16"), ["\u00e9 1.jpg", "b.jpg"]),
        (codecs.BOM_UTF16_BE + "a.jpg\n\u732b.jpg".encode("utf-16-be"), ["a.jpg", "\u732b.jpg"]),
        ("a.jpg\nb.jpg".encode("utf-32"), ["a.jpg", "b.jpg"]),
        ("a.jpg\r\nb.jpg".encode("utf-8-sig"), ["a.jpg", "b.jpg"]),
        (b"a.jpg\0b.jpg", ["a.jpg", "b.jpg"]),
        (b"a\nb.jpg\0c.jpg\0", ["a\nb.jpg", "c.jpg"]),
        (b"\xff.jpg\n", ["\udcff.jpg"]),
        (b"", []),
    ],
)
def test_lists_are_separated_by_lines_or_nul(text: bytes, names: list[str]):
    assert [path.text for path in listed(text)] == names
    assert [path.line for path in listed(text)] == [*range(1, len(names) + 1)]


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
    assert [(Path(answer.path).name, answer.fault) for answer in found.answers] == [("inner", "not allowed to read it"), ("0.png", None)]


@pytest.mark.parametrize(
    "data, words",
    [
        ("a.jpg\nb.jpg\n".encode("utf-16-le"), "UTF-16 without its mark"),
        ("/\n".encode("utf-16-be"), "UTF-16 without its mark"),
        ("/\u7167\u7247/\u732b.jpg\r\n".encode("utf-16-le"), "UTF-16 without its mark"),
        (codecs.BOM_UTF16_LE + b"a\0b", "UTF-16"),
        (codecs.BOM_UTF32_LE + b"a\0", "UTF-32"),
        (codecs.BOM_UTF16_LE + b"\0\xd8a\0", "UTF-16"),
    ],
)
def test_lists_that_are_not_what_they_seem_are_refused(data: bytes, words: str):
    with pytest.raises(BadValue, match=words):
        listed(data)


ENCODINGS = {"UTF-8": "utf-8", "with a mark": "utf-8-sig", "UTF-16": "utf-16", "UTF-32": "utf-32"}


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_csv_has_a_row_for_each_line_of_a_list_in_its_order(name: str, line_end: str, model: Path, photos: Path):
    lines = ["3.png", "gone.png", "1.png", "", "*.png", "3.png", "cut.png", "1.png", "/no/such/[0].png"]
    given = [str(photos / ("inner" if line == "3.png" else ".") / line) if line else "" for line in lines]
    done = run("predict", model, "-", "--csv", stdin=(line_end.join(given) + line_end).encode(ENCODINGS[name]))
    rows = list(csv.reader(io.StringIO(done.out, newline="")))[1:]
    assert [Path(row[0]) for row in rows] == [Path(path) for path in given]
    assert [row[1] for row in rows if row[1] and "truncated" not in row[1]] == [
        "no such file (line 2 of the list)", "a blank line (line 4 of the list)", "no such file (line 5 of the list)",
        "no such file (line 9 of the list)",
    ]  # fmt: skip
    assert "truncated" in rows[6][1] and rows[0][2:] == rows[5][2:] and rows[2][2:] == rows[7][2:] and rows[0][2]
    assert done.code == 0


def test_a_folder_in_a_list_is_answered_where_it_stands(model: Path, photos: Path):
    found = predict(model, listed(f"{photos / '1.png'}\n{photos / 'inner'}\n{photos / '0.png'}".encode()))
    assert [Path(answer.path).name for answer in found.answers] == ["1.png", "2.png", "3.png", "0.png"]


@pytest.mark.parametrize("what", ["._model.json", "._MANIFEST.json", "._model.safetensors"])
def test_what_a_mac_leaves_beside_a_model_is_passed_over(what: str, photos: Path, tmp_path: Path):
    folder = saved(tmp_path / "model")
    (folder / what).write_bytes(b"\0\5\x16\7" + bytes(60))
    assert predict(folder, [photos / "0.png"]).answered == 1
    saved(folder)  # and a new model takes its place


@pytest.mark.parametrize("names", [("model.json",), ("split.csv",), ("MANIFEST.json",), ("model.json", "split.csv", "MANIFEST.json")])
def test_a_model_whose_text_has_line_ends_of_windows_answers_as_before_and_says_so(names: tuple[str, ...], photos: Path, tmp_path: Path):
    folder = saved(tmp_path / "model")
    before = predict(folder, [photos / "0.png"])
    for name in names:
        text = (folder / name).read_bytes()
        assert b"\r" not in text
        (folder / name).write_bytes(text.replace(b"\n", b"\r\n"))
    assert predict(folder, [photos / "0.png"]).answers == before.answers
    told = run("predict", folder, photos / "0.png").err
    assert [name for name in names if name != "MANIFEST.json" and f"{name}: its line ends" in " ".join(told.split())] == [
        name for name in names if name != "MANIFEST.json"
    ]


def test_weights_converted_as_text_are_read_only_if_nothing_was_lost(photos: Path, tmp_path: Path):
    folder = saved(tmp_path / "model")
    path = folder / "model.safetensors"
    data = path.read_bytes()
    path.write_bytes(data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    if b"\r\n" not in data:
        assert predict(folder, [photos / "0.png"]).answered == 1
    path.write_bytes(data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")[:-1] + b"\1")
    with pytest.raises(BundleCorrupt, match="CRLF") as caught:
        predict(folder, [photos / "0.png"])
    assert "model.safetensors" in caught.value.what and "binary" in caught.value.mend


LISTS = {
    "list.txt": ("{0}\n{1}\n", "utf-8"),
    "wide.txt": ("{0}\r\n{1}\r\n", "utf-16"),
    "gone.lst": ("elsewhere/x.JPG\nelsewhere/y.webp", "utf-8"),
    "folders": ("\n{2}\n", "utf-8"),
    "cut names.csv": ("{0}\0{1}\0", "utf-8"),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_given_as_if_it_were_an_image_is_told_how_to_be_given(name: str, model: Path, photos: Path, tmp_path: Path):
    text, encoding = LISTS[name]
    (tmp_path / name).write_bytes(text.format(photos / "0.png", photos / "1.png", photos).encode(encoding))
    found = predict(model, [tmp_path / name, photos / "0.png"])
    shown = f"'{tmp_path / name}'" if " " in name else str(tmp_path / name)
    assert found.answers[0].fault == f"a list of paths, no image: give it as - < {shown}"
    assert (found.answered, found.broken) == (1, 1)


@pytest.mark.parametrize("text", [b"no image", b"path,label\na.jpg,cat\n", b"", b"x.jpg is fine\n", b"\xff\xfe\0"])
def test_another_text_is_no_list(text: bytes, model: Path, photos: Path, tmp_path: Path):
    (tmp_path / "notes.txt").write_bytes(text)
    fault = predict(model, [tmp_path / "notes.txt", photos / "0.png"]).answers[0].fault
    assert fault and "a list of paths" not in fault


def test_each_line_of_a_list_has_its_rows_whatever_the_order(model: Path, tmp_path: Path):
    """A folder's line has a row for each image in it, also where another line names one of them."""
    inside = [photo(tmp_path / f"new/{number}.png", number) for number in range(3)]
    new = tmp_path / "new"
    for lines, rows in (([inside[0], new], 4), ([new, inside[0]], 4), ([inside[1], inside[1]], 2), ([new, new], 6)):
        found = predict(model, listed("".join(f"{line}\n" for line in lines).encode()))
        assert len(found.answers) == found.answered == rows


def test_lists_are_bounded_and_long_or_blank_lines_are_named_shortly(model: Path, monkeypatch: pytest.MonkeyPatch):
    found = predict(model, listed(b"\n" + b"a" * 200_000 + b"\ngone.jpg\n"))
    assert [answer.fault for answer in found.answers] == [
        "a blank line (line 1 of the list)", "a line of 200,000 characters, longer than any path (line 2 of the list)",
        "no such file (line 3 of the list)",
    ]  # fmt: skip
    assert [len(answer.path) < 100 for answer in found.answers] == [True] * 3 and found.answers[0].path == ""
    monkeypatch.setattr("receptron.jobs.path_list.MOST", 10)
    with pytest.raises(BadValue, match="over 10 bytes long"):
        listed(b"a.jpg\nb.jpg\n")


def test_a_pipe_is_no_image_and_nobody_waits_for_its_writer(model: Path, tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (answer,) = predict(model, [tmp_path / "pipe.jpg"]).answers
    assert answer.fault and not answer.answered
