"""Whether a wrong normalisation is noticed and a right one is not: networks whose statistics were taken from images, and real weights."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small import context, drawn
from torch import nn

from receptron.data.preprocessing.normalize import prepare
from receptron.data.preprocessing.resize import resized
from receptron.data.reading.decode import decode
from receptron.training.context import TrainingContext
from receptron.training.features.input_check import check_input
from receptron.weights.inputs import IMAGENET_MEAN, IMAGENET_STD, InputSpec
from receptron.weights.pretrained import Pretrained
from receptron.weights.sidecar import Sidecar
from receptron.weights.source import resolve
from receptron.zoo import build

HALF, IMAGENET = ((0.5,) * 3, (0.5,) * 3), (IMAGENET_MEAN, IMAGENET_STD)
UNIT, BYTES, STRANGE = ((0.0,) * 3, (1.0,) * 3), ((0.0,) * 3, (1 / 255,) * 3), ((-3.0,) * 3, (0.05,) * 3)

REAL = ("flowers/train/tulips", "flowers/train/daisy", "chest_xray/NORMAL", "membrane/train/image")


def as_spec(values: tuple[tuple[float, ...], tuple[float, ...]]) -> InputSpec:
    return InputSpec(32, *values, "bilinear", 0.8)


def trained(name: str, spec: InputSpec) -> nn.Module:
    """A network whose first BatchNorm has seen other drawn images than it will be asked about."""
    torch.manual_seed(0)
    made = build(name, classes=3)
    with torch.no_grad():
        made.train()(prepare(drawn(200, seed=9)[0], spec, 3))
        for module in made.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = 1.0
        made(prepare(drawn(200, seed=8)[0], spec, 3))
    return made.eval()


def asked(values: tuple[tuple[float, ...], tuple[float, ...]]) -> TrainingContext:
    return replace(context(60), spec=as_spec(values))


@pytest.mark.parametrize("name", ["cifar_resnet20", "mobilenet_v2", "densenet121"])
@pytest.mark.parametrize("right", [HALF, IMAGENET])
def test_a_right_normalisation_passes_and_wrong_ones_are_told_with_the_right_one(name: str, right):
    net = trained(name, as_spec(right))
    fits = check_input(net, asked(right))
    assert not fits.fault and not fits.unknown and fits.misfit is not None and fits.misfit < 0.25
    assert isinstance(net.get_submodule(fits.layer), nn.BatchNorm2d)
    for wrong in ({HALF, IMAGENET} - {right}).pop(), UNIT, BYTES, STRANGE:
        found = check_input(net, asked(wrong))
        assert found.fault and found.misfit is not None and found.misfit > 0.25, wrong
        assert found.better == ("mean 0.5, std 0.5" if right is HALF else "mean 0.485/0.456/0.406, std 0.229/0.224/0.225")


@pytest.mark.parametrize("name", ["alexnet", "vgg11", "vit_b_16"])
def test_without_batchnorm_only_the_record_says_that_nothing_was_checked(name: str):
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()) if name == "alexnet" else build(name, classes=3)
    found = check_input(net, asked(UNIT))
    assert "no BatchNorm" in found.unknown and not found.fault and found.misfit is None


@pytest.mark.parametrize("norm", [nn.BatchNorm2d(4), nn.BatchNorm2d(4, track_running_stats=False)])
def test_a_batchnorm_that_remembers_nothing_says_nothing(norm: nn.BatchNorm2d):
    found = check_input(nn.Sequential(nn.Conv2d(3, 4, 3), norm), asked(UNIT))
    assert "keeps no statistics" in found.unknown and not found.fault


def test_the_network_is_left_as_it_was():
    net = trained("cifar_resnet20", as_spec(HALF))
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    check_input(net.train(), asked(IMAGENET))
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
    assert not any(module._forward_pre_hooks for module in net.modules())


def test_the_misfit_is_the_divergence_of_two_normal_distributions():
    """Against torch's own, channel by channel."""
    net = trained("cifar_resnet20", as_spec(HALF))
    place = asked(UNIT)
    conv, norm = next(m for m in net.modules() if isinstance(m, nn.Conv2d)), next(m for m in net.modules() if isinstance(m, nn.BatchNorm2d))
    rows = np.unique(np.linspace(0, 59, 48).astype(int))
    fed = conv(prepare(place.pictures(place.images.part(rows)), place.spec, 3)).transpose(0, 1).flatten(1).double()
    seen = torch.distributions.Normal(fed.mean(1), fed.std(1))
    kept = torch.distributions.Normal(norm.running_mean.double(), norm.running_var.double().sqrt())
    assert check_input(net, place).misfit == pytest.approx(torch.distributions.kl_divergence(seen, kept).median().item(), rel=1e-3)


def on_real_images(folder: Path, weights: Pretrained) -> None:
    """As the weights say nothing is at fault; as they do not, it is told what would fit."""
    net = build(weights.net, classes=5, channels=3, pretrained=weights)
    files = sorted(folder.iterdir())[:24]
    place = context(len(files))
    for digest, file in zip(place.images.digests, files, strict=True):
        place.canvases._memory[digest] = resized(decode(file)[0], weights.inputs.resize, weights.inputs.interpolation)
    right = check_input(net, replace(place, spec=weights.inputs))
    assert not right.fault, right
    for mean, std in (IMAGENET, UNIT, BYTES):
        found = check_input(net, replace(place, spec=replace(weights.inputs, mean=mean, std=std)))
        assert "mean 0.5, std 0.5 would fit" in found.fault, found


@pytest.mark.shared
@pytest.mark.parametrize("photos", REAL)
def test_real_weights_on_real_images(photos: str, shared: Path):
    facts = Sidecar(net="mobilenet_v2_tf", keys="torchvision", pixels=224, mean=HALF[0], std=HALF[1], interpolation="bilinear", crop=0.875)
    on_real_images(shared / "data" / photos, resolve(shared / "weights/mobilenet_v2_tf.pt", facts))


@pytest.mark.shared
@pytest.mark.parametrize("photos", REAL)
def test_carried_weights_on_real_images(photos: str, shared: Path, lite0: Pretrained):
    on_real_images(shared / "data" / photos, lite0)
