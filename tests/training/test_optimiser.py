"""Which parameter learns at which rate and which decays, counted for whole networks of the zoo, and one step against torch by hand."""

import pytest
import torch
from torch import nn

from receptron.training.features.frozen_backbone import Tail, divide
from receptron.training.loop.hyperparameters import Hyperparameters
from receptron.training.loop.optimiser import make_optimiser, set_rate
from receptron.zoo import build


def shares(net: nn.Module, plan: Hyperparameters) -> dict[str, tuple[float, float]]:
    """Parameter -> share of the rate, weight decay."""
    groups = make_optimiser(net, plan).param_groups
    of = {id(p): (group["share"], group["weight_decay"]) for group in groups for p in group["params"]}
    return {name: of[id(p)] for name, p in net.named_parameters() if id(p) in of}


@pytest.mark.parametrize(("name", "stages"), [("resnet18", 4), ("cifar_resnet20", 3), ("mobilenet_v2", 7)])
def test_each_stage_learns_at_a_share_of_the_next_ones_rate(name: str, stages: int):
    net = build(name, classes=3)
    found = shares(net, Hyperparameters(1, 8, 0.1, layer_decay=0.5))
    assert len(net.stages) == stages
    for parameter, (share, _) in found.items():
        part, *rest = parameter.split(".")
        distance = {"head": 0, "stem": stages + 1}.get(part, stages - int(rest[0]) if part == "stages" else -1)
        assert share == 0.5**distance, parameter


def test_a_tail_keeps_the_rates_of_the_network_it_was_cut_from():
    net = build("resnet18", classes=3)
    tail = Tail(net, divide(net, 3, 64).boundary)
    found = {share for share, _ in shares(tail, Hyperparameters(1, 8, 0.1, layer_decay=0.5)).values()}
    assert found == {1.0, 0.5}


@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_weights_decay_and_gains_and_biases_do_not(kind: str):
    net = build("resnet18", classes=3)
    for name, (_, decay) in shares(net, Hyperparameters(1, 8, 0.1, kind, decay=0.05)).items():
        is_weight = dict(net.named_parameters())[name].dim() > 1
        assert decay == (0.05 if is_weight else 0.0), name


def test_frozen_parameters_are_left_out_and_all_others_are_in_once():
    net = build("cifar_resnet20", classes=3)
    net.stem.requires_grad_(False)
    learning = {id(p) for p in net.parameters() if p.requires_grad}
    listed = [id(p) for group in make_optimiser(net, Hyperparameters(1, 8, 0.1)).param_groups for p in group["params"]]
    assert len(listed) == len(set(listed)) and set(listed) == learning


def test_set_rate_gives_every_group_its_share():
    net = build("cifar_resnet20", classes=3)
    optimiser = make_optimiser(net, Hyperparameters(1, 8, 0.1, layer_decay=0.5))
    assert set_rate(optimiser, 0.08) == 0.08
    assert {group["lr"] for group in optimiser.param_groups} == {0.08, 0.04, 0.02, 0.01, 0.005}


def test_a_step_is_nesterovs_with_decay_by_hand():
    net = nn.Sequential(nn.Linear(2, 2))
    start = {name: p.detach().clone() for name, p in net.named_parameters()}
    optimiser = make_optimiser(net, Hyperparameters(1, 8, 0.1, momentum=0.9, decay=0.01))
    net(torch.ones(1, 2)).sum().backward()
    optimiser.step()
    for name, p in net.named_parameters():
        gradient = torch.ones_like(p) + (0.01 * start[name] if p.dim() > 1 else 0)
        assert torch.allclose(p, start[name] - 0.1 * (gradient + 0.9 * gradient))
