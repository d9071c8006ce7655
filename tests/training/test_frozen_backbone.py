"""The network cut in two and folded gives the very answers of the plain network in eval mode, in every memory and number format."""

import copy

import pytest
import torch
from torch import nn

from oracles import randomise
from receptron.training.features.frozen_backbone import divide, frozen
from receptron.training.hardware.device import Engine
from receptron.zoo import build

NETS = {"cifar_resnet20": 32, "resnet18": 64, "resnet50": 64, "mobilenet_v2": 64, "mobilenet_v2_tf": 64, "densenet121": 64, "lenet5": 28}
CUTS = {"cifar_resnet20": (64, 8, 8), "resnet18": (256, 4, 4), "mobilenet_v2": (96, 4, 4), "resnet50": (1024, 4, 4)}


def prepared(name: str, seed: int = 0) -> tuple[nn.Module, torch.Tensor]:
    """A network whose statistics and gains are drawn, scaled so that its maps stay near one, and images."""
    net = randomise(build(name, classes=5), seed).eval()
    torch.manual_seed(seed)
    x = torch.randn(5, next(net.parameters()).shape[1], NETS[name], NETS[name])
    with torch.no_grad():  # statistics as training would leave them
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = None
        net.train()(x), net.eval()
    return net, x


def relative(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """Largest difference as a share of the largest value; deep nets with drawn statistics amplify float32's own rounding."""
    return float((ours.double() - theirs).abs().max() / theirs.abs().max())


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("channels_last", [False, True])
def test_the_frozen_halves_are_the_plain_network_in_eval(name: str, channels_last: bool):
    net, x = prepared(name)
    divided, engine = divide(net, x.shape[1], NETS[name]), Engine(channels_last=channels_last)
    front, tail = frozen(divided.front, engine), frozen(divided.tail, engine)
    with torch.no_grad():
        maps, exact = front(engine.place(x)), copy.deepcopy(net).double()
        assert maps.shape[1:] == divided.shape
        at = divided.boundary
        cut, answer = exact.stages[:at](exact.stem(x.double())), exact(x.double())
        assert relative(maps, cut) < max(1e-5, 2 * relative(net.stages[:at](net.stem(x)), cut))
        assert relative(tail(maps), answer) < max(1e-5, 2 * relative(net(x), answer))


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "cifar_resnet20"])
def test_pooled_features_are_what_the_class_layer_sees(name: str):
    net, x = prepared(name)
    divided, seen = divide(net, 3, NETS[name]), []
    net.head.fc.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    with torch.no_grad():
        net.double()(x.double()), net.float()
        pooled = frozen(divided.tail, Engine()).pooled(frozen(divided.front, Engine())(x.to(memory_format=torch.channels_last)))
    assert pooled.shape == seen[0].shape and relative(pooled, seen[0]) < (5e-5 if name == "mobilenet_v2" else 1e-5)


@pytest.mark.parametrize("name", CUTS)
def test_the_cut_lies_before_the_coarsest_stages(name: str):
    net = build(name, classes=5)
    divided = divide(net, 3, NETS[name])
    if name == "cifar_resnet20":
        assert divided.shape == (32, 16, 16)
    else:
        assert divided.shape == CUTS[name]
    assert divided.front.stages is not None and len(divided.front.stages) + len(divided.tail.stages) == len(net.stages)


def test_folding_leaves_no_norm_behind_a_convolution_and_the_network_as_it_was():
    net, _ = prepared("resnet18")
    before, kinds = copy.deepcopy(net.state_dict()), [type(m) for m in net.modules()]
    twin = frozen(divide(net, 3, 64).front, Engine())
    assert not any(isinstance(m, nn.BatchNorm2d) for m in twin.modules())
    assert [type(m) for m in net.modules()] == kinds
    assert all(torch.equal(a, b) for a, b in zip(net.state_dict().values(), before.values(), strict=True))
    assert not any(p.requires_grad for p in twin.parameters()) and all(p.requires_grad for p in net.parameters())


def test_a_norm_that_does_not_follow_a_convolution_stays():
    """DenseNet normalises before it convolves."""
    net, _ = prepared("densenet121")
    assert any(isinstance(m, nn.BatchNorm2d) for m in frozen(divide(net, 3, 64).front, Engine()).modules())


def test_forgetting_the_statistics_would_be_noticed():
    """The mutated twin: a norm folded with neutral statistics."""
    net, x = prepared("resnet18")
    wrong = copy.deepcopy(net)
    next(m for m in wrong.modules() if isinstance(m, nn.BatchNorm2d)).running_mean.add_(0.5)
    with torch.no_grad():
        front = frozen(divide(wrong, 3, 64).front, Engine())
        assert relative(front(x.to(memory_format=torch.channels_last)), net.stages[:3](net.stem(x))) > 1e-3


def test_bfloat16_is_close_and_the_tail_shares_its_weights():
    net, x = prepared("resnet18")
    divided, engine = divide(net, 3, 64), Engine(precision="bfloat16")
    with torch.no_grad():
        maps = frozen(divided.front, engine)(engine.place(x).to(engine.dtype))
        assert maps.dtype == torch.bfloat16
        assert relative(maps, net.stages[:3](net.stem(x))) < 0.05
        net.head.fc.bias.add_(1.0)
    assert divided.tail.head.fc.bias is net.head.fc.bias
