"""Images of bands through the whole job: learnt, judged, asked about; other images refused by name."""

import struct
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from photos import backbone, folder

from receptron import audit
from receptron.bundle import store
from receptron.bundle.model import load
from receptron.data.dataset.scan_options import ScanOptions
from receptron.errors import BrokenImages, DataFault, MissingExtra
from receptron.jobs.evaluate import evaluate
from receptron.jobs.options import Extras
from receptron.jobs.training.train import train
from receptron.training.records import Run
from receptron.weights.sidecar import Sidecar

Made = Callable[[np.random.Generator, bool], np.ndarray]


def thirteen(rng: np.random.Generator, second: bool) -> np.ndarray:
    """Thirteen bands; the ninth alone tells the class: whether its middle is lit, or its upper edge."""
    values = rng.normal(1000, 200, (13, 32, 32)) + 300 * np.sin(np.arange(32) / 4 + rng.uniform(0, 6))
    values[8, *((slice(8, 24), slice(8, 24)) if second else (slice(0, 8), slice(None)))] += 600
    return values.astype(np.float32)


def spectrogram(rng: np.random.Generator, second: bool) -> np.ndarray:
    """A tone of 64 x 400 in dB that rises or falls."""
    values, time = rng.normal(-60, 4, (64, 400)), np.arange(400)
    height = (time + rng.integers(-40, 40)) / 400 * 50
    at = np.clip(56 - height if second else 8 + height, 1, 62).astype(int)
    for step in (-1, 0, 1):
        values[at + step, time] += 30
    return values.astype(np.float32)


def radar(rng: np.random.Generator, second: bool) -> np.ndarray:
    """Two polarisations of uint16 speckle; the second has an echo or none."""
    values = rng.gamma(2, 1500, (40, 40, 2))
    if second:
        top, left = rng.integers(4, 24, 2)
        values[top : top + 12, left : left + 12, 1] += 12_000
    return values.clip(0, 65_535).astype(np.uint16)


def written(root: Path, make: Made, count: int = 40, save: Callable[[Path, np.ndarray], None] | None = None) -> Path:
    for label, second in (("one", False), ("two", True)):
        (root / label).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            values = make(np.random.default_rng([i, second]), second)
            if save:
                save(root / label / f"{i:03d}.tif", values)
            else:
                np.save(root / label / f"{i:03d}.npy", values)
    return root


def small_net(folder: Path) -> str:
    """A network of one's own that learns in seconds."""
    layers = "*part(in_channels, 16), *part(16, 32), nn.AdaptiveMaxPool2d(3), nn.Flatten(), nn.Linear(288, classes)"
    part = "def part(a, b):\n    return nn.Conv2d(a, b, 5, 2, 2), nn.BatchNorm2d(b), nn.ReLU()\n"
    (folder / "net.py").write_text(f"from torch import nn\n{part}\ndef net(in_channels, classes):\n    return nn.Sequential({layers})\n")
    return f"{folder / 'net.py'}:net"


def _plain_tiff(path: Path, bands: int) -> None:
    """The head of a TIFF of so many samples a pixel."""
    tags = ((256, 4, 8), (257, 4, 8), (262, 3, 1), (277, 3, bands))
    path.write_bytes(
        struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    )


def extras(tmp_path: Path, **more: object) -> Extras:
    return Extras(precision="float32", cache=tmp_path / "cache", **more)


@pytest.fixture(scope="module")
def satellite(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    place = tmp_path_factory.mktemp("satellite")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("receptron.training.ladder.from_scratch.EPOCHS", (16, 16))
        return train(written(place / "set", thirteen, 60), place / "out", time="1h", extras=extras(place)), place / "set"


def test_the_one_band_of_thirteen_that_tells_is_learnt(satellite: tuple[Run, Path]):
    run, _ = satellite
    assert run.card.evaluation.accuracy.value > 0.95
    assert run.card.channels == run.card.input.bands == 13 and run.card.input.crop == 1.0


def test_statistics_are_those_of_the_training_side_alone(satellite: tuple[Run, Path]):
    run, root = satellite
    sides = {row.path: row.side for row in store.read(run.model).split}
    pixels = [np.load(root / path).reshape(13, -1) for path, side in sides.items() if side == "train"]
    joined = np.concatenate(pixels, 1).astype(np.float64)
    assert 0 < len(pixels) < len(sides)
    assert np.allclose(run.card.input.mean, joined.mean(1), rtol=1e-6) and np.allclose(run.card.input.std, joined.std(1), rtol=1e-5)


def test_the_model_answers_files_arrays_and_tensors_alike_and_refuses_what_has_other_bands(satellite: tuple[Run, Path], tmp_path: Path):
    run, root = satellite
    model, file = load(run.model), root / "two" / "003.npy"
    values = np.load(file)
    np.save(tmp_path / "last.npy", values.transpose(1, 2, 0))
    asked = [file, tmp_path / "last.npy", values, values.transpose(1, 2, 0), torch.from_numpy(values), file.read_bytes()]
    scores = model.scores(asked)
    assert len(scores.read) == 6 and np.allclose(scores.logits, scores.logits[:1], atol=1e-5)
    np.save(tmp_path / "twelve.npy", values[:12])
    np.save(tmp_path / "nan.npy", np.where(np.arange(32) == 5, np.nan, values))
    photo = next(folder(tmp_path / "photos", 1).rglob("*.png"))
    wrong = model.predict([tmp_path / "twelve.npy", photo, values[:5], tmp_path / "nan.npy", photo.read_bytes()])
    assert [answer.fault for answer in wrong] == [
        "it has 12 bands, and the model was made for 13 bands",
        "it is a photo, and the model was made for 13 bands",
        "it has 5 bands, and the model was made for 13 bands",
        "416 of its 13,312 values are NaN or infinite: fill them with what means nothing there",
        "it is a photo, and the model was made for 13 bands",
    ]
    found = evaluate(run.model, root)
    assert found.trained is not None and found.fresh is not None and found.fresh.count == run.card.evaluation.count


def test_a_model_for_photos_refuses_bands(tmp_path: Path, workshop: Path):
    np.save(tmp_path / "a.npy", np.zeros((9, 9, 3), np.float32))
    assert load("digits-model").predict([tmp_path / "a.npy"])[0].fault == "it has bands of its own, and the model was made for photos"


@pytest.mark.parametrize("kind", [spectrogram, radar])
def test_long_spectrograms_and_deep_radar_are_learnt_whole(kind: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("receptron.training.ladder.from_scratch.EPOCHS", (15, 15))
    net = small_net(tmp_path)
    run = train(written(tmp_path / "set", kind), tmp_path / "out", net=net, time="1h", extras=extras(tmp_path, facts=Sidecar(pixels=48)))
    assert run.card.evaluation.accuracy.value > 0.85
    assert run.card.input.bands == (1 if kind is spectrogram else 2)


@pytest.mark.usefixtures("quick")
def test_tiffs_and_arrays_give_the_same_network(tmp_path: Path):
    tifffile = pytest.importorskip("tifffile")

    def save(path: Path, values: np.ndarray) -> None:
        tifffile.imwrite(path, values.transpose(1, 2, 0), photometric="minisblack", planarconfig="contig")

    runs = [
        train(written(tmp_path / name, thirteen, 12, how), tmp_path / f"{name}-out", test_size=0, time="1h", extras=extras(tmp_path))
        for name, how in (("arrays", None), ("tiffs", save))
    ]
    assert [run.card.input.bands for run in runs] == [13, 13]
    assert np.allclose(sorted(runs[0].card.input.mean), sorted(runs[1].card.input.mean))


@pytest.mark.usefixtures("quick")
def test_a_photo_net_s_weights_are_spread_over_the_bands_when_asked(tmp_path: Path):
    run = train(
        written(tmp_path / "set", radar, 12), tmp_path / "out", weights=backbone(tmp_path / "tiny.safetensors"), time="1h",
        extras=extras(tmp_path),
    )  # fmt: skip
    assert run.card.channels == 2 and run.card.input.bands == 2 and run.ladder[2].name == "linear head"
    assert run.card.input.mean[0] > 100, "in the bands' own units"


@pytest.mark.usefixtures("quick")
def test_a_network_of_one_s_own_takes_bands(tmp_path: Path):
    net = small_net(tmp_path)
    run = train(written(tmp_path / "set", radar, 12), tmp_path / "out", net=net, time="1h", extras=extras(tmp_path))
    assert run.card.channels == 2 and load(run.model, net=net).predict([tmp_path / "set/one/000.npy"])[0].answered


@pytest.mark.usefixtures("quick")
def test_images_of_other_bands_among_the_rest_are_refused_by_name(tmp_path: Path):
    root = written(tmp_path / "set", radar, 12)
    np.save(root / "two" / "odd.npy", np.zeros((40, 40, 5), np.uint16))
    with pytest.raises(DataFault, match=r"odd\.npy has 5 bands") as caught:
        train(root, tmp_path / "out", extras=extras(tmp_path))
    assert "2 bands" in caught.value.what
    np.save(root / "two" / "odd.npy", np.full((40, 40, 2), np.nan))
    with pytest.raises(BrokenImages, match="odd"):
        train(root, tmp_path / "out", extras=extras(tmp_path))


@pytest.mark.usefixtures("quick")
def test_an_axis_that_cannot_be_told_is_asked_for(tmp_path: Path):
    root = written(tmp_path / "set", lambda rng, second: rng.normal(second, 1, (12, 12, 12)), 12)
    found = audit(root)
    assert found.broken == 24 and any("--channels-axis" in note for finding in found.findings for note in finding.notes)
    for axis in ("first", "last"):
        assert audit(root, options=ScanOptions(channels_axis=axis)).broken == 0
    run = train(root, tmp_path / "out", net="lenet5", time="1h", extras=extras(tmp_path, images=ScanOptions(channels_axis="first")))
    assert run.card.input.channels_axis == "first" and run.settings["channels-axis"] == "first"


def test_without_the_extra_tiffs_of_bands_are_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    root = written(tmp_path / "set", thirteen, 6, lambda path, values: _plain_tiff(path, values.shape[0]))
    monkeypatch.setitem(sys.modules, "tifffile", None)
    with pytest.raises(MissingExtra, match=r"receptron\[bands\]"):
        train(root, tmp_path / "out", extras=extras(tmp_path))
