"""How weights start: functions that walk a finished network, so that no architecture carries options for it."""

from collections.abc import Callable
from math import sqrt

from torch import nn

from receptron.blocks.classical import ScaledTanh
from receptron.blocks.residual import Residual

Weighted = nn.Conv1d | nn.Conv2d | nn.ConvTranspose2d | nn.Linear
Fill = Callable[[Weighted], None]


def initialise(net: nn.Module) -> None:
    """Start every weight and every statistic of `net` afresh, by the rule that suits what it is made of.

    LayerNorm: truncated normal 0.02 (Liu et al. 2022, arXiv:2201.03545, Table 5). Tanh: LeCun et al. 1998, 1 / sqrt(fan in).
    Else He et al. 2015 (arXiv:1502.01852), with the last linear layer at a standard deviation of 0.01.
    """
    kinds = {type(module) for module in net.modules()}
    if any(issubclass(kind, nn.LayerNorm) for kind in kinds):
        fill = truncated
    elif kinds & {nn.Tanh, ScaledTanh}:
        fill = lecun
    else:
        fill = he
    apply_fill(net, fill)


def apply_fill(net: nn.Module, fill: Fill) -> None:
    """Fill convolutions and linear layers with `fill`; every other module resets itself."""
    for module in net.modules():
        if isinstance(module, Weighted):
            fill(module)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif callable(reset := getattr(module, "reset_parameters", None)):
            reset()


def he(layer: Weighted) -> None:
    """Normal with variance 2 / fan: fan out of a convolution, which keeps the size of gradients; 0.01 for linear layers (VGG, ResNet)."""
    if isinstance(layer, nn.Linear):
        nn.init.normal_(layer.weight, std=0.01 if layer.in_features <= 4096 else sqrt(2 / layer.in_features))
        return
    nn.init.normal_(layer.weight, std=sqrt(2 / fan_out(layer)))


def lecun(layer: Weighted) -> None:
    """Normal with variance 1 / fan in, which keeps the size of signals through tanh. LeCun et al. 1998, "Efficient BackProp", Eq. 16."""
    nn.init.normal_(layer.weight, std=1 / sqrt(layer.weight[0].numel()))


def truncated(layer: Weighted) -> None:
    """Normal with standard deviation 0.02, cut at two units either side (ViT, ConvNeXt)."""
    nn.init.trunc_normal_(layer.weight, std=0.02, a=-2.0, b=2.0)


def fan_out(layer: nn.Conv1d | nn.Conv2d | nn.ConvTranspose2d) -> int:
    """Outputs that one input pixel of one channel reaches: each filter of its group, at each position of the kernel."""
    positions = layer.weight[0, 0].numel()
    return max(1, layer.out_channels // layer.groups * positions)


def zero_last_norms(net: nn.Module) -> int:
    """Start the last BatchNorm scale of every residual body at zero, so that each block begins as the identity; returns how many.

    Source: Goyal et al. 2017, arXiv:1706.02677, Section 5.1.
    """
    lasts = [norms[-1] for block in net.modules() if isinstance(block, Residual) if (norms := _norms(block.body))]
    for norm in lasts:
        nn.init.zeros_(norm.weight)
    return len(lasts)


def _norms(body: nn.Module) -> list[nn.BatchNorm2d]:
    return [module for module in body.modules() if isinstance(module, nn.BatchNorm2d)]
