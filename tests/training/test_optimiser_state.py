"""An optimiser that was saved and restored goes on exactly as the one that never stopped."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from receptron.errors import CheckpointMismatch
from receptron.training.checkpointing import optimiser_state
from receptron.training.checkpointing.checkpoint import Checkpoints

Make = Callable[[nn.Module], Optimizer]
MAKERS: dict[str, Make] = {
    "plain SGD": lambda net: SGD(net.parameters(), lr=0.1),
    "SGD with momentum": lambda net: SGD(
        [{"params": net[0].parameters(), "lr": 0.01}, {"params": net[1:].parameters()}], lr=0.1, momentum=0.9, nesterov=True
    ),
    "AdamW": lambda net: AdamW(net.parameters(), lr=0.01, betas=(0.8, 0.99), weight_decay=0.05),
    "AdamW with amsgrad": lambda net: AdamW(net.parameters(), lr=torch.tensor(0.01), amsgrad=True, foreach=False),
}


def network() -> nn.Sequential:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 36, 2))
    return net.to(memory_format=torch.channels_last)


def train(net: nn.Module, optimiser: Optimizer, steps: range) -> None:
    for step in steps:
        x = torch.randn(5, 3, 8, 8, generator=torch.Generator().manual_seed(step))
        optimiser.zero_grad()
        net(x).square().mean().backward()
        optimiser.step()


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("stop", [0, 1, 7])
def test_a_restored_optimiser_goes_on_bit_for_bit(tmp_path: Path, kind: str, stop: int):
    straight, broken, resumed = network(), network(), network()
    train(straight, MAKERS[kind](straight), range(12))
    first = MAKERS[kind](broken)
    train(broken, first, range(stop))
    tensors, state = optimiser_state.flatten(first)
    Checkpoints(tmp_path).save(stop, {"model": broken.state_dict(), "optimiser": tensors}, state)

    found, second = Checkpoints(tmp_path).newest(), MAKERS[kind](resumed)
    assert found is not None
    resumed.load_state_dict(found.tensors["model"])
    optimiser_state.restore(second, found.tensors["optimiser"], found.record(optimiser_state.OptimiserState))
    train(resumed, second, range(stop, 12))
    assert all(torch.equal(a, b) for a, b in zip(straight.state_dict().values(), resumed.state_dict().values(), strict=True))
    assert [g["params"] for g in second.state_dict()["param_groups"]] == [g["params"] for g in first.state_dict()["param_groups"]]


def test_forgetting_the_momentum_would_be_noticed():
    straight, resumed = network(), network()
    make = MAKERS["SGD with momentum"]
    train(straight, make(straight), range(12))
    train(resumed, make(resumed), range(7))
    train(resumed, make(resumed), range(7, 12))
    assert not torch.equal(straight[3].weight, resumed[3].weight)


def test_settings_keep_their_types_and_buffers_their_layout():
    net = network()
    first = MAKERS["AdamW"](net)
    train(net, first, range(2))
    second = MAKERS["AdamW"](net)
    optimiser_state.restore(second, *optimiser_state.flatten(first))
    assert second.param_groups[0]["betas"] == (0.8, 0.99)
    assert second.state[net[0].weight]["exp_avg"].is_contiguous(memory_format=torch.channels_last)
    assert {k: type(v) for k, v in second.param_groups[0].items()} == {k: type(v) for k, v in first.param_groups[0].items()}


def test_another_network_or_grouping_is_refused():
    net = network()
    first = MAKERS["AdamW"](net)
    train(net, first, range(1))
    tensors, state = optimiser_state.flatten(first)
    with pytest.raises(CheckpointMismatch, match=r"groups of \[6\] parameters, this one \[2, 4\]"):
        optimiser_state.restore(MAKERS["SGD with momentum"](net), tensors, state)
    wider = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(8 * 36, 2))
    with pytest.raises(CheckpointMismatch, match="exp_avg of parameter 0"):
        optimiser_state.restore(MAKERS["AdamW"](wider), tensors, state)
