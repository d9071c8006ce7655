"""A loaded model answers as the network does by hand, for every kind of image, in any batch, and goes on past broken ones."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cards import CLASSES, COLOUR, GREY, network, saved
from receptron.bundle import model as bundle_model
from receptron.bundle import store
from receptron.bundle.model import Model, load
from receptron.errors import BadValue, BundleCorrupt, NonFinite
from receptron.zoo import ZOO, build


@pytest.fixture(scope="module")
def grey(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load(saved(tmp_path_factory.mktemp("grey") / "model"))


@pytest.fixture(scope="module")
def colour(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load(saved(tmp_path_factory.mktemp("colour") / "model", name="resnet18", channels=3, spec=COLOUR))


def pixels(height: int = 90, width: int = 120, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    return np.array(coarse.resize((width, height), Image.Resampling.BICUBIC))


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def by_hand(array: np.ndarray) -> np.ndarray:
    """COLOUR: shorter side to 80 bicubic, centre 64, normalise, network, softmax with temperature 1.7; panoramas lose both ends first."""
    if array.shape[1] > 2 * array.shape[0]:
        over = (array.shape[1] - 2 * array.shape[0]) // 2
        array = np.ascontiguousarray(array[:, over:-over])
    height, width = array.shape[:2]
    scale = 80 / min(height, width)
    resized = Image.fromarray(array).resize((round(width * scale), round(height * scale)), Image.Resampling.BICUBIC)
    left, top = (resized.width - 64) // 2, (resized.height - 64) // 2
    cut = np.asarray(resized)[top : top + 64, left : left + 64] / 255
    x = torch.tensor((cut - COLOUR.mean) / COLOUR.std, dtype=torch.float32).permute(2, 0, 1)[None]
    with torch.no_grad():
        return (network("resnet18", 3)(x).double() / 1.7).softmax(1)[0].numpy()


def chances(model: Model, *images: object, batch: int = 32) -> np.ndarray:
    return np.array([list(answer.probabilities.values()) for answer in model.predict(list(images), batch)])


def test_the_answer_is_the_networks_own_by_hand(colour: Model):
    for seed, size in enumerate([(90, 120), (160, 100), (80, 80), (64, 150), (20, 30)]):
        array = pixels(*size, seed=seed)
        assert np.allclose(chances(colour, array)[0], by_hand(array), atol=1e-5)


def test_another_resize_crop_or_normalisation_changes_the_answer(colour: Model):
    array = pixels()
    right = chances(colour, array)[0]
    for wrong in (array[:, ::-1], array[..., ::-1], np.asarray(Image.fromarray(array).resize((120, 120)))):
        assert np.abs(chances(colour, np.ascontiguousarray(wrong))[0] - right).max() > 1e-3


def test_every_holder_of_the_same_pixels_gets_the_same_answer(colour: Model, tmp_path: Path):
    array = pixels()
    picture = Image.fromarray(array)
    path = tmp_path / "image.png"
    picture.save(path)
    tensor = torch.tensor(array).permute(2, 0, 1)
    holders = {
        "path": path,
        "str": str(path),
        "bytes": path.read_bytes(),
        "Pillow": picture,
        "uint8": array,
        "uint16": array.astype(np.uint16) * 257,
        "float32": (array / 255).astype(np.float32),
        "float64": array / 255,
        "RGBA": np.dstack([array, np.full(array.shape[:2], 255, np.uint8)]),
        "tensor": tensor,
        "float tensor": tensor.float() / 255,
    }
    found = chances(colour, *holders.values())
    for name, row in zip(holders, found, strict=True):
        assert np.abs(row - found[0]).max() < 1e-6, name
    assert [answer.path for answer in colour.predict([path, array])] == [str(path), "image 1"]


def test_grey_arrays_of_every_depth_agree(grey: Model):
    array = np.asarray(Image.fromarray(pixels()).convert("L"))
    found = chances(
        grey, array, array[:, :, None], array.astype(np.uint16) * 257, array / 255, torch.tensor(array)[None], torch.tensor(array)
    )
    assert np.abs(found - found[0]).max() < 1e-6
    flags = array > 120
    assert np.allclose(chances(grey, flags), chances(grey, flags.astype(np.uint8) * 255))


def test_batches_come_as_arrays_and_tensors(colour: Model):
    arrays = np.stack([pixels(seed=i) for i in range(3)])
    singly = [colour.predict([array])[0].probabilities for array in arrays]
    tensor = torch.tensor(arrays).permute(0, 3, 1, 2)
    for batch in (arrays, tensor):
        for answer, alone in zip(colour.predict(batch), singly, strict=True):
            assert answer.probabilities == pytest.approx(alone, abs=1e-5)


def test_exif_orientation_is_applied_to_files_and_pillow_images_alike(colour: Model):
    array = pixels()
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = Image.fromarray(np.ascontiguousarray(np.rot90(array)))  # a viewer turns it back by a quarter, clockwise
    data = encoded(stored, exif=exif)
    right = chances(colour, array)[0]
    assert np.allclose(chances(colour, data)[0], right, atol=1e-6)
    assert np.allclose(chances(colour, Image.open(io.BytesIO(data)))[0], right, atol=1e-6)
    assert np.abs(chances(colour, stored)[0] - right).max() > 1e-3


def test_answers_do_not_depend_on_the_batch(colour: Model):
    images = [pixels(seed=i) for i in range(11)]
    whole = chances(colour, *images)
    for batch in (1, 2, 3, 11):
        assert np.abs(chances(colour, *images, batch=batch) - whole).max() < 1e-5
    assert np.abs(chances(colour, *images[::-1])[::-1] - whole).max() < 1e-5
    assert np.abs(whole - whole[0]).max() > 1e-3


def test_probabilities_are_named_and_sum_to_one(colour: Model):
    answer = colour.predict(pixels()[None])[0]
    assert tuple(answer.probabilities) == CLASSES and sum(answer.probabilities.values()) == pytest.approx(1)
    assert answer.probabilities[answer.predicted] == answer.confidence == max(answer.probabilities.values())
    assert answer.top(1) == [(answer.predicted, answer.confidence)] and [p for _, p in answer.top(3)] == sorted(
        answer.probabilities.values(), reverse=True
    )


@pytest.mark.parametrize("batch", [1, 2, 32])
def test_broken_images_are_told_and_the_rest_answered(colour: Model, tmp_path: Path, batch: int):
    good = encoded(Image.fromarray(pixels()))
    (tmp_path / "good.png").write_bytes(good)
    (tmp_path / "cut.png").write_bytes(good[: len(good) // 2])
    (tmp_path / "text.jpg").write_text("no image")
    named = ["good.png", "cut.png", "text.jpg", "missing.png", "good.png"]
    answers = colour.predict([tmp_path / name for name in named], batch)
    assert [answer.answered for answer in answers] == [True, False, False, False, True]
    assert [Path(answer.path).name for answer in answers] == named
    assert "no such file" in str(answers[3].fault) and all(a.fault and not a.predicted and not a.probabilities for a in answers[1:4])
    assert answers[0].probabilities == pytest.approx(answers[4].probabilities, abs=1e-6)


def test_only_broken_images_and_none_at_all_are_no_crash(colour: Model):
    assert [answer.answered for answer in colour.predict([b"", b"xx"])] == [False, False]
    assert colour.predict([]) == []
    assert not colour.predict([np.full((30, 30, 3), np.nan)])[0].answered


@pytest.mark.parametrize(
    "image, message",
    [
        (np.zeros((20, 20, 3), np.int64), "int64 values"),
        (np.full((20, 20, 3), 7.0), "floats from 7 to 7"),
        (np.zeros((20, 20, 5), np.uint8), "shape (20, 20, 5)"),
        (np.zeros((0, 20, 3), np.uint8), "shape (0, 20, 3)"),
        (42, "is a int"),
    ],
)
def test_what_is_no_image_is_refused_at_the_door(colour: Model, image: object, message: str):
    with pytest.raises(BadValue, match=re.escape(message)):
        colour.predict([image])


def test_a_single_array_without_a_list_is_refused_and_a_single_path_is_not(colour: Model, tmp_path: Path):
    with pytest.raises(BadValue, match=r"predict\(\[image\]\)"):
        colour.predict(pixels())
    (tmp_path / "a.png").write_bytes(encoded(Image.fromarray(pixels())))
    assert len(colour.predict(str(tmp_path / "a.png"))) == 1
    with pytest.raises(BadValue, match="batch is 0"):
        colour.predict([pixels()], batch=0)


def test_the_model_is_in_eval_mode_and_never_learns(colour: Model):
    before = {name: tensor.clone() for name, tensor in colour.net.state_dict().items()}
    colour.predict([pixels(seed=i) for i in range(4)])
    assert not colour.net.training and not any(p.requires_grad for p in colour.net.parameters())
    assert all(torch.equal(before[name], tensor) for name, tensor in colour.net.state_dict().items())


def test_answers_that_are_not_finite_name_the_image(colour: Model, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(colour, "net", lambda x: torch.full((len(x), 3), float("nan")))
    with pytest.raises(NonFinite, match=r"flower\.png"):
        weights = torch.nn.Linear(1, 1)
        monkeypatch.setattr(colour, "net", Poisoned(weights))
        image = Image.fromarray(pixels())
        image.filename = "flower.png"
        colour.predict([image])


@pytest.mark.parametrize("wild", [[0], [1, 3], [4], [0, 1, 2, 3]])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("views", [1, 3])
def test_one_image_whose_answer_is_not_finite_leaves_the_others_theirs(
    colour: Model, wild: list[int], value: float, views: int, monkeypatch: pytest.MonkeyPatch
):
    images = [pixels(seed=i) for i in range(5)]
    before, own = colour.predict(images, batch=2, views=views), colour.net

    class Wild(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = own

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            scores, rows = own(x).clone(), next(turns)
            scores[[place for place, row in enumerate(rows) if row in wild]] = value
            return scores

    monkeypatch.setattr(colour, "net", Wild())
    monkeypatch.setattr(colour, "novelty", None)
    turns = iter([rows for rows in ([0, 1], [2, 3], [4]) for _ in range(views)])
    after = colour.predict(images, batch=2, views=views)
    for i, (old, new) in enumerate(zip(before, after, strict=True)):
        if i in wild:
            assert new.fault is not None and "NaN or infinity" in new.fault
        else:
            assert new.fault is None and new.probabilities == pytest.approx(old.probabilities)
    turns = iter([rows for rows in ([0, 1], [2, 3], [4]) for _ in range(views)])
    with pytest.raises(NonFinite):
        colour.scores(images, batch=2, views=views)


class Poisoned(torch.nn.Module):
    def __init__(self, inner: torch.nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.full((len(x), 3), float("nan"))


def test_progress_counts_every_image(colour: Model):
    told: list[object] = []

    class Told:
        def start(self, stage: str, total: int, unit: str) -> None:
            told.append(total)

        def advance(self, count: int = 1, note: str = "") -> None:
            told.append(count)

        def done(self, note: str = "") -> None:
            told.append(note)

    colour.predict([pixels(), pixels(), b""], batch=2, progress=Told())
    assert told == [3, 2, 1, "1 could not be read"]


@pytest.mark.parametrize("name", ["lenet5", "cifar_resnet20", "mobilenet_v2_tf"])
def test_a_net_of_the_zoo_is_loaded_whole(name: str, tmp_path: Path):
    channels = ZOO[name].channels
    found = load(saved(tmp_path / "model", name=name, channels=channels, spec=GREY if channels == 1 else COLOUR))
    assert not any(tensor.is_meta for tensor in [*found.net.parameters(), *found.net.buffers()])
    expected = network(name, channels).state_dict()
    assert all(torch.equal(expected[key], tensor) for key, tensor in found.net.state_dict().items())


@pytest.mark.parametrize("name", ["lenet5", "cifar_resnet20", "resnet18", "mobilenet_v2_tf"])
def test_no_net_keeps_a_tensor_that_a_model_directory_would_lose(name: str):
    with torch.device("meta"):
        net = build(name)
    held = {key for key, _ in [*net.named_parameters(), *net.named_buffers()]}
    assert held == net.state_dict().keys()


def test_loading_leaves_the_random_numbers_alone(tmp_path: Path):
    folder = saved(tmp_path / "model")
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    load(folder)
    assert torch.equal(torch.rand(1), expected)


def test_weights_of_another_shape_are_refused(tmp_path: Path):
    from cards import card

    folder = store.save(tmp_path / "model", card(), network(classes=7).state_dict())
    with pytest.raises(BundleCorrupt, match="does not fit lenet5"):
        load(folder)


def test_a_device_that_is_not_here_is_told(tmp_path: Path):
    with pytest.raises(BadValue, match="no device 'abacus'"):
        load(saved(tmp_path / "model"), device="abacus")
    assert bundle_model.device_called("auto").type in {"cpu", "cuda", "mps", "xpu"}
