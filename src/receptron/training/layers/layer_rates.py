"""Which layer learns at which share of the rate: `--rates 10,5,1` over thirds of the depth, or a number for each level.

Levels are counted from the scores backward: the head, the stages, the stem. Source: Howard & Ruder 2018, arXiv:1801.06146, section 3.2.
"""

from collections.abc import Sequence

from torch import nn

from receptron.blocks.parameter_groups import depth_of, distance_of
from receptron.errors import BadValue
from receptron.training.loop.hyperparameters import Hyperparameters

THIRDS = 3


def levels_of(net: nn.Module) -> int:
    """Head, stages and, where it learns anything, stem: as many as a network has."""
    depth = depth_of(net)
    return 1 + max((distance_of(name, depth) for name, _ in net.named_parameters()), default=0)


def shares_of(net: nn.Module, plan: Hyperparameters) -> tuple[float, ...]:
    """Share of the rate of each level, the head's first; what has no stages is one level."""
    levels = plan.levels or levels_of(net)
    if not depth_of(net) and not any(name.startswith("head.") for name, _ in net.named_parameters()):
        return (1.0,) * levels
    if plan.rates:
        return spread(plan.rates, levels)
    return tuple(plan.layer_decay**distance for distance in range(levels))


def spread(rates: Sequence[float], levels: int) -> tuple[float, ...]:
    """`rates` as shares of the largest, for each of `levels` levels. Raises: BadValue unless there are 3 of them or one a level.

    >>> spread((10, 5, 1), 6)
    (1.0, 1.0, 0.5, 0.5, 0.1, 0.1)
    """
    if len(rates) not in (THIRDS, levels):
        raise BadValue(
            f"--rates has {len(rates)} numbers.",
            why=f"this network has {levels} levels, from the head back to the image",
            mend=f"give 3 (head, middle, early) or {levels}, the head's first",
        )
    most = max(rates)
    return tuple(rates[i if len(rates) == levels else i * THIRDS // levels] / most for i in range(levels))
