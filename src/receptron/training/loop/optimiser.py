"""Optimisers with the field's usual rules: no decay on gains and biases, lower rates towards the image."""

from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from receptron.blocks.parameter_groups import parameter_groups
from receptron.training.layers.layer_rates import shares_of
from receptron.training.loop.hyperparameters import Hyperparameters


def make_optimiser(net: nn.Module, plan: Hyperparameters) -> Optimizer:
    """SGD with Nesterov momentum, or AdamW, over the parameters that require gradients.

    Each group keeps its share of the rate under `share`.
    """
    listed = parameter_groups(net, plan.rate, plan.decay, plan.layer_decay, shares_of(net, plan))
    if plan.optimiser == "adamw":
        return AdamW(listed, lr=plan.rate)
    return SGD(listed, lr=plan.rate, momentum=plan.momentum, nesterov=True)


def set_rate(optimiser: Optimizer, rate: float, momentum: float | None = None) -> float:
    """Give every group its share of `rate`, and the momentum where it is told (beta1 of AdamW); returns `rate`."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group["share"]
        if momentum is not None and "betas" in group:
            group["betas"] = (momentum, group["betas"][1])
        elif momentum is not None:
            group["momentum"] = momentum
    return rate
