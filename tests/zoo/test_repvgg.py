"""RepVGG's branches folded into one convolution each: the answers stay, and where they would not, it is refused."""

import copy
from pathlib import Path

import pytest
import torch
from rivals import timm_net
from torch import nn

import oracles
from receptron import zoo
from receptron.blocks.chain import chain
from receptron.blocks.classifier import Classifier, linear_head
from receptron.blocks.dilation import dilate
from receptron.blocks.repvgg import RepConv, fold, rep_block
from receptron.errors import BadValue
from receptron.weights import store
from receptron.weights.inputs import InputSpec
from receptron.weights.keymap import load
from receptron.weights.pretrained import Pretrained
from receptron.zoo.adapt import spread_channels
from receptron.zoo.keys.table import key_map
from receptron.zoo.repvgg import RepVGG

NAMES = ("repvgg_a0", "repvgg_a1", "repvgg_b0", "repvgg_b1g4")
LIMIT = 1e-5


def built(name: str, **options: int) -> RepVGG:
    net = oracles.randomise(zoo.build(name, **options)).eval()
    assert isinstance(net, RepVGG)
    return net


@pytest.mark.parametrize("name", [*NAMES, pytest.param("repvgg_d2se", marks=pytest.mark.campaign)])
def test_a_folded_net_answers_as_before_in_fewer_parameters(name: str):
    net, x = built(name), torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        before, parameters = net(x), sum(p.numel() for p in net.parameters())
        net.reparameterise()
        assert oracles.relative(net(x), before) < LIMIT
    assert not any(isinstance(module, RepConv | nn.BatchNorm2d) for module in net.modules())
    assert sum(p.numel() for p in net.parameters()) < parameters
    net.reparameterise()  # nothing is left to fold


def test_its_folded_kernels_are_timms():
    theirs = oracles.randomise(timm_net("repvgg_a0")).eval()
    net = built("repvgg_a0")
    load(net, key_map("repvgg_a0", "timm")(theirs.state_dict()))
    net.reparameterise()
    for module in theirs.modules():
        if hasattr(module, "reparameterize"):
            module.reparameterize()
    kernels = [p.detach() for name, p in theirs.named_parameters() if "reparam_conv" in name]
    ours = [p.detach() for name, p in net.named_parameters() if ".conv." in f".{name}"]
    assert len(kernels) == len(ours) == 2 * 22
    assert all(oracles.relative(a, b) < LIMIT for a, b in zip(ours, kernels, strict=True))


@pytest.mark.parametrize("broken", ["one.norm", "three.norm", "same"])
def test_a_norm_that_was_left_out_would_change_the_answer(broken: str):
    net, x = built("repvgg_a0"), torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        before = net(x)
        other = copy.deepcopy(net)
        norm = other.stages[0][1].conv.get_submodule(broken)
        norm.reset_running_stats()
        norm.reset_parameters()
        other.reparameterise()
        assert oracles.relative(other(x), before) > 1e-4


@pytest.mark.parametrize("part", ["", "stages.1", "stages.2.3.conv.same"])
def test_in_train_mode_nothing_is_folded(part: str):
    net = built("repvgg_a0")
    net.get_submodule(part).train()
    with pytest.raises(BadValue, match="branches of repvgg_a0 cannot be folded in train mode"):
        net.reparameterise()
    assert sum(isinstance(module, RepConv) for module in net.modules()) == 22


@pytest.mark.parametrize(("c_in", "c_out", "stride", "groups"), [(8, 8, 1, 1), (8, 8, 1, 4), (6, 12, 2, 1), (12, 6, 1, 3), (1, 5, 2, 1)])
def test_a_block_of_any_shape_is_folded(c_in: int, c_out: int, stride: int, groups: int):
    block = oracles.randomise(rep_block(c_in, c_out, stride, groups=groups)).eval()
    x = torch.randn(2, c_in, 9, 12)
    with torch.no_grad():
        before = block(x)
        assert fold(block) == 1 and isinstance(block.conv, nn.Conv2d)
        assert oracles.relative(block(x), before) < LIMIT


@pytest.mark.parametrize("stride", [8, 16])
def test_a_dilated_net_is_folded(stride: int):
    net, x = built("repvgg_a0"), torch.randn(1, 3, 96, 96)
    dilate(net, stride)
    with torch.no_grad():
        before = net(x)
        net.reparameterise()
        assert oracles.relative(net(x), before) < LIMIT and net.features(x).shape[-1] == 96 // stride


def test_networks_for_pixels_and_ones_own_are_folded():
    x = torch.randn(1, 3, 64, 64)
    own = Classifier(rep_block(3, 8, 2), [chain(a=rep_block(8, 8, 1))], linear_head(8, 4))
    for net in (zoo.unet_on(zoo.build("repvgg_a0"), 3), own.double().float(), zoo.build("resnet18")):
        oracles.randomise(net).eval()
        with torch.no_grad():
            before = net(x)
            assert fold(net) == {"unet_repvgg_a0": 22, "": 2, "resnet18": 0}[net.name]
            assert oracles.relative(net(x), before) < LIMIT


def test_half_precision_stays_what_it_was():
    net, x = built("repvgg_a0").to(torch.bfloat16), torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        before = net(x.bfloat16()).float()
        net.reparameterise()
        after = net(x.bfloat16())
    assert after.dtype == torch.bfloat16 and oracles.relative(after.float(), before) < 0.1


def test_all_branches_that_see_the_image_take_other_channels():
    net = zoo.build("repvgg_a0", channels=5)
    assert [conv.in_channels for conv in net.stem.modules() if isinstance(conv, nn.Conv2d)] == [5, 5]
    assert net.eval()(torch.randn(1, 5, 64, 64)).shape == (1, 1000)


def test_pretrained_branches_are_spread_over_other_channels(tmp_path: Path):
    colour = built("repvgg_a0")
    path = tmp_path / "w.safetensors"
    digest = store.write(path, colour.state_dict())
    weights = Pretrained(str(path), "repvgg_a0", path, "receptron", InputSpec(64, (0.5,) * 3, (0.5,) * 3), "none", digest)
    grey, x = zoo.build("repvgg_a0", channels=1, pretrained=weights).eval(), torch.randn(2, 1, 64, 64)
    assert [sentence.partition(" is")[0] for sentence in grey.fitted] == ["stem.conv.three.conv", "stem.conv.one.conv"]
    with torch.no_grad():
        assert oracles.relative(grey(x), colour(x.expand(-1, 3, -1, -1))) < LIMIT
    assert spread_channels(torch.ones(1, 3, 1, 1), 1).item() == 3
