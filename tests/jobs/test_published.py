"""Published nets on folders, without training: folders become classes or are refused, and the figures are those of hand-made answers."""

import io
import zipfile
from pathlib import Path

import pytest
import torch
from PIL import Image

from receptron import zoo
from receptron.bundle.published import published
from receptron.errors import BadValue, UnknownName
from receptron.jobs.evaluate import evaluate
from receptron.weights import store
from receptron.weights.sidecar import Sidecar
from shell import run

HALF = (0.5, 0.5, 0.5)
SQUEEZE = Sidecar("squeezenet1_1", "receptron", 64, HALF, HALF, "bilinear", 1.0)


def squeezenet(folder: Path, classes: int = 1000) -> Path:
    torch.manual_seed(0)
    store.write(folder / "weights.safetensors", zoo.build("squeezenet1_1", classes=classes).state_dict())
    return folder / "weights.safetensors"


def photos(folder: Path, *names: str) -> Path:
    for i, name in enumerate(names):
        (folder / name).mkdir(parents=True)
        Image.new("RGB", (70, 80), (20 * i, 100, 200)).save(folder / name / "a.png")
    return folder


def test_the_figures_are_those_of_the_net_itself(tmp_path: Path):
    judge = published("squeezenet1_1", squeezenet(tmp_path), SQUEEZE)
    folder = photos(tmp_path / "photos", "n01440764", "goldfish", "2")
    found = evaluate(judge, folder)
    net = zoo.build("squeezenet1_1", pretrained=squeezenet(tmp_path) and judge_weights(tmp_path)).eval()
    with torch.no_grad():
        said = [int(net(net.prepare(folder / name / "a.png")).argmax()) for name in ("n01440764", "goldfish", "2")]
    assert found.fresh is not None and found.trained is None
    assert found.fresh.accuracy.value == pytest.approx(sum(a == b for a, b in zip(said, (0, 1, 2), strict=True)) / 3)
    assert "not known whether" in found.fresh.source and not found.unknown


def judge_weights(folder: Path):
    from receptron.weights.source import resolve

    return resolve(folder / "weights.safetensors", SQUEEZE)


@pytest.mark.parametrize("odd", ["cat", "crane", "1000", "n00000000"])
def test_folders_that_name_no_class_are_refused(tmp_path: Path, odd: str):
    judge = published("squeezenet1_1", squeezenet(tmp_path), SQUEEZE)
    with pytest.raises(BadValue, match=odd) as caught:
        evaluate(judge, photos(tmp_path / "photos", "tench", odd))
    assert "WordNet id" in str(caught.value.mend)


@pytest.mark.parametrize("twice", [("tench", "n01440764"), ("0", "tench"), ("Goldfish", "goldfish-")])
def test_two_folders_of_one_class_are_refused(tmp_path: Path, twice: tuple[str, str]):
    judge = published("squeezenet1_1", squeezenet(tmp_path), SQUEEZE)
    with pytest.raises(BadValue, match="both name the class"):
        evaluate(judge, photos(tmp_path / "photos", *twice))


def test_a_net_whose_classes_have_no_names_takes_numbers(tmp_path: Path):
    judge = published("squeezenet1_1", squeezenet(tmp_path, classes=7), SQUEEZE)
    assert evaluate(judge, photos(tmp_path / "photos", "0", "6")).fresh is not None
    for name in ("7", "tench", "n01440764"):
        with pytest.raises(UnknownName, match=name):
            evaluate(judge, photos(tmp_path / name, "0", name))


def test_the_command_takes_a_folder_and_a_net(tmp_path: Path):
    weights, folder = squeezenet(tmp_path), photos(tmp_path / "photos", "tench", "goldfish")
    facts = ["--weights-keys", "receptron", "--weights-pixels", "64", "--weights-mean", "0.5,0.5,0.5", "--weights-std", "0.5,0.5,0.5"]
    facts += ["--weights-interpolation", "bilinear", "--weights-crop", "1"]
    done = run("evaluate", folder, "--net", "squeezenet1_1", "--weights", weights, *facts)
    assert done.code == 0 and "2 images of which it is not known" in done.out and "taken for ImageNet's" in done.err
    for arguments, told in (((folder,), "a model, or images?"), ((tmp_path, folder, "--net", "resnet18"), "leave out the model")):
        done = run("evaluate", *arguments)
        assert done.code == 2 and told in done.err


@pytest.mark.shared
@pytest.mark.campaign
def test_mobilenet_v2_scores_as_published_on_the_thousand_photos(shared: Path, tmp_path: Path):
    with zipfile.ZipFile(shared / "data/imagenet_samples.zip") as archive:
        for name in (name for name in archive.namelist() if name.endswith(".jpg")):
            (tmp_path / "photos" / name[:9]).mkdir(parents=True)
            Image.open(io.BytesIO(archive.read(name))).verify()
            (tmp_path / "photos" / name[:9] / name).write_bytes(archive.read(name))
    facts = Sidecar("mobilenet_v2_tf", "torchvision", 224, HALF, HALF, "bilinear", 1.0)
    found = evaluate(published("mobilenet_v2_tf", shared / "weights/mobilenet_v2_tf.pt", facts), tmp_path / "photos")
    assert found.fresh is not None and found.fresh.count == 1000
    assert found.fresh.accuracy.value == pytest.approx(0.866, abs=0.001)
