"""Training from scratch: what is held out, what chooses the epoch, and how long it may take."""

from pathlib import Path

import numpy as np
import pytest
import torch
from small import context
from torch.nn import functional as F

from receptron.data.preprocessing.normalize import prepare
from receptron.training.hardware.device import Engine
from receptron.training.inference import answers_on_canvases
from receptron.training.ladder import from_scratch
from receptron.training.ladder.from_scratch import pixels_of, train_from_scratch
from receptron.training.records import PhaseName
from receptron.zoo import build


def make():
    return build("lenet5", classes=3, channels=3)


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(from_scratch, "EPOCHS", (2, 4))


def test_one_fold_is_held_out_and_its_images_get_honest_answers():
    place = context(60, folds=5)
    found = train_from_scratch(make, place)
    assert np.array_equal(found.outcome.rows, place.folds[0])
    part = place.images.part(place.folds[0])
    assert np.allclose(found.outcome.logits, answers_on_canvases(found.outcome.net, place, part, Engine()), atol=1e-5)
    rung = found.rungs[-1]
    assert rung.taken and rung.accuracy is None and rung.gain is None, "images that chose the epoch do not judge it"
    assert f"the best by the {len(place.folds[0])} images held out was kept" in rung.why


def test_with_every_fold_judging_none_chooses_the_epoch():
    place = context(60, folds=3, full=True)
    found = train_from_scratch(make, place)
    assert sorted(found.outcome.rows.tolist()) == list(range(60))
    assert all(point.accuracy is None for point in found.outcome.points)
    right = found.outcome.logits.argmax(1) == place.images.targets.numpy()[found.outcome.rows]
    assert found.rungs[-1].accuracy and found.rungs[-1].accuracy.value == pytest.approx(right.mean())
    assert {point.phase for point in found.outcome.points} == {PhaseName("from scratch", i) for i in range(3)}


def test_initial_weights_hang_on_the_seed_and_the_fold_alone():
    torch.manual_seed(1)
    first = train_from_scratch(make, context(60)).outcome.net
    torch.manual_seed(2)
    second = train_from_scratch(make, context(60)).outcome.net
    assert all(torch.equal(a, b) for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True))


@pytest.mark.parametrize(("seconds", "epochs"), [(1e6, 4), (100, 3), (1e-3, 2)])
def test_epochs_follow_from_images_time_and_speed(seconds: float, epochs: int, monkeypatch: pytest.MonkeyPatch):
    place = context(60, folds=3, seconds=seconds)
    plan = from_scratch._plan(place, speed=40 * 3.5 / (0.7 * 100), trained=1)
    assert plan.epochs == epochs


def test_the_number_of_epochs_stands_after_a_restart(tmp_path: Path):
    early, late = context(60, tmp_path, folds=3), context(60, tmp_path, folds=3, seconds=1e-3)
    assert from_scratch._plan(early, 100.0, 1).epochs == 4
    from dataclasses import replace

    from receptron.training.checkpointing.decision_log import DecisionLog

    late = replace(late, environment=replace(late.environment, decisions=DecisionLog(tmp_path / "decisions.json")))
    assert from_scratch._plan(late, 100.0, 1).epochs == 4


def test_the_nearest_neighbour_compares_centred_pictures_averaged_down():
    place = context(12)
    pictures = prepare(place.pictures(place.images), place.spec, 3)
    expected = F.avg_pool2d(pictures, 2).reshape(12, -1)
    assert torch.allclose(pixels_of(place, place.images), expected - expected.mean(1, keepdim=True), atol=1e-5)
