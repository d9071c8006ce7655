"""What tells images of no class, in the model directory: it answers as before, is whole or refused, and may be missing in old ones."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import torch

import receptron
from cards import CLASSES, card, network
from receptron.blocks.classifier import Classifier
from receptron.bundle import manifest, store
from receptron.bundle.store import CARD, NOVELTY
from receptron.errors import BundleCorrupt
from receptron.evaluation.novelty.fitting import novelty_scorer
from receptron.evaluation.novelty.rule import NoveltyRule

WIDTH = 84  # of what the class layer of LeNet-5 sees
PICTURES = [np.random.default_rng(i).integers(0, 256, (40, 50, 3), dtype=np.uint8) for i in range(5)]
RULE = NoveltyRule(0.05, (0.9, 3.0), 60, grouped=False)
Arrays = dict[str, np.ndarray]


def saved(folder: Path) -> Path:
    source = np.random.default_rng(0)
    scorer = novelty_scorer(source.normal(size=(60, WIDTH)).astype(np.float32), source.integers(len(CLASSES), size=60))
    return store.save(folder, replace(card(), novelty=RULE), network().state_dict(), novelty=scorer)


def rewritten(folder: Path, change: Callable[[Arrays], object]) -> None:
    """Change the arrays of the file and make the manifest agree."""
    arrays = safetensors.numpy.load_file(folder / NOVELTY)
    change(arrays)
    (folder / NOVELTY).write_bytes(safetensors.numpy.save(arrays))
    agree(folder)


def agree(folder: Path) -> None:
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != manifest.NAME}
    (folder / manifest.NAME).write_bytes(manifest.of(files))


def test_a_loaded_model_tells_of_each_image_what_the_scorer_says_of_its_embedding(tmp_path: Path) -> None:
    model = receptron.load(saved(tmp_path / "model"))
    found = model.predict(PICTURES)
    assert isinstance(model.net, Classifier) and model.novelty
    from receptron.data.given_images.images import to_canvas
    from receptron.data.preprocessing.normalize import prepare

    inputs = prepare([to_canvas(picture, "x", model.plan) for picture in PICTURES], model.card.input, 1)
    with torch.inference_mode():
        expected = model.novelty.scores(model.net.embed(inputs).numpy())
    for answer, row in zip(found, expected, strict=True):
        assert answer.novelty and answer.predicted
        np.testing.assert_allclose((answer.novelty.neighbours, answer.novelty.mahalanobis), row, rtol=1e-4, atol=1e-4)
        assert answer.novelty.none_of_these == bool((row > RULE.limits).any()) == bool(answer.novelty.by)


def test_answers_beside_novelty_are_those_without_it(tmp_path: Path) -> None:
    with_it = receptron.load(saved(tmp_path / "model")).predict(PICTURES)
    without = receptron.load(store.save(tmp_path / "plain", card(), network().state_dict())).predict(PICTURES)
    assert [answer.probabilities for answer in with_it] == [answer.probabilities for answer in without]
    assert all(answer.novelty is None for answer in without)


@pytest.mark.parametrize(("name", "channels", "pixels"), [("lenet5", 1, 32), ("cifar_resnet20", 3, 32), ("squeezenet1_1", 3, 64)])
def test_one_pass_gives_the_scores_and_the_embedding_of_two(name: str, channels: int, pixels: int) -> None:
    net = network(name, channels)
    assert isinstance(net, Classifier)
    images = torch.randn(2, channels, pixels, pixels)
    with torch.inference_mode():
        scores, embedding = net.scores_and_embedding(images)
        assert torch.equal(scores, net(images)) and torch.equal(embedding, net.embed(images))
        assert embedding.shape == (2, net.embedding_width)


def test_a_model_of_before_loads_and_knows_nothing_of_novelty(tmp_path: Path) -> None:
    folder = store.save(tmp_path / "model", card(), network().state_dict())
    fields = json.loads((folder / CARD).read_bytes())
    for name in ("novelty", "novelty_figures", "novelty_unknown"):
        del fields[name]
    (folder / CARD).write_text(json.dumps(fields))
    agree(folder)
    assert not (folder / NOVELTY).exists()
    assert receptron.load(folder).predict(PICTURES)[0].novelty is None


@pytest.mark.parametrize("place", [0.1, 0.5, 0.999])
def test_one_changed_byte_is_found(tmp_path: Path, place: float) -> None:
    folder = saved(tmp_path / "model")
    data = bytearray((folder / NOVELTY).read_bytes())
    data[int(place * len(data))] ^= 1
    (folder / NOVELTY).write_bytes(data)
    with pytest.raises(BundleCorrupt, match=rf"{NOVELTY} has changed"):
        receptron.load(folder)


def test_a_file_that_was_taken_away_or_put_there_is_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path / "model")
    data = (folder / NOVELTY).read_bytes()
    (folder / NOVELTY).unlink()
    with pytest.raises(BundleCorrupt, match=rf"{NOVELTY} is missing"):
        receptron.load(folder)
    agree(folder)
    with pytest.raises(BundleCorrupt, match=rf"{NOVELTY} is missing.*\n.*the card has its limits"):
        receptron.load(folder)
    other = store.save(tmp_path / "plain", card(), network().state_dict())
    (other / NOVELTY).write_bytes(data)
    with pytest.raises(BundleCorrupt, match="not part of this folder's manifest"):
        receptron.load(other)
    agree(other)
    with pytest.raises(BundleCorrupt, match=rf"{NOVELTY} has no place here"):
        receptron.load(other)


def put(name: str, value: np.ndarray) -> Callable[[Arrays], object]:
    return lambda arrays: arrays.__setitem__(name, value)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda arrays: arrays.pop("mean"), "'mean' is not there"),
        (put("more", np.zeros(3, np.float32)), "'more' is no tensor of it"),
        (put("neighbours", np.array(0)), "neighbours is 0, it must be 1 to 60"),
        (put("neighbours", np.array(61)), "neighbours is 61, it must be 1 to 60"),
        (put("neighbours", np.array([5])), r"neighbours has the shape \[1\], not \[\]"),
        (put("mean", np.full(WIDTH, np.nan, np.float32)), "mean holds NaN or infinity"),
        (put("mean", np.zeros(WIDTH)), "mean holds torch.float64"),
        (put("mean", np.zeros(WIDTH - 1, np.float32)), r"mean has the shape \[83\], not \[84\]"),
        (put("bank", np.full((60, WIDTH), 0.5, np.float16)), "bank has a row of length 4.583"),
        (put("bank", np.zeros((0, WIDTH), np.float16)), "0 images"),
        (put("bank", np.ones(60, np.float16)), r"bank has the shape \[60\]"),
        (put("offsets", np.zeros(4, np.float32)), r"offsets has the shape \[4\], not \[3\]"),
        (put("directions", np.zeros((0, WIDTH), np.float32)), "offsets has the shape"),
    ],
)
def test_arrays_that_make_no_scorer_are_refused(tmp_path: Path, change: Callable[[Arrays], object], told: str) -> None:
    folder = saved(tmp_path / "model")
    rewritten(folder, change)
    with pytest.raises(BundleCorrupt, match=told):
        receptron.load(folder)


def test_features_of_another_network_are_refused(tmp_path: Path) -> None:
    folder = saved(tmp_path / "model")

    def narrower(arrays: Arrays) -> None:
        for name in ("bank", "mean", "directions"):
            arrays[name] = np.ascontiguousarray(arrays[name][..., :10])
        norm = np.linalg.norm(arrays["bank"].astype(np.float32), axis=1, keepdims=True)
        arrays["bank"] = (arrays["bank"] / norm).astype(np.float16)

    rewritten(folder, narrower)
    with pytest.raises(BundleCorrupt, match="holds 10 features, the class layer of the network sees 84"):
        receptron.load(folder)


@pytest.mark.parametrize(("field", "value"), [("limits", [0.5]), ("limits", [0.5, 1e40]), ("share", 0), ("share", 1.5), ("count", -1)])
def test_limits_out_of_range_are_refused(tmp_path: Path, field: str, value: object) -> None:
    folder = saved(tmp_path / "model")
    fields = json.loads((folder / CARD).read_bytes())
    fields["novelty"][field] = value
    (folder / CARD).write_text(json.dumps(fields))
    agree(folder)
    with pytest.raises(BundleCorrupt, match=f"novelty.{field}"):
        receptron.load(folder)
