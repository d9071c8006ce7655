"""Several views of each image at prediction: which they are, that answers are their mean, and what they gain, by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cards import CLASSES, COLOUR, GREY, network, saved
from receptron.bundle.model import Model, load
from receptron.data.augmentation.prediction_views import MOST, prediction_view
from receptron.data.preprocessing.normalize import prepare
from receptron.errors import BadValue
from receptron.evaluation.grouped_intervals import paired_gain
from receptron.evaluation.temperature_scaling import mean_logits
from receptron.jobs.evaluate import evaluate
from receptron.jobs.predict import predict
from shell import run


def canvases(seed: int = 0) -> list[np.ndarray]:
    rng, made = np.random.default_rng(seed), list[np.ndarray]()
    for shape in ((80, 80), (80, 130), (111, 80)):
        coarse = Image.fromarray(rng.integers(0, 256, (7, 9, 3), dtype=np.uint8))
        made.append(np.array(coarse.resize(shape[::-1], Image.Resampling.BICUBIC)))
    return made


@pytest.fixture(scope="module")
def colour(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load(saved(tmp_path_factory.mktemp("colour") / "model", name="resnet18", channels=3, spec=COLOUR))


@pytest.mark.parametrize(("spec", "channels"), [(COLOUR, 3), (replace(COLOUR, mean=(0.5,), std=(0.3,)), 1)])
@pytest.mark.parametrize("mirrored", [False, True])
def test_the_first_view_is_the_centre_and_each_mirror_follows_its_image(spec: object, channels: int, *, mirrored: bool):
    made = [prediction_view(canvases(), spec, channels, i, mirrored=mirrored) for i in range(10)]
    assert torch.equal(made[0], prepare(canvases(), spec, channels))
    assert all(one.shape == made[0].shape for one in made)
    if mirrored:
        for even, odd in zip(made[::2], made[1::2], strict=True):
            assert torch.allclose(odd, even.flip(3), atol=1e-6)
    for i, a in enumerate(made):
        assert all(not torch.allclose(a, b, atol=1e-3) for b in made[i + 1 :]), "no view is shown twice"
    mirror = made[0].flip(3)
    assert any(torch.allclose(mirror, one) for one in made) == mirrored, "without mirror images in training none is shown"


def test_cuts_are_what_pillow_cuts_and_spread_over_the_whole_picture():
    spec = replace(COLOUR, pixels=64, mean=(0.0,) * 3, std=(1.0,) * 3)
    y, x = np.mgrid[0:100, 0:180]
    canvas = np.stack([x, y, 0 * x], 2).astype(np.uint8)  # it tells its coordinates
    made = torch.cat([prediction_view([canvas], spec, 3, i, mirrored=False) for i in range(1, MOST)]) * 255
    left, right, top, bottom = made[:, 0, 32, 0], made[:, 0, 32, -1], made[:, 1, 0, 32], made[:, 1, -1, 32]
    assert left.min() < 8 and right.max() > 170 and top.min() < 4 and bottom.max() > 95
    side = (right - left) * 64 / 63
    assert side.min() > 76 and side.max() < 102 and torch.allclose(side, (bottom - top) * 64 / 63, atol=2.5)


@pytest.mark.parametrize("views", [2, 3, 7])
def test_probabilities_are_the_means_of_the_views(colour: Model, views: int):
    given = canvases(1)
    found = colour.scores(given, views=views)
    net = network("resnet18", 3)
    with torch.no_grad():
        each = [(net(prediction_view(given, COLOUR, 3, i, mirrored=False)).double() / 1.7).softmax(1).numpy() for i in range(views)]
    answers = np.array([list(answer.probabilities.values()) for answer in colour.predict(given, views=views)])
    assert np.allclose(answers, np.mean(each, 0), atol=1e-5)
    assert not np.allclose(answers, each[0], atol=1e-3) and not np.allclose(answers, np.mean(each[1:], 0), atol=1e-3)
    assert np.array_equal(found.centre, colour.scores(given).logits) and len(found.seconds) == views
    assert np.allclose(colour.predict(given, batch=1, views=views)[2].confidence, answers[2].max(), atol=1e-5)


def test_one_view_changes_no_bit(colour: Model):
    given = canvases(2)
    one = colour.scores(given, views=1)
    assert np.array_equal(one.logits, one.centre) and np.array_equal(mean_logits(one.logits[None], 1.7), one.logits)


@pytest.mark.parametrize("views", [0, -1, 33, 2.5, True, "3"])
def test_other_numbers_of_views_are_refused_everywhere(colour: Model, views: object, tmp_path: Path):
    for ask in (
        lambda: colour.scores([], views=views),
        lambda: predict(tmp_path, [], views=views),
        lambda: evaluate(tmp_path, tmp_path, views=views),
    ):
        with pytest.raises(BadValue, match="views is"):
            ask()


def test_what_views_gain_is_counted_on_new_images(tmp_path: Path):
    model = saved(tmp_path / "model", spec=GREY)
    files = list[Path]()
    for c, label in enumerate(CLASSES):
        for i in range(14):
            coarse = Image.fromarray(np.random.default_rng(100 * c + i).integers(0, 256, (5, 6, 3), dtype=np.uint8))
            files.append(tmp_path / "photos" / label / f"{i}.png")
            files[-1].parent.mkdir(parents=True, exist_ok=True)
            coarse.resize((90, 70), Image.Resampling.BICUBIC).save(files[-1])
    found, loaded = evaluate(model, tmp_path / "photos", views=5), load(model)
    truth = [file.parent.name for file in sorted(files)]
    alone = np.array([a.predicted == t for a, t in zip(loaded.predict(sorted(files)), truth, strict=True)])
    together = np.array([a.predicted == t for a, t in zip(loaded.predict(sorted(files), views=5), truth, strict=True)])
    assert found.views is not None and found.fresh is not None and found.views.count == 5
    assert (found.views.mended, found.views.broken) == (int((together & ~alone).sum()), int((alone & ~together).sum()))
    assert found.fresh.accuracy.value == pytest.approx(together.mean())
    assert found.views.gain == paired_gain(together, alone, None) and found.views.cost > 1
    assert evaluate(model, tmp_path / "photos").views is None
    told = run("evaluate", str(model), str(tmp_path / "photos"), "--views", "5")
    assert told.code == 0 and "5 views of each image" in told.out and "mended" in told.out and "times the network's time" in told.out
    assert run("predict", str(model), str(files[0]), "--views", "3").code == 0
    assert run("predict", str(model), str(files[0]), "--views", "99").code == 2
