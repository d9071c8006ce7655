"""Images of no class, from training to what predict prints."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import receptron
from receptron.bundle import store
from receptron.records import from_json
from receptron.training.records import Run
from shell import run


@pytest.fixture
def odd(workshop: Path) -> str:
    """Noise beside a digit."""
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(workshop / "noise.png")
    return "noise.png"


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


def test_predict_names_the_score_and_keeps_the_answer(odd: str) -> None:
    done = run("predict", "digits-model", "scans/first.png", odd)
    assert done.code == 0
    lines = done.out.splitlines()
    assert "none of these, by" in lines[0]
    assert "distance" not in lines[1] and "distance" in lines[2] and "%" in lines[2]
    assert "1 of 2 may be none of these classes" in " ".join(done.out.split())


def test_csv_and_json_tell_it_too(odd: str) -> None:
    rows = list(csv.DictReader(io.StringIO(run("predict", "digits-model", "scans/first.png", odd, "gone.png", "--csv").out)))
    assert [row["none_of_these"] for row in rows] == ["no", "yes", ""]
    assert rows[1]["class_1"] and "distance" in rows[1]["by"] and float(rows[1]["neighbour_distance"]) > 0
    found = json.loads(run("predict", "digits-model", "scans/first.png", odd, "gone.png", "--json").out)
    assert [answer["novelty"] and answer["novelty"]["none_of_these"] for answer in found["answers"]] == [False, True, None]
    assert found["strange"] == 0.05
    assert float(rows[1]["relative_mahalanobis_distance"]) == pytest.approx(found["answers"][1]["novelty"]["mahalanobis"], abs=1e-5)


def test_nothing_is_said_where_nothing_is_strange(workshop: Path) -> None:
    done = run("predict", "digits-model", "scans/first.png")
    assert "none of these" not in done.out + done.err


@pytest.mark.parametrize("why", [None, "only 12 images could be held out"])
def test_a_model_that_cannot_tell_says_why(workshop: Path, tmp_path: Path, why: str | None) -> None:
    from dataclasses import replace

    model = receptron.load("digits-model")
    card = replace(model.card, novelty=None, novelty_figures=None, novelty_unknown=why)
    store.save(tmp_path / "old", card, model.net.state_dict())
    done = run("predict", str(tmp_path / "old"), "scans/first.png")
    assert done.code == 0 and "none of these" not in done.out
    assert f"unknown: {why or 'the model was made by a version that did not look for it'}." in " ".join(done.err.split())
    assert json.loads(run("predict", str(tmp_path / "old"), "scans/first.png", "--json").out)["strange_unknown"]
