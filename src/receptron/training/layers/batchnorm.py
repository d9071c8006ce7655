"""What BatchNorm does while a phase learns: its statistics follow the batches, stay as they were, or are computed afresh at the end."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm  # pyright: ignore[reportPrivateUsage]

from receptron.data.stateless_random import keyed
from receptron.training.hardware.device import Engine
from receptron.training.loop.hyperparameters import BatchNormPolicy

IN_WORDS = {
    "trained": "its running statistics follow the batches",
    "frozen": "its running statistics stay as they were before; gains and biases learn",
    "re-estimated": "its running statistics are computed afresh over the training images at the end",
}


def norms_of(net: nn.Module) -> list[nn.Module]:
    """Every BatchNorm that keeps running statistics."""
    return [module for module in net.modules() if isinstance(module, _BatchNorm) and module.track_running_stats]


def learn(net: nn.Module, policy: BatchNormPolicy) -> None:
    """Training mode; a frozen BatchNorm normalises by the statistics that it keeps, and does not change them."""
    net.train()
    if policy == "frozen":
        for norm in norms_of(net):
            norm.eval()


def re_estimate(net: nn.Module, batches: Iterable[Tensor], engine: Engine, seed: int) -> None:
    """Statistics of every BatchNorm, as plain averages over `batches`, as torch.optim.swa_utils.update_bn computes them."""
    norms = norms_of(net)
    if not norms:
        return
    momenta = {norm: norm.momentum for norm in norms}
    net.train()
    torch.manual_seed(int(keyed(seed, "re-estimate", 0).integers(2**63)))  # for dropout
    for norm in norms:
        norm.reset_running_stats()  # pyright: ignore[reportCallIssue]
        norm.momentum = None  # pyright: ignore[reportArgumentType, reportAttributeAccessIssue]
    with torch.no_grad(), engine.autocast():
        for inputs in batches:
            net(inputs)
    for norm, momentum in momenta.items():
        norm.momentum = momentum  # pyright: ignore[reportAttributeAccessIssue]
