"""How the learning rate goes over the steps of a phase: warm-up, then a cosine."""

import math


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
