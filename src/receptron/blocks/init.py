"""How weights start: functions that walk a finished network, so that no architecture carries options for it."""

from collections.abc import Callable, Iterator
from math import sqrt

from torch import nn

from receptron.blocks.attention import CBAM, SqueezeExcite
from receptron.blocks.chain import Concat
from receptron.blocks.classical import ScaledTanh
from receptron.blocks.repvgg import RepConv
from receptron.blocks.residual import Residual

Weighted = nn.Conv1d | nn.Conv2d | nn.ConvTranspose2d | nn.Linear
Fill = Callable[[Weighted], None]


def initialise(net: nn.Module) -> None:
    """Start every weight and every statistic of `net` afresh, by the rule that suits what it is made of.

    LayerNorm: truncated normal 0.02 (Liu et al. 2022, arXiv:2201.03545, Table 5). Tanh: LeCun et al. 1998, 1 / sqrt(fan in).
    Else He et al. 2015 (arXiv:1502.01852), with class layers at a standard deviation of 0.01 and residual branches softened. So signals
    keep their size in eval mode too, before any BatchNorm has seen an image, and fit half precision at any depth.
    """
    rule = _rule_of(net)
    apply_fill(net, rule)
    start_class_layers(net)
    if rule in (he, he_in):
        soften_branches(net)
        share_sums(net)


def _rule_of(net: nn.Module) -> Fill:
    kinds = {type(module) for module in net.modules()}
    if any(issubclass(kind, nn.LayerNorm) for kind in kinds):
        return truncated
    if kinds & {nn.Tanh, ScaledTanh}:
        return lecun
    return he_in if Concat in kinds else he


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


def he_in(layer: Weighted) -> None:
    """Normal with variance 2 / fan in (Eq. 10): where maps are stacked, many later layers read one map, and fan out tells nothing."""
    if isinstance(layer, nn.Linear):
        he(layer)
    else:
        nn.init.normal_(layer.weight, std=sqrt(2 / layer.weight[0].numel()))


def start_class_layers(net: nn.Module) -> None:
    """Fill every layer of `net` that names classes, each called `fc`; by He's rule at 0.01, so that no class is likely at first."""
    rule = _rule_of(net)
    for name, module in net.named_modules():
        if name.rpartition(".")[2] == "fc" and isinstance(module, Weighted):
            faint(module) if rule in (he, he_in) else rule(module)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def faint(layer: Weighted) -> None:
    """Normal with a standard deviation of 0.01."""
    nn.init.normal_(layer.weight, std=0.01)


def soften_branches(net: nn.Module) -> int:
    """Start the last BatchNorm scale of each of L residual bodies at 1 / sqrt(L): together they add as much as they are given, where
    each at full strength would double it; returns L.

    Source: De & Smith 2020, arXiv:2002.10444, Section 3.
    """
    lasts = _last_norms(net)
    for norm in lasts:
        nn.init.constant_(norm.weight, len(lasts) ** -0.5)
    return len(lasts)


def share_sums(net: nn.Module) -> None:
    """Start the BatchNorm scales of n convolutions that are added up at 1 / sqrt(n): the sum is of the size that one of them alone has."""
    for module in net.modules():
        if isinstance(module, RepConv):
            norms = [norm for norm in module.modules() if isinstance(norm, nn.BatchNorm2d)]
            for norm in norms:
                nn.init.constant_(norm.weight, len(norms) ** -0.5)


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


def _last_norms(net: nn.Module) -> list[nn.BatchNorm2d]:
    """The last BatchNorm of every residual body that has one; gates only scale what passes, so theirs do not count."""
    return [norms[-1] for block in net.modules() if isinstance(block, Residual) if (norms := list(_norms(block.body)))]


def _norms(body: nn.Module) -> Iterator[nn.BatchNorm2d]:
    for child in body.children():
        if isinstance(child, nn.BatchNorm2d):
            yield child
        elif not isinstance(child, SqueezeExcite | CBAM):
            yield from _norms(child)
