"""Key maps: what a rule means, and what a checkpoint that does not fit is told."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from receptron.errors import CheckpointMismatch
from receptron.weights.keymap import KeyMap, conv_norm, load

RULES = KeyMap("theirs", (*conv_norm("layer{s}.{b}.conv{c}", "layer{s}.{b}.bn{c}", "stages.{s-1}.{b}.conv{c}"), ("extra.*", None)))


@given(st.integers(1, 99), st.integers(0, 99), st.integers(0, 9))
def test_numbers_and_the_rest_are_carried_over(s: int, b: int, c: int):
    assert RULES.translate(f"layer{s}.{b}.conv{c}.weight") == f"stages.{s - 1}.{b}.conv{c}.conv.weight"
    assert RULES.translate(f"layer{s}.{b}.bn{c}.running_mean") == f"stages.{s - 1}.{b}.conv{c}.norm.running_mean"


def test_a_number_that_stands_twice_must_be_the_same():
    rules = KeyMap("x", (("a{i}.b{i}", "c{i+1}"),))
    assert rules.translate("a3.b3") == "c4"
    with pytest.raises(CheckpointMismatch):
        rules.translate("a3.b4")


def test_left_out_names_vanish_and_unknown_names_are_told():
    assert RULES({"extra.weight": torch.zeros(1)}) == {}
    with pytest.raises(CheckpointMismatch, match=r"no rule of the theirs key map matches the parameter 'fc\.weight'"):
        RULES({"fc.weight": torch.zeros(1)})


def test_a_dot_in_a_rule_is_a_dot():
    with pytest.raises(CheckpointMismatch):
        KeyMap("x", (("a.b", "c"),)).translate("axb")


def test_all_disagreements_are_told_at_once_and_nothing_is_copied():
    net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    before = {k: v.clone() for k, v in net.state_dict().items()}
    state = {"0.weight": torch.ones(3, 2), "0.bias": torch.ones(4), "1.weight": torch.ones(1, 3), "odd": torch.ones(1)}
    with pytest.raises(CheckpointMismatch) as caught:
        load(net, state)
    for part in ("3 faults", "missing 1.bias (1,)", "unexpected odd (1,)", "0.bias is (4,), needed (3,)"):
        assert part in str(caught.value)
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items())


def test_a_linear_layer_takes_the_convolution_that_it_equals_and_nothing_else():
    net = nn.Linear(12, 5, bias=False)
    load(net, {"weight": torch.arange(60.0).reshape(5, 3, 2, 2)})
    assert torch.equal(net.weight.flatten(), torch.arange(60.0))
    with pytest.raises(CheckpointMismatch):
        load(net, {"weight": torch.zeros(12, 5)})  # as many numbers, another layer


def test_counters_that_old_files_lack_are_kept():
    norm = nn.BatchNorm2d(2)
    load(norm, {k: torch.ones(2) for k in ("weight", "bias", "running_mean", "running_var")})
    assert int(norm.num_batches_tracked) == 0


@pytest.mark.parametrize(
    ("weight", "told"),
    [
        (torch.ones(2, 3, dtype=torch.complex64), "weight holds torch.complex64"),
        (torch.ones(2, 3, dtype=torch.int8), "weight holds torch.int8"),
        (torch.ones(2, 3, dtype=torch.bool), "weight holds torch.bool"),
    ],
)
def test_numbers_whose_meaning_would_be_lost_are_refused(weight: torch.Tensor, told: str):
    net = nn.Linear(3, 2)
    before = net.weight.detach().clone()
    with pytest.raises(CheckpointMismatch, match=told):
        load(net, {"weight": weight, "bias": torch.zeros(2)})
    assert torch.equal(net.weight, before)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floats_are_converted(kind: torch.dtype):
    net = nn.Linear(3, 2)
    load(net, {"weight": torch.full((2, 3), 0.5, dtype=kind), "bias": torch.zeros(2)})
    assert bool((net.weight == 0.5).all())
