"""Parameters in groups for an optimiser: lower rates towards the image, and weight decay for the weights of layers alone."""

import re
from collections.abc import Sequence
from typing import Any

from torch import nn

_STAGE = re.compile(r"(?:^|\.)stages\.(\d+)\.")


def parameter_groups(
    net: nn.Module, lr: float, weight_decay: float, layer_decay: float = 1.0, shares: Sequence[float] = ()
) -> list[dict[str, Any]]:
    """Groups of the parameters that require gradients, the head's first, as torch's optimisers take them.

    `share` is what a group's rate is of `lr`: 1 for the head, `layer_decay` to the power of the stages between a layer and the head,
    or what `shares` say of each level: head, last stage, and so on to the stem.
    Norms, biases, gains, tokens and positions are spared from weight decay. Source: Howard & Ruder 2018, arXiv:1801.06146, section 3.2.
    """
    groups: dict[tuple[int, bool], list[nn.Parameter]] = {}
    depth = depth_of(net)

    def share(distance: int) -> float:
        return shares[distance] if shares else layer_decay**distance

    for name, parameter in net.named_parameters():
        if parameter.requires_grad:
            decays = parameter.dim() > 1 and name.endswith("weight")
            groups.setdefault((distance_of(name, depth), decays), []).append(parameter)
    return [
        {
            "params": parameters,
            "lr": lr * share(distance),
            "share": share(distance),
            "weight_decay": weight_decay if decays else 0.0,
        }
        for (distance, decays), parameters in sorted(groups.items(), key=lambda item: item[0])
    ]


def _stage_of(name: str) -> int:
    found = _STAGE.search(name)
    return int(found[1]) if found else -1


def depth_of(net: nn.Module) -> int:
    """Stages of a network, or of the tail of one."""
    return 1 + max((_stage_of(name) for name, _ in net.named_parameters()), default=-1)


def distance_of(name: str, depth: int) -> int:
    """Stages between a parameter and the head: 0 for the head, 1 for the last stage, depth + 1 for the stem."""
    if re.search(r"(?:^|\.)(?:head|auxiliary)\.", name):
        return 0
    return depth - max(_stage_of(name), -1)
