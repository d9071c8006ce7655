"""How learning rate and momentum go over the steps of a phase: a rise, then a cosine, one cycle, or the same rate on and on."""

import math
from dataclasses import dataclass

from receptron.training.loop.hyperparameters import Hyperparameters

START, END = 1 / 25, 1 / 25 / 1e4  # of the highest rate, at both ends of one cycle
MOMENTUM = (0.85, 0.95)  # at the highest rate of one cycle, and at its ends


@dataclass(frozen=True)
class Pace:
    """How fast one step goes."""

    rate: float  # of the last layers
    momentum: float | None = None  # of SGD, or beta1 of AdamW; None: as the optimiser was made


def pace(plan: Hyperparameters, step: int, steps: int) -> Pace:
    """Rate and momentum at `step`, from 0, of `steps`."""
    if plan.schedule == "one-cycle":
        share, momentum = one_cycle(step, steps, plan.warmup)
        return Pace(plan.rate * share, momentum)
    if plan.schedule == "constant":
        return Pace(plan.rate * min(1.0, (step + 1) / max(1, round(steps * plan.warmup))))
    return Pace(plan.rate * rate_at(step, steps, plan.warmup))


def rate_at(step: int, steps: int, warmup: float) -> float:
    """Share of the highest rate at `step` of `steps`: a straight rise, then half a cosine to zero.

    Source: Goyal et al. 2017, arXiv:1706.02677 (warm-up); Loshchilov & Hutter 2017, arXiv:1608.03983 (cosine).

    >>> [round(rate_at(s, 10, 0.2), 2) for s in range(10)]
    [0.5, 1.0, 1.0, 0.96, 0.85, 0.69, 0.5, 0.31, 0.15, 0.04]
    """
    rise = max(1, round(steps * warmup))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def one_cycle(step: int, steps: int, rise: float) -> tuple[float, float]:
    """Share of the highest rate, and the momentum, which goes the other way: up over the share `rise` of the steps, then down to nothing.

    Source: Smith & Topin 2019, arXiv:1708.07120, in the form and with the numbers of torch.optim.lr_scheduler.OneCycleLR.
    """
    top, last = max(0.0, rise * steps - 1), steps - 1
    low, high = MOMENTUM
    if step <= top and top > 0:
        done = step / top
        return _between(START, 1.0, done), _between(high, low, done)
    done = (step - top) / max(last - top, 1e-9)
    return _between(1.0, END, done), _between(low, high, done)


def _between(start: float, end: float, done: float) -> float:
    """Along half a cosine, `done` of the way from `start` to `end`."""
    return end + (start - end) / 2 * (1 + math.cos(math.pi * min(1.0, done)))
