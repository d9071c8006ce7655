"""Recipes through the whole job: what is asked for is in record, report and bundle, and the bundle answers as training judged it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from photos import CLASSES, folder, photo
from scipy.special import softmax

from receptron import Recipe
from receptron.bundle.contradictions import contradictions
from receptron.bundle.model import load
from receptron.errors import BadValue
from receptron.jobs.options import Extras
from receptron.jobs.training.train import train
from receptron.training.balancing.class_balance import class_balance
from receptron.training.records import Run
from shell import run

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("photos") / "photos", 12)


@pytest.fixture(scope="module")
def imbalanced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("rare") / "photos"
    for label, count in zip(CLASSES, (30, 16, 8), strict=True):
        for i in range(count):
            photo(root / label / f"{i:03d}.png", label, i)
    return root


def trained(photos: Path, out: Path, recipe: Recipe, weights: str | Path = "none", net: str = "lenet5") -> Run:
    return train(photos, out, net, weights, extras=Extras(precision="float32", cache=out.parent / "cache", recipe=recipe))


def test_probabilities_of_a_balanced_model_are_those_of_the_data_and_answers_weigh_classes_alike(imbalanced: Path, tmp_path: Path):
    found = trained(imbalanced, tmp_path / "out", Recipe(balance="sampler"))
    model = load(tmp_path / "out")
    counts = [side.train for side in found.split.counts]
    weights = np.array([sum(counts) / len(counts) / count for count in counts])
    assert found.card.offsets is not None and np.allclose(found.card.offsets, -np.log(weights))
    files = sorted(imbalanced.rglob("*.png"))
    logits = model.scores(files).logits
    expected = softmax(logits / found.card.temperature - np.log(weights), axis=1)
    for answer, scores, chances in zip(model.predict(files), logits, expected, strict=True):
        assert answer.predicted == model.classes[int(scores.argmax())]
        assert list(answer.probabilities.values()) == pytest.approx(chances)
        assert answer.confidence == pytest.approx(answer.probabilities[answer.predicted])
        assert answer.candidates[:1] in ((), (answer.predicted,)) and answer.top(2)[0] == (answer.predicted, answer.confidence)
    told = run("predict", str(tmp_path / "out"), str(files[0]))
    assert told.code == 0 and "weigh each class alike" in told.err and model.predict(files[:1])[0].predicted in told.out
    judged = {one.sha256: one for one in found.judged}
    assert len(judged) == found.card.evaluation.count
    page = found.report.read_text()
    assert "How rare classes were weighed" in page and "led back to the shares" in page
    wrong = replace(found.card, offsets=found.card.offsets[:2])
    assert any("offsets has 2 numbers" in line for line in contradictions(wrong))


def test_classes_of_like_size_are_left_alone_by_auto_and_the_ways_are_told_where_they_are_not(
    photos: Path, imbalanced: Path, weights: Path, tmp_path: Path
):
    even = trained(photos, tmp_path / "even", Recipe(balance="auto"), weights)
    assert even.balance is not None and even.balance.method == "none" and "under 1.5" in even.balance.why and not even.balance.tried
    rare = trained(imbalanced, tmp_path / "rare", Recipe(balance="auto"), weights)
    assert rare.balance is not None
    assert [one.method for one in rare.balance.tried] == ["none", "sampler", "weights", "focal"]
    assert [one.chosen for one in rare.balance.tried].count(True) == 1
    assert all((one.gain is None) == (one.method == "none") for one in rare.balance.tried)
    chosen = next(one for one in rare.balance.tried if one.chosen)
    assert chosen.method == rare.balance.method and (chosen.gain is None or chosen.gain.low > 0)
    counts = np.repeat(np.arange(3), [side.train for side in rare.split.counts])
    import torch

    assert rare.card.offsets == class_balance(rare.balance.method, torch.from_numpy(counts), 3).offsets
    assert "Gain over none" in rare.report.read_text()


@pytest.mark.parametrize("source", ["scratch", "features"])
def test_a_hidden_head_is_saved_loaded_and_answers_as_it_was_judged(source: str, photos: Path, weights: Path, tmp_path: Path):
    found = trained(photos, tmp_path / "out", Recipe(head="hidden:24", dropout=0.3), "none" if source == "scratch" else weights)
    model = load(tmp_path / "out")
    assert found.card.head == model.card.head == "hidden:24" and found.settings["head"] == "hidden:24"
    assert model.net.embedding_width == 24 and model.net.get_submodule("head.hidden").out_features == 24
    if source == "features":
        rung = next(rung for rung in found.ladder if rung.name == "hidden head")
        assert rung.taken and rung.accuracy is not None and "asked for: 24 units with dropout 0.3" in rung.why
    answers = model.predict([photos / one.path for one in (*found.mistakes, *found.doubtful)])
    for answer, before in zip(answers, (*found.mistakes, *found.doubtful), strict=True):
        assert answer.predicted == before.predicted and answer.confidence == pytest.approx(before.confidence, abs=1e-5)
    if model.card.novelty:
        assert all(answer.novelty for answer in answers)


def test_the_rate_that_was_found_is_told_drawn_and_remembered(photos: Path, tmp_path: Path):
    found = trained(photos, tmp_path / "out", Recipe(rate="find"))
    (test,) = found.rate_searches
    assert found.settings["rate"] == "find" and test.rate < max(test.rates)
    assert max(point.rate for point in found.curves) <= test.rate
    page = found.report.read_text()
    assert "Range test of the learning rate" in page and "by a range test" in page
    again = train(
        photos, tmp_path / "again", "lenet5", "none", extras=Extras(precision="float32", recipe=Recipe(rate="find"), like=tmp_path / "out")
    )
    assert again.rate_searches == found.rate_searches


@pytest.mark.parametrize(
    ("recipe", "net"),
    [(Recipe(drop_path=0.1), "lenet5"), (Recipe(head="hidden:8"), "squeezenet1_1"), (Recipe(drop_path=0.2), "alexnet")],
)
def test_what_the_network_has_no_place_for_is_refused_before_any_work(recipe: Recipe, net: str, photos: Path, tmp_path: Path):
    with pytest.raises(BadValue):
        trained(photos, tmp_path / "out", recipe, net=net)


@pytest.mark.parametrize(
    "flags", [["--rate", "much"], ["--head", "hidden:x"], ["--balance", "some"], ["--schedule", "one"], ["--ema", "2"]]
)
def test_flags_that_cannot_be_are_refused_by_name(flags: list[str], photos: Path, tmp_path: Path):
    told = run("train", str(photos), *flags, "--out", str(tmp_path / "out"))
    assert told.code == 2 and flags[1] in told.err and "Traceback" not in told.err
    assert not (tmp_path / "out").exists()
