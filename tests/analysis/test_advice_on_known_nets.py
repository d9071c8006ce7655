"""The advice on the nets of `benchmarks/advice.py`, each line judged true: nothing more, and nothing less."""

import importlib.util
import sys
from pathlib import Path

import pytest
from torch import nn

from receptron.analysis.lint import Subject, advise
from receptron.analysis.recording import record

SPEC = importlib.util.spec_from_file_location("advice_benchmark", Path(__file__).parents[2] / "benchmarks/advice.py")
benchmark = importlib.util.module_from_spec(SPEC)
sys.modules[SPEC.name] = benchmark
SPEC.loader.exec_module(benchmark)

JUDGED = {
    "alexnet": ["heavy_head"],
    "vgg16_bn": ["heavy_head", "bias_before_norm"],
    "inception_v3": ["unused_modules"],
    "shufflenet_v2_x1_0": ["wasted_lanes"],
    "deeplabv3_resnet50": ["padding_share"],
    "ghostnet_100": ["wasted_lanes"],
    "hrnet_w18": ["wasted_lanes", "bias_before_norm"],
}


@pytest.mark.parametrize("known", list(benchmark.well_known()), ids=lambda known: known.name)
def test_what_is_said_of_a_known_net_is_what_was_judged_true(known):
    advice = advise(Subject(record(known.make(), known.size)))
    assert [a.rule for a in advice] == JUDGED.get(known.name, [])


@pytest.mark.parametrize("name", ["shufflenet_v2_x1_0", "ghostnet_100", "hrnet_w18"])
def test_the_odd_widths_that_are_counted_are_those_of_the_modules(name: str):
    (known,) = [known for known in benchmark.well_known() if known.name == name]
    net = known.make()
    odd = [m for m in net.modules() if isinstance(m, nn.Conv2d) and m.groups == 1 and m.out_channels % 8]
    (advice,) = [a for a in advise(Subject(record(net, known.size))) if a.rule == "wasted_lanes"]
    assert f"in {len(odd)} convolutions" in advice.evidence
