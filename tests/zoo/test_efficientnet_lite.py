"""EfficientNet-Lite is timm's tf_efficientnet_lite: parameters, work and, from the names of the released file too, answers."""

from collections.abc import Iterator

import pytest
import torch
from rivals import timm_net
from torch.utils.flop_counter import FlopCounterMode

import oracles
from receptron import zoo
from receptron.blocks.attention import SqueezeExcite
from receptron.blocks.same import SameConv2d
from receptron.errors import CheckpointMismatch
from receptron.weights.keymap import load
from receptron.zoo.count import counts
from receptron.zoo.keys.table import key_map

LITES = {
    "efficientnet_lite0": 224,
    "efficientnet_lite1": 240,
    "efficientnet_lite2": 260,
    "efficientnet_lite3": 280,
    "efficientnet_lite4": 300,
}
BLOCKS = {"efficientnet_lite0": 16, "efficientnet_lite1": 21, "efficientnet_lite2": 21, "efficientnet_lite3": 24, "efficientnet_lite4": 30}
NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def released_names(blocks: int) -> Iterator[str]:
    """The names in the released files, in the order of computation; written down from the file, not from our key map."""
    parts = [("_conv_stem", "_bn0")]
    for i in range(blocks):
        block = f"_blocks.{i}."
        parts += [(f"{block}_expand_conv", f"{block}_bn0")] if i else []
        parts += [(f"{block}_depthwise_conv", f"{block}_bn1"), (f"{block}_project_conv", f"{block}_bn2")]
    for conv, norm in [*parts, ("_conv_head", "_bn1")]:
        yield f"{conv}.weight"
        yield from (f"{norm}.{name}" for name in NORM)
    yield from ("_fc.weight", "_fc.bias")


@pytest.mark.parametrize("name", LITES)
def test_parameters_and_macs_are_timms_at_the_released_size(name: str):
    assert zoo.ZOO[name].pixels == LITES[name]
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        theirs = timm_net(name).eval()
        theirs(torch.empty(1, 3, LITES[name], LITES[name]))
    found = counts()[name]
    assert (found.parameters, found.macs) == (sum(p.numel() for p in theirs.parameters()), counter.get_total_flops() // 2)


@pytest.mark.parametrize("name", LITES)
def test_the_names_of_the_released_file_are_read(name: str):
    """timm's numbers under the released names, put there by their order alone."""
    theirs = oracles.without_chance(oracles.randomise(timm_net(name))).eval()
    released = dict(zip(released_names(BLOCKS[name]), theirs.state_dict().values(), strict=True))
    ours = zoo.build(name).eval()
    load(ours, key_map(name, "lukemelas")(released), source="lukemelas")
    x = torch.randn(2, 3, 75, 75, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert oracles.relative(ours(x), theirs(x)) <= 1e-6


@pytest.mark.parametrize("name", LITES)
def test_there_is_nothing_that_phones_take_badly(name: str):
    net = zoo.build(name)
    kinds = {type(module) for module in net.modules()}
    assert SqueezeExcite not in kinds and torch.nn.ReLU6 in kinds and not kinds & {torch.nn.SiLU, torch.nn.ReLU, torch.nn.Sigmoid}
    assert {module.eps for module in net.modules() if isinstance(module, torch.nn.BatchNorm2d)} == {1e-3}
    strided = [module for module in net.modules() if isinstance(module, torch.nn.Conv2d) and module.stride != (1, 1)]
    assert len(strided) == 5 and all(isinstance(module, SameConv2d) for module in strided)


@pytest.mark.parametrize("pixels", [64, 75, 224])
def test_other_padding_and_another_epsilon_would_be_seen(pixels: int):
    """The twin that timm trained itself takes the same numbers, and answers otherwise."""
    state = oracles.randomise(zoo.build("efficientnet_lite0")).state_dict()
    net, twin = zoo.build("efficientnet_lite0").eval(), zoo.build("efficientnet_lite0_timm").eval()
    load(net, state), load(twin, state)
    x = torch.randn(1, 3, pixels, pixels, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        assert oracles.relative(net(x), twin(x)) > 1e-3


def test_a_file_of_another_size_is_refused():
    released = dict.fromkeys(released_names(BLOCKS["efficientnet_lite1"]), torch.zeros(1))
    with pytest.raises(CheckpointMismatch, match="no rule of the lukemelas key map"):
        key_map("efficientnet_lite0", "lukemelas")(released)
