"""Optimisers with the field's usual rules: no decay on gains and biases, lower rates towards the image."""

import re

from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from receptron.training.loop.hyperparameters import Hyperparameters

_STAGE = re.compile(r"(?:^|\.)stages\.(\d+)\.")


def make_optimiser(net: nn.Module, plan: Hyperparameters) -> Optimizer:
    """SGD with Nesterov momentum, or AdamW, over the parameters that require gradients.

    Each group keeps its share of the rate under `share`: 1 for the head, `plan.layer_decay` to the power of the number of stages
    between a layer and the head. Source: Howard & Ruder 2018, arXiv:1801.06146, section 3.2.
    """
    groups: dict[tuple[int, bool], list[nn.Parameter]] = {}
    depth = 1 + max((_stage_of(name) for name, _ in net.named_parameters()), default=-1)
    for name, parameter in net.named_parameters():
        if parameter.requires_grad:
            groups.setdefault((_distance(name, depth), parameter.dim() > 1), []).append(parameter)
    listed = [
        {"params": parameters, "share": plan.layer_decay**distance, "weight_decay": plan.decay if decays else 0.0}
        for (distance, decays), parameters in sorted(groups.items(), key=lambda item: item[0])
    ]
    if plan.optimiser == "adamw":
        return AdamW(listed, lr=plan.rate)
    return SGD(listed, lr=plan.rate, momentum=plan.momentum, nesterov=True)


def set_rate(optimiser: Optimizer, rate: float) -> float:
    """Give every group its share of `rate`; returns `rate`."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group["share"]
    return rate


def _stage_of(name: str) -> int:
    found = _STAGE.search(name)
    return int(found[1]) if found else -1


def _distance(name: str, depth: int) -> int:
    """Stages between a parameter and the head: 0 for the head, 1 for the last stage, depth + 1 for the stem."""
    if re.search(r"(?:^|\.)head\.", name):
        return 0
    return depth - max(_stage_of(name), -1)
