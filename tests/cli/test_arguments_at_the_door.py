"""Arguments that mean nothing are refused before anything is made: empty paths, spans that are none, ratings that break off."""

import sqlite3
from pathlib import Path

import pytest

from receptron.data.dataset.scan import find_images, scan
from receptron.errors import BadValue
from receptron.jobs.training.run_directory import choose_folder
from shell import run

EMPTY = {
    "train": ("train", ""),
    "train --out": ("train", "photos", "--out", ""),
    "train --cache": ("train", "photos", "--cache", ""),
    "train --tensorboard": ("train", "photos", "--tensorboard", ""),
    "audit": ("audit", ""),
    "predict, the model": ("predict", "", "cat.png"),
    "predict, an image": ("predict", "model", "cat.png", ""),
    "evaluate, the model": ("evaluate", "", "photos"),
    "evaluate, the images": ("evaluate", "model", ""),
    "inspect --html": ("inspect", "lenet5", "--html", ""),
    "inspect --image": ("inspect", "lenet5", "--image="),
    "compare --html": ("compare", "lenet5", "lenet5", "--html", ""),
    "practice --store": ("practice", "--store", "", "progress"),
    "practice sheet": ("practice", "sheet", "--html", ""),
    "practice export": ("practice", "--store", "a.sqlite", "export", ""),
    "practice import": ("practice", "--store", "a.sqlite", "import", ""),
}


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_path_is_not_the_folder_one_stands_in(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    done = run(*EMPTY[name])
    assert done.code == 2 and "the path is empty" in done.err and done.out == ""
    assert not list(tmp_path.iterdir())


def test_an_empty_path_from_python_is_refused_too():
    for act in (lambda: scan(""), lambda: find_images([""]), lambda: choose_folder("photos", "")):
        with pytest.raises(BadValue, match="the path is empty"):
            act()


@pytest.mark.parametrize("every", ["nan", "inf", "-inf", "0", "-0.0", "-1"])
def test_checkpoints_need_a_span_of_time(every: str, tmp_path: Path):
    done = run("train", tmp_path, "--every", every, "--out", tmp_path / "out")
    assert done.code == 2 and "is no span of time" in done.err and not (tmp_path / "out").exists()


@pytest.mark.parametrize("typed", [b"", b"3\n4\n", b"q\n", b"5\nq\n3\n"])
def test_ratings_that_end_early_are_no_fault_and_are_not_kept(typed: bytes, tmp_path: Path):
    done = run("practice", "--store", tmp_path / "a.sqlite", "assess", stdin=typed)
    assert done.code == 0 and not done.err and not (tmp_path / "a.sqlite").exists()


def test_ratings_to_the_end_are_kept(tmp_path: Path):
    done = run("practice", "--store", tmp_path / "a.sqlite", "assess", stdin=b"3\n" * 9)
    assert done.code == 0
    with sqlite3.connect(tmp_path / "a.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (9,)
    connection.close()
