"""The range test: a loop written by hand finds the same losses, weights and random numbers stay, and it is made once."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small import context
from test_loop import ENGINE, PHASE, net, same, source
from torch.nn import functional as F
from torch.nn.utils import clip_grad_norm_

from receptron.data.stateless_random import order
from receptron.training import found_rate
from receptron.training.checkpointing.decision_log import DecisionLog
from receptron.training.found_rate import rate_searches, with_rate
from receptron.training.loop.hyperparameters import Hyperparameters
from receptron.training.loop.loop import Phase
from receptron.training.loop.objective import Supervised
from receptron.training.loop.rate_finder import EPOCH, HIGHEST, LOWEST, STEPS, chosen, find_rate
from receptron.training.loop.recipe import Recipe
from receptron.training.rate_search import RateSearch

PLAN = Hyperparameters(3, 8, 0.05, layer_decay=0.7, smoothing=0.1, seed=5)


def phase() -> Phase:
    made = net()
    made.get_submodule("head.2").p = 0.0
    return Phase(PHASE, made, source(), PLAN, Supervised(PLAN.smoothing))


def test_the_losses_are_those_of_a_loop_written_by_hand():
    found, theirs, batches = find_rate(phase(), ENGINE), phase().net.to(memory_format=torch.channels_last).train(), source()
    far = {"head": 1.0, "stages": 0.7, "stem": 0.49}
    groups = [{"params": [p], "share": far[n.split(".")[0]], "weight_decay": 1e-4 * (p.dim() > 1)} for n, p in theirs.named_parameters()]
    optimiser = torch.optim.SGD(groups, 1.0, 0.9, nesterov=True)
    mean = 0.0
    for step in range(len(found.rates)):
        rate = LOWEST * (HIGHEST / LOWEST) ** (step / (STEPS - 1))
        assert found.rates[step] == pytest.approx(rate)
        for group in optimiser.param_groups:
            group["lr"] = rate * group["share"]
        rows = order(30, 5, EPOCH)[8 * (step % 4) : 8 * (step % 4) + 8]
        inputs, targets = batches.batch(rows, EPOCH)
        loss = F.cross_entropy(theirs(inputs), targets, label_smoothing=0.1)
        mean = 0.9 * mean + 0.1 * float(loss.detach())
        assert found.losses[step] == pytest.approx(mean / (1 - 0.9 ** (step + 1)), rel=2e-3), step
        optimiser.zero_grad()
        loss.backward()
        clip_grad_norm_(theirs.parameters(), PLAN.clip)
        optimiser.step()
    assert found.rate == chosen(list(found.rates), list(found.losses))
    assert max(found.losses) > 1.5 * min(found.losses) or len(found.rates) == STEPS


def test_it_changes_no_weight_and_no_random_number_and_finds_the_same_again():
    made, twin = phase(), phase()
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    first = find_rate(made, ENGINE)
    assert torch.equal(torch.rand(1), expected)
    assert same(made.net, twin.net) and made.net.training == twin.net.training
    assert all(p.grad is None for p in made.net.parameters())
    assert find_rate(made, ENGINE) == first


@pytest.mark.parametrize(
    ("losses", "rate"),
    [([3.0, 2.0, 1.0, 4.0], 0.01), ([1.0, 2.0, 3.0, 4.0], 1e-4), ([4.0, 3.0, 2.0, 1.0], 0.1), ([2.0, 1.0, 1.0, 1.0], 1e-3)],
)
def test_the_rate_is_a_tenth_of_that_of_the_least_loss(losses: list[float], rate: float):
    assert chosen([0.001, 0.01, 0.1, 1.0], losses) == pytest.approx(rate)


def test_it_is_made_once_for_a_rung_and_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made, place = phase(), replace(context(30, tmp_path), recipe=Recipe(rate="find"))
    first = with_rate(made, ENGINE, place)
    assert first == replace(PLAN, rate=first.rate) and first.rate != PLAN.rate
    monkeypatch.setattr(found_rate, "find_rate", lambda *_: pytest.fail("looked for again"))
    assert with_rate(made, ENGINE, place) == first
    again = replace(place, environment=replace(place.environment, decisions=DecisionLog(tmp_path / "decisions.json")))
    assert with_rate(made, ENGINE, again) == first
    (told,) = rate_searches(again.environment.decisions)
    assert isinstance(told, RateSearch) and told.rate == first.rate and told.phase == str(PHASE)


def test_a_rate_that_was_given_is_kept():
    assert with_rate(phase(), ENGINE, context(30)) == PLAN
