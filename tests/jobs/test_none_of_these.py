"""Images of no class, from training to what predict prints."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import receptron
from receptron.bundle import store
from receptron.records import from_json
from receptron.training.records import Run
from shell import run

NOISE, DIGIT = "noise.png", "scans/first.png"
FAR = 1e9


def limited(folder: Path, limits: tuple[float, float]) -> str:
    """The model with limits of its own: where those that it found lie depends on how long it learnt on this machine."""
    model = receptron.load("digits-model")
    assert model.card.novelty
    card = replace(model.card, novelty=replace(model.card.novelty, limits=limits))
    store.save(folder, card, model.net.state_dict(), model.split, model.novelty)
    return str(folder)


@pytest.fixture
def between(workshop: Path, tmp_path: Path) -> tuple[str, str, str]:
    """A model whose limit lies between two images, the one below it and the one over it: noise and a digit."""
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(workshop / NOISE)
    found = {answer.path: answer.novelty.neighbours for answer in receptron.load("digits-model").predict([NOISE, DIGIT]) if answer.novelty}
    below, over = sorted(found, key=lambda path: found[path])
    assert found[below] < found[over]
    return limited(tmp_path / "limited", ((found[below] + found[over]) / 2, FAR)), below, over


def test_about_one_in_twenty_test_images_is_called_none_of_these(workshop: Path) -> None:
    card = receptron.load("digits-model").card
    assert card.novelty and card.novelty_figures and card.novelty_unknown is None
    assert (card.novelty.share, card.novelty.count, card.novelty_figures.strange.count) == (0.05, 144, 359)
    assert card.novelty_figures.strange.low < 0.08 and card.novelty_figures.strange.high > 0.02
    assert (workshop / "digits-model/model" / store.NOVELTY).stat().st_size < 8.5e6
    record = from_json(Path("digits-model/run.json").read_bytes(), Run)
    assert record.mistakes[0].novelty
    assert "is called <b>none of these</b>" in Path("digits-model/report.html").read_text()


def test_the_share_told_is_that_of_the_test_images(workshop: Path) -> None:
    record = from_json(Path("digits-model/run.json").read_bytes(), Run)
    model = receptron.load("digits-model")
    paths = [record.audit.root / placed.path for placed in model.split if placed.side == "test"]
    called = [answer.novelty.none_of_these for answer in model.predict(paths) if answer.novelty]
    assert len(called) == 359 and model.card.novelty_figures
    assert np.mean(called) == pytest.approx(model.card.novelty_figures.strange.value, abs=0.5 / 359)


def test_predict_names_the_score_and_keeps_the_answer(between: tuple[str, str, str]) -> None:
    done = run("predict", *between)
    assert done.code == 0
    lines = done.out.splitlines()
    assert "none of these, by" in lines[0]
    assert "distance" not in lines[1] and "distance" in lines[2] and "%" in lines[2]
    assert "1 of 2 may be none of these classes" in " ".join(done.out.split())


def test_csv_and_json_tell_it_too(between: tuple[str, str, str]) -> None:
    rows = list(csv.DictReader(io.StringIO(run("predict", *between, "gone.png", "--csv").out)))
    assert [row["none_of_these"] for row in rows] == ["no", "yes", ""]
    assert rows[1]["class_1"] and "distance" in rows[1]["by"] and float(rows[1]["neighbour_distance"]) > 0
    found = json.loads(run("predict", *between, "gone.png", "--json").out)
    assert [answer["novelty"] and answer["novelty"]["none_of_these"] for answer in found["answers"]] == [False, True, None]
    assert found["strange"] == 0.05
    assert float(rows[1]["relative_mahalanobis_distance"]) == pytest.approx(found["answers"][1]["novelty"]["mahalanobis"], abs=1e-5)


def test_nothing_is_said_where_nothing_is_strange(workshop: Path, tmp_path: Path) -> None:
    done = run("predict", limited(tmp_path / "limited", (FAR, FAR)), DIGIT)
    assert "none of these" not in done.out + done.err


@pytest.mark.parametrize("why", [None, "only 12 images could be held out"])
def test_a_model_that_cannot_tell_says_why(workshop: Path, tmp_path: Path, why: str | None) -> None:
    model = receptron.load("digits-model")
    card = replace(model.card, novelty=None, novelty_figures=None, novelty_unknown=why)
    store.save(tmp_path / "old", card, model.net.state_dict())
    done = run("predict", str(tmp_path / "old"), "scans/first.png")
    assert done.code == 0 and "none of these" not in done.out
    assert f"unknown: {why or 'the model was made by a version that did not look for it'}." in " ".join(done.err.split())
    assert json.loads(run("predict", str(tmp_path / "old"), "scans/first.png", "--json").out)["strange_unknown"]
