"""Which learning rate suits a phase: a range test on a copy of its network. Smith 2017, arXiv:1506.01186, Section 3.3.

The rate rises step by step from very small to very large; the loss, smoothed, first falls and then soars. The rule is that of fastai's
`minimum`: a tenth of the rate at which the smoothed loss was least. Batches are those of an epoch of their own, dropout is keyed by the
step, and the network that training starts from is never touched, so the same rate is found again.
"""

import copy
from itertools import cycle

import torch
from torch.nn.utils import clip_grad_norm_

from receptron.data.stateless_random import keyed
from receptron.training.hardware.device import Engine
from receptron.training.loop.loop import Phase, batches
from receptron.training.loop.optimiser import make_optimiser, set_rate
from receptron.training.rate_search import RateSearch

LOWEST, HIGHEST, STEPS = 1e-5, 1.0, 60
SMOOTHED = 0.9  # of the running mean stays at each step, corrected for its start
SOARED = 4.0  # times the least smoothed loss: the test is over
SHARE = 0.1  # of the rate of least loss
EPOCH = 1_000_003  # whose views no training shows


def find_rate(phase: Phase, engine: Engine) -> RateSearch:
    """The rate for `phase`, whose network and random numbers stay as they are."""
    net = copy.deepcopy(phase.net)
    engine.arrange(net.to(engine.device)).train()
    optimiser = make_optimiser(net, phase.plan)
    per_epoch = phase.plan.steps_per_epoch(len(phase.source.names))
    make, rates, losses, mean = batches(phase, EPOCH), list[float](), list[float](), 0.0
    with torch.random.fork_rng(devices=[]):
        for step, place in zip(range(STEPS), cycle(range(per_epoch)), strict=False):
            torch.manual_seed(int(keyed(phase.plan.seed, "range test", step).integers(2**63)))
            rate = set_rate(optimiser, LOWEST * (HIGHEST / LOWEST) ** (step / (STEPS - 1)))
            inputs, targets, _ = make(place)
            with engine.autocast():
                loss = phase.objective(net, engine.place(inputs), targets.to(engine.device)).mean()
            mean = SMOOTHED * mean + (1 - SMOOTHED) * float(loss.detach())
            smoothed = mean / (1 - SMOOTHED ** (step + 1))
            if not smoothed < SOARED * min(losses, default=float("inf")):  # NaN and infinity as well
                break
            rates.append(rate)
            losses.append(smoothed)
            loss.backward()  # pyright: ignore[reportUnknownMemberType]
            clip_grad_norm_(net.parameters(), phase.plan.clip)
            optimiser.step()
            optimiser.zero_grad()
    return RateSearch(str(phase.name), tuple(rates), tuple(losses), chosen(rates, losses))


def chosen(rates: list[float], losses: list[float]) -> float:
    """A tenth of the rate of least smoothed loss, of two figures: that is how well a range test tells it.

    >>> chosen([0.001, 0.01, 0.1, 1.0], [1.0, 0.6, 0.5, 2.0])
    0.01
    """
    least = rates[min(range(len(losses)), key=lambda i: losses[i])] if losses else LOWEST
    return float(f"{SHARE * least:.1e}")
