"""Effective fields: the closed form against gradients of networks with fresh random weights, and against the chain's known variance."""

from math import sqrt

import pytest
import torch
from torch import Tensor, nn

from receptron.analysis.receptive_field.effective import effective_field, measured_field
from receptron.analysis.recording import record
from receptron.errors import NotLocal, UnknownName


def chain(depth: int, kernel: int = 3) -> nn.Sequential:
    return nn.Sequential(*(nn.Conv2d(8 if i else 3, 8, kernel, padding=kernel // 2, bias=False) for i in range(depth)))


@pytest.mark.parametrize(("depth", "kernel"), [(1, 3), (6, 3), (4, 5)])
def test_a_chain_spreads_like_the_sum_of_uniform_steps(depth: int, kernel: int):
    found = effective_field(record(chain(depth, kernel), (3, 61, 61)))
    assert found.deviation == pytest.approx(sqrt(depth * (kernel**2 - 1) / 12))
    assert found.centre == pytest.approx(30)
    assert sum(found.shares) == pytest.approx(1)


class Branching(nn.Module):
    """Two branches of unequal reach, added, with strides before and a pooling after."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, 2, 1, bias=False)
        self.wide = nn.Conv2d(16, 16, 7, padding=3, bias=False)
        self.narrow = nn.Conv2d(16, 16, 1, bias=False)
        self.pool = nn.AvgPool2d(2)
        self.last = nn.Conv2d(16, 16, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return self.last(self.pool(self.wide(x) + self.narrow(x)))


@pytest.mark.parametrize("make", [lambda: chain(6), Branching])
def test_the_closed_form_is_the_mean_of_fresh_random_networks(make):
    torch.manual_seed(0)
    closed = effective_field(record(make(), (3, 64, 64)))
    profile = torch.zeros(64)
    for _ in range(40):
        net = make()
        for module in net.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, std=(module.weight[0].numel()) ** -0.5)
        energy, _, _ = measured_field(net, torch.randn(2, 3, 64, 64))
        profile += energy.sum(1) / energy.sum()
    measured = profile / 40
    assert 0.5 * float((measured - torch.tensor(closed.shares)).abs().sum()) < 0.08
    wrong = torch.tensor(closed.shares).roll(6)
    assert 0.5 * float((measured - wrong).abs().sum()) > 0.2


def test_measuring_leaves_the_network_as_it_was():
    net = chain(2).train()
    before = [p.clone() for p in net.parameters()]
    measured_field(net, torch.randn(1, 3, 16, 16), "0")
    assert net.training
    assert all(p.grad is None and torch.equal(p, b) for p, b in zip(net.parameters(), before, strict=True))
    assert not net[0]._forward_hooks


def test_a_layer_without_local_path_and_an_unknown_layer_are_refused():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1))
    with pytest.raises(NotLocal):
        effective_field(record(net, (3, 16, 16)))
    with pytest.raises(UnknownName):
        measured_field(net, torch.zeros(1, 3, 16, 16), "2")
