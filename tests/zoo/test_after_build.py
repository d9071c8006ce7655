"""What follows a build: classes or none, frozen stages, levels, checkpointing, rates, drop path, and images as the net expects them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn.functional import cross_entropy

import oracles
from receptron import zoo
from receptron.blocks.auxiliary import AuxiliaryClassifier
from receptron.blocks.drop import DropPath
from receptron.errors import BadValue

HEADS = ("resnet18", "squeezenet1_1", "lenet5_1998", "googlenet_auxiliary", "vit_s_16", "convnext_tiny", "mobilenet_v3_small", "unet")


def image(name: str, count: int = 2) -> torch.Tensor:
    return torch.randn(count, zoo.ZOO[name].channels, 64, 64)


@pytest.mark.parametrize("name", HEADS)
def test_without_class_layers_a_net_answers_what_they_would_see(name: str):
    net, x = oracles.randomise(zoo.build(name)).eval(), image(name)
    with torch.no_grad():
        seen = net.before_classes(x) if name == "unet" else net.embed(x)
        net.reset_head(0)
        assert oracles.relative(net(x), seen) < 1e-5
        net.reset_head(5)
        assert net(x).shape[1] == 5 == net.classes


@pytest.mark.parametrize("name", ["resnet18", "googlenet_auxiliary", "lenet5"])
def test_other_classes_change_the_class_layers_and_nothing_else(name: str):
    net = zoo.build(name).double()
    before = {key: tensor.clone() for key, tensor in net.state_dict().items()}
    net.reset_head(3)
    after = net.state_dict()
    assert {key for key in before if before[key].shape != after[key].shape} == {key for key in before if ".fc." in key}
    assert all(torch.equal(before[key], after[key]) for key in before if ".fc." not in key)
    assert after["head.fc.weight"].dtype == torch.float64 and not after["head.fc.bias"].any() and after["head.fc.weight"].std() > 0
    if isinstance(net, AuxiliaryClassifier):
        net.reset_head(0)
        assert not len(net.auxiliary)


@pytest.mark.parametrize("value", [-1, 2.5, True, None, "3"])
def test_classes_that_are_no_count_are_refused(value: object):
    with pytest.raises(BadValue, match="classes is"):
        zoo.build("lenet5").reset_head(value)


@pytest.mark.parametrize(("name", "stages"), [("resnet18", 2), ("mobilenet_v2", 3), ("densenet121", 0), ("cifar_resnet20", None)])
def test_frozen_stages_stay_as_they_were_through_a_step(name: str, stages: int | None):
    net, x = zoo.build(name, classes=3), image(name)
    held = len(net.stages) if stages is None else stages
    net.freeze(stages)
    net.train()
    before = {key: tensor.clone() for key, tensor in net.state_dict().items()}
    optimiser = torch.optim.SGD(net.parameter_groups(lr=0.5), lr=0.5)
    cross_entropy(net(x), torch.tensor([0, 2])).backward()
    optimiser.step()
    changed = {key for key, tensor in net.state_dict().items() if not torch.equal(tensor, before[key])}
    still = ("stem.", *(f"stages.{i}." for i in range(held)))
    assert changed and not any(key.startswith(still) for key in changed)
    assert held == len(net.stages) or any(key.startswith(f"stages.{held}.") for key in changed)
    net.freeze(-1)
    assert all(p.requires_grad for p in net.parameters()) and all(m.training for m in net.train().modules())


def test_levels_of_a_pyramid_are_chosen_and_no_further_stage_runs():
    net, x = zoo.build("resnet18").eval(), image("resnet18")
    net.stages[2].register_forward_hook(lambda *_: pytest.fail("a stage ran that nobody asked for"))
    with torch.no_grad():
        two, zero = net.pyramid(x, [2, 0])
    assert two.shape == (2, 128, 8, 8) and zero.shape == (2, 64, 16, 16)
    for levels in ([5], [-1], [], [0, 9]):
        with pytest.raises(BadValue, match="levels"):
            net.pyramid(x, levels)


@pytest.mark.parametrize(
    ("name", "channels", "strides"),
    [
        ("resnet50", [64, 256, 512, 1024, 2048], [4, 4, 8, 16, 32]),
        ("vit_s_16", [384] * 5, [16] * 5),
        ("unet_2015", [64, 128, 256, 512, 1024], [1, 2, 4, 8, 16]),
        ("deeplabv3_resnet50", [64, 256, 512, 1024, 2048], [4, 4, 8, 8, 8]),
    ],
)
def test_channels_and_strides_of_the_maps_are_those_of_the_papers(name: str, channels: list[int], strides: list[int]):
    net = zoo.build(name)
    assert net.feature_channels == channels and net.feature_strides == strides
    assert net.training and next(net.parameters()).device.type == "cpu"


@pytest.mark.parametrize("name", ["resnet18", "densenet121", "mobilenet_v2", "convnext_tiny", "googlenet_auxiliary"])
def test_checkpointing_changes_neither_gradients_nor_statistics(name: str):
    x, found = image(name), []
    for checkpointing in (False, True):
        torch.manual_seed(1)
        net = zoo.build(name, classes=3, drop_path=0.2 if name in ("resnet18", "convnext_tiny") else 0.0).train()
        net.set_grad_checkpointing(checkpointing)
        torch.manual_seed(2)
        answer = net(x)
        scores = answer if isinstance(answer, torch.Tensor) else answer.total(lambda scores: scores)
        scores.square().mean().backward()
        gradients = torch.cat([p.grad.flatten() for p in net.parameters() if p.grad is not None])
        found.append((gradients, {key: tensor.clone() for key, tensor in net.named_buffers()}))
    assert oracles.relative(found[0][0], found[1][0]) < 1e-6
    assert all(torch.allclose(tensor, found[1][1][key], rtol=1e-6) for key, tensor in found[0][1].items())


def test_checkpointing_keeps_less_for_the_way_back():
    def kept(checkpointing: bool) -> int:
        net, storages = zoo.build("resnet18").train(), dict[int, int]()
        net.set_grad_checkpointing(checkpointing)

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        owned = {p.untyped_storage().data_ptr() for p in net.parameters()}
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            net(image("resnet18", 4))
        return sum(size for place, size in storages.items() if place not in owned)

    assert kept(True) < 0.6 * kept(False)


def test_rates_fall_by_stage_and_only_weights_of_layers_decay():
    net = zoo.build("convnext_tiny", classes=3)
    names = {id(p): name for name, p in net.named_parameters()}
    for group in net.parameter_groups(lr=0.1, weight_decay=0.05, layer_decay=0.5):
        for parameter in group["params"]:
            part, stage, *_ = names[id(parameter)].split(".")
            distance = {"head": 0, "stem": 5}.get(part, 4 - int(stage) if part == "stages" else -1)
            assert group["lr"] == pytest.approx(0.1 * 0.5**distance)
            layer = net.get_submodule(names[id(parameter)].rpartition(".")[0])
            decays = isinstance(layer, nn.Conv2d | nn.Linear) and names[id(parameter)].endswith("weight")
            assert group["weight_decay"] == (0.05 if decays else 0.0), names[id(parameter)]


def test_drop_path_is_asked_for_in_build_and_refused_where_there_is_none():
    rates = [m.rate for m in zoo.build("resnet18", drop_path=0.3).modules() if isinstance(m, DropPath)]
    assert len(rates) == 8 and max(rates) == pytest.approx(0.3)
    for name, rate in (("vgg11", 0.1), ("densenet121", 0.1), ("resnet18_plain", 0.2), ("resnet18", 1.0), ("resnet18", -0.1)):
        with torch.device("meta"), pytest.raises(BadValue, match="drop path rate"):
            zoo.build(name, drop_path=rate)


@pytest.mark.parametrize(
    ("name", "size"), [("resnet18", (400, 300)), ("mobilenet_v2", (231, 417)), ("lenet5", (40, 64)), ("vit_s_16", (224, 224))]
)
def test_images_are_prepared_as_the_specification_says(name: str, size: tuple[int, int], tmp_path: Path):
    pixels = np.random.default_rng(0).integers(0, 256, (size[1] // 8, size[0] // 8, 3), dtype=np.uint8)
    photo = Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)
    photo.save(tmp_path / "photo.png")
    net = zoo.build(name)
    spec = net.input
    side = int(spec.pixels / spec.crop + 1e-3)
    short = min(size)
    resized = photo.resize((round(size[0] * side / short), round(size[1] * side / short)), Image.Resampling[spec.interpolation.upper()])
    left, top = (resized.width - spec.pixels) // 2, (resized.height - spec.pixels) // 2
    cut = torch.from_numpy(np.array(resized.crop((left, top, left + spec.pixels, top + spec.pixels)))).permute(2, 0, 1).float()
    cut = cut.mean(0, keepdim=True) if zoo.ZOO[name].channels == 1 else cut
    expected = (cut / 255 - torch.tensor(spec.mean).view(-1, 1, 1)) / torch.tensor(spec.std).view(-1, 1, 1)
    for given in (photo, tmp_path / "photo.png", str(tmp_path / "photo.png"), [photo]):
        assert torch.allclose(net.prepare(given)[0], expected, atol=1e-5)
    assert net.prepare([photo, photo]).shape == (2, zoo.ZOO[name].channels, spec.pixels, spec.pixels)
    assert net.half().prepare(photo).dtype == torch.float16


def test_a_network_that_says_nothing_of_images_prepares_none():
    net = zoo.build("lenet5")
    net.input = None
    with pytest.raises(BadValue, match="does not say what it expects"):
        net.prepare(Image.new("L", (28, 28)))
