"""Published weights reach their published accuracy on real images."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from receptron import zoo
from receptron.weights.pretrained import Pretrained
from receptron.weights.sidecar import Sidecar
from receptron.weights.source import resolve

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def mobilenet(shared: Path, net: str = "mobilenet_v2_tf") -> tuple[torch.nn.Module, torch.Tensor, torch.Tensor]:
    facts = Sidecar(net, "torchvision", 224, *HALF, "bilinear", 1.0, "Apache-2.0")
    weights = resolve(shared / "weights/mobilenet_v2_tf.pt", facts)
    return fed(weights)


def fed(weights: Pretrained) -> tuple[torch.nn.Module, torch.Tensor, torch.Tensor]:
    """The network, and the mean and deviation that its weights say."""
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (weights.inputs.mean, weights.inputs.std))
    return zoo.build(weights.net, pretrained=weights).eval(), mean, std


def imagenet_accuracy(shared: Path, made: tuple[torch.nn.Module, torch.Tensor, torch.Tensor], step: int) -> float:
    """Share of right answers on every `step`-th of the thousand photos, one for each class, sorted by class."""
    model, mean, std = made
    right: list[bool] = []
    with zipfile.ZipFile(shared / "data/imagenet_samples.zip") as archive, torch.no_grad():
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        for start in range(0, len(names), 25 * step):
            labels = list(range(start, min(start + 25 * step, len(names)), step))
            photos = [Image.open(io.BytesIO(archive.read(names[label]))).convert("RGB") for label in labels]
            x = torch.stack([torch.from_numpy(np.array(photo)).permute(2, 0, 1) for photo in photos]) / 255
            right += (model((x - mean) / std).argmax(1) == torch.tensor(labels)).tolist()
    return sum(right) / len(right)


def cifar_accuracy(shared: Path, net: str, mosaics: int) -> float:
    """Share of right answers on the first mosaics of a thousand test images each."""
    facts = Sidecar(net, "akamaster", 32, *IMAGENET, "bilinear", 1.0, "BSD-2-Clause")
    weights = resolve(shared / f"weights/{net}.th", facts)
    model = zoo.build(net, pretrained=weights).eval()
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (weights.inputs.mean, weights.inputs.std))
    labels = torch.from_numpy(np.load(shared / "data/cifar10/test/labels.npy")).long()
    files = sorted((shared / "data/cifar10/test").glob("*.webp"))[:mosaics]
    right = 0
    with torch.no_grad():
        for i, file in enumerate(files):
            tiles = np.array(Image.open(file)).reshape(25, 32, 40, 32, 3).transpose(0, 2, 4, 1, 3).reshape(1000, 3, 32, 32)
            x = (torch.from_numpy(tiles) / 255 - mean) / std
            right += int((model(x).argmax(1) == labels[1000 * i : 1000 * (i + 1)]).sum())
    return right / (1000 * len(files))


@pytest.mark.shared
def test_mobilenet_v2_answers_a_tenth_of_the_photos_as_published(shared: Path):
    """86.6 % of all; of a hundred, two standard deviations either way are 7 points."""
    assert imagenet_accuracy(shared, mobilenet(shared), step=10) == pytest.approx(0.866, abs=0.08)


@pytest.mark.shared
@pytest.mark.campaign
def test_mobilenet_v2_reaches_its_published_accuracy_and_loses_ten_points_with_other_padding(shared: Path):
    assert imagenet_accuracy(shared, mobilenet(shared), step=1) == pytest.approx(0.866, abs=0.002)
    assert imagenet_accuracy(shared, mobilenet(shared, "mobilenet_v2"), step=1) == pytest.approx(
        0.764, abs=0.002
    )  # as torchvision's own net does


@pytest.mark.shared
def test_efficientnet_lite0_answers_a_tenth_of_the_photos_and_fewer_with_a_wrong_normalisation(shared: Path, lite0: Pretrained):
    """86.9 % of all, as the weights say; 76.5 % with ImageNet's mean and deviation. Of a hundred, two standard deviations are 7 points."""
    net, mean, std = fed(lite0)
    right, wrong = (imagenet_accuracy(shared, (net, *values), step=10) for values in ((mean, std), off()))
    assert right == pytest.approx(0.869, abs=0.07) and wrong < right - 0.03


@pytest.mark.shared
@pytest.mark.campaign
def test_efficientnet_lite0_reaches_the_accuracy_that_was_measured(shared: Path, lite0: Pretrained):
    net, mean, std = fed(lite0)
    right, wrong = (imagenet_accuracy(shared, (net, *values), step=1) for values in ((mean, std), off()))
    assert right == pytest.approx(0.869, abs=0.002) and wrong == pytest.approx(0.765, abs=0.002)


def off() -> tuple[torch.Tensor, torch.Tensor]:
    """ImageNet's mean and deviation, which are wrong for some weights."""
    return torch.tensor(IMAGENET[0]).view(3, 1, 1), torch.tensor(IMAGENET[1]).view(3, 1, 1)


@pytest.mark.shared
def test_cifar_resnet20_answers_two_thousand_images_as_published(shared: Path):
    assert cifar_accuracy(shared, "cifar_resnet20", mosaics=2) == pytest.approx(0.9173, abs=0.015)


@pytest.mark.shared
@pytest.mark.campaign
@pytest.mark.parametrize(("net", "published"), [("cifar_resnet20", 0.9173), ("cifar_resnet56", 0.9339)])
def test_cifar_resnets_reach_their_published_accuracy(shared: Path, net: str, published: float):
    assert cifar_accuracy(shared, net, mosaics=10) == pytest.approx(published, abs=1e-9)
