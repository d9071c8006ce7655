"""The ladder as a whole: every rung in its order, from the one below; the network that comes out is the one that was judged."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from small import context, net
from torch import nn

from receptron.errors import TooLittleTime
from receptron.training.context import TrainingContext
from receptron.training.features.extraction import pooled_centres
from receptron.training.inference import answers_on_canvases
from receptron.training.ladder import cross_validation, ladder
from receptron.training.ladder.cross_validation import CrossValidated
from receptron.training.ladder.ladder import run_ladder


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ladder, "VISITS", 10)


def frozen_part(made: nn.Module) -> dict[str, torch.Tensor]:
    return {name: t.clone() for name, t in made.state_dict().items() if name.startswith(("stem", "stages.0", "stages.1"))}


def without_time(count: int) -> TrainingContext:
    """As if the time had been used up when the features were there."""
    place = context(count, seconds=1e-9)
    place.environment.decisions.note("views", 4)
    return place


def test_where_nothing_is_gained_the_linear_head_stays_on_an_untouched_backbone():
    made, place = net(), without_time(36)
    before = copy.deepcopy(made.state_dict())
    found = run_ladder(made, place)
    assert [rung.name for rung in found.rungs] == ["majority class", "nearest neighbour", "linear head", "last stage"]
    assert found.outcome.rung == "linear head" and "left" in found.outcome.stopped
    changed = {name for name, t in found.outcome.net.state_dict().items() if not torch.equal(t, before[name])}
    assert changed == {"head.fc.weight", "head.fc.bias"}
    assert np.array_equal(found.outcome.rows, np.arange(36)) and found.outcome.logits.shape == (36, 3)


def test_the_head_in_the_network_answers_as_the_head_on_features():
    found = run_ladder(net(), without_time(36))
    place = context(36)
    straight = answers_on_canvases(found.outcome.net, place, place.images, found.features.engine)
    weight, bias = ladder.last_layer(found.outcome.net).weight, ladder.last_layer(found.outcome.net).bias
    with torch.no_grad():
        from_features = (found.features.pooled[:, 0] @ weight.T + bias).numpy()
    assert np.allclose(straight, from_features, atol=1e-3)


@pytest.fixture
def every_rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every rung is taken; the phases that were trained, in their order."""
    trained, own = list[str](), cross_validation.fit
    monkeypatch.setattr(cross_validation, "_hopeless", lambda *_: "")
    monkeypatch.setattr(CrossValidated, "taken", property(lambda self: bool(self.modules)))
    monkeypatch.setattr(cross_validation, "fit", lambda phase, *rest: (trained.append(str(phase.name)), own(phase, *rest))[1])
    return trained


def test_taken_rungs_are_trained_on_folds_and_then_on_everything(every_rung: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made, place, own, tails = net(), context(36, tmp_path / "work", tmp_path / "cache"), ladder._everything, []
    before = frozen_part(made)
    monkeypatch.setattr(ladder, "_everything", lambda whole, *rest: (tails.append(frozen_part(whole)), own(whole, *rest))[1])
    found = run_ladder(made, place)
    folds = [f"without fold {i}" for i in (1, 2, 3)]
    assert every_rung == [f"{rung}, {part}" for rung in ("last stage", "everything") for part in (*folds, "all training images")]
    assert all(torch.equal(t, before[name]) for name, t in tails[0].items()), "rung 2 leaves what lies before the boundary alone"
    assert not torch.equal(found.outcome.net.state_dict()["stem.conv.weight"], before["stem.conv.weight"]), "rung 3 does not"
    assert (found.outcome.rung == "everything" and found.outcome.stopped == "everything is the top of the ladder") or found.outcome.stopped
    assert {str(point.phase) for point in found.outcome.points} == set(every_rung)


@pytest.mark.parametrize("count", [24, 36])
def test_other_images_are_described_as_those_of_the_training_side_were_whatever_was_learnt_since(every_rung: list[str], count: int):
    place = context(count)
    found = run_ladder(net(), place)
    assert every_rung and found.outcome.rung in ("last stage", "everything")
    assert torch.allclose(pooled_centres(found.features, place, place.images), found.features.pooled[:, 0], atol=1e-4)


def test_a_climb_twice_is_the_same_and_one_resumed_as_well(every_rung: list[str], tmp_path: Path):
    first = run_ladder(net(), context(36, tmp_path / "a", tmp_path / "cache")).outcome
    again = run_ladder(net(), context(36, tmp_path / "b", tmp_path / "cache")).outcome
    trained = len(every_rung)
    resumed = run_ladder(net(), context(36, tmp_path / "a", tmp_path / "cache")).outcome
    for other in (again, resumed):
        assert all(torch.equal(a, b) for a, b in zip(first.net.state_dict().values(), other.net.state_dict().values(), strict=True))
        assert np.array_equal(first.logits, other.logits)
    assert trained == 16


def test_a_ctrl_c_before_the_first_rung_that_trains_leaves_the_linear_head():
    place = context(36)
    place.environment.signals.stop = True
    found = run_ladder(net(), place)
    assert found.outcome.rung == "linear head" and found.outcome.stopped == "it was interrupted"


def test_with_time_for_one_look_only_the_linear_head_is_fitted_and_more_time_is_asked_for():
    place = context(36, seconds=3600)
    place.environment.decisions.note("views", 0)
    found = run_ladder(net(), place)
    assert found.features.maps.shape[1] == 1 and found.outcome.rung == "linear head"
    assert "give it --time" in found.rungs[-1].why and found.rungs[-1].accuracy is None


def test_without_time_for_one_look_nothing_is_begun():
    with pytest.raises(TooLittleTime, match=r"see 36 images once") as caught:
        run_ladder(net(), context(36, seconds=1e-9))
    assert "--time" in caught.value.mend


def test_images_in_the_cache_need_no_time(tmp_path: Path):
    run_ladder(net(), context(36, cache=tmp_path))
    found = run_ladder(net(), context(36, cache=tmp_path, seconds=1e-9))
    assert found.outcome.rung == "linear head"
