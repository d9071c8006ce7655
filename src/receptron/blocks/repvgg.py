"""Parallel convolutions that become one once they are trained. Ding et al. 2021, "RepVGG", arXiv:2101.03697, Fig. 4."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from receptron.blocks.chain import chain
from receptron.blocks.conv import conv, relu
from receptron.errors import BadValue


class RepConv(nn.ModuleDict):
    """3x3, 1x1 and, where the shape stays, the input itself, each normalised, added: (N, c_in, H, W) -> (N, c_out, H/stride, W/stride).

    Weights: 10 c_in c_out / groups, and 4 or 6 c_out of the norms.
    """

    def __init__(self, c_in: int, c_out: int, stride: int = 1, *, groups: int = 1) -> None:
        branches: dict[str, nn.Module] = {
            "three": conv(c_in, c_out, 3, stride, groups=groups, act=None),
            "one": conv(c_in, c_out, 1, stride, groups=groups, act=None),
        }
        if stride == 1 and c_in == c_out:
            branches["same"] = nn.BatchNorm2d(c_out)
        super().__init__(branches)

    def forward(self, x: Tensor) -> Tensor:
        maps: list[Tensor] = []  # a loop, as TorchScript reads no comprehension over modules
        for branch in self.values():
            maps.append(branch(x))
        total = maps[0]
        for m in maps[1:]:
            total = total + m
        return total

    def folded(self) -> nn.Conv2d:
        """One 3x3 convolution that answers as all branches do in eval mode (Section 3.3)."""
        three = cast(nn.Conv2d, self.get_submodule("three.conv"))
        kernel, bias = _scaled(three.weight, self.get_submodule("three.norm"))
        parts = [_scaled(_centred(cast(nn.Conv2d, self.get_submodule("one.conv")).weight), self.get_submodule("one.norm"))]
        if "same" in self:
            parts.append(_scaled(_identity(three), self["same"]))
        for more_kernel, more_bias in parts:
            kernel, bias = kernel + more_kernel, bias + more_bias
        one = nn.Conv2d(three.in_channels, three.out_channels, 3, device="meta")
        one.stride, one.padding, one.dilation, one.groups = three.stride, three.padding, three.dilation, three.groups
        one.weight, one.bias = (nn.Parameter(t.to(three.weight.dtype)) for t in (kernel, bias))
        return one.train(three.training)


def rep_block(c_in: int, c_out: int, stride: int, *, groups: int = 1, attention: nn.Module | None = None) -> nn.Sequential:
    """(N, c_in, H, W) -> (N, c_out, H/stride, W/stride)."""
    return chain(conv=RepConv(c_in, c_out, stride, groups=groups), attention=attention, act=relu())


def fold(net: nn.Module) -> int:
    """Make one convolution of each `RepConv` of `net`, in place; returns how many there were.

    Answers stay, names of parameters do not. Raises: BadValue in train mode, with nothing changed.
    """
    places = [(parent, name, child) for parent in net.modules() for name, child in parent.named_children() if isinstance(child, RepConv)]
    if any(module.training for _, _, child in places for module in child.modules()):
        raise BadValue(
            f"the branches of {getattr(net, 'name', '') or 'this network'} cannot be folded in train mode.",
            why="each norm there divides by what it sees in a batch, so that no one convolution does the same",
            mend="call eval() first",
        )
    for parent, name, child in places:
        setattr(parent, name, child.folded())
    return len(places)


@torch.no_grad()
def _scaled(kernel: Tensor, norm: nn.Module) -> tuple[Tensor, Tensor]:
    """Kernel and bias of a convolution without bias and the norm behind it, in double precision."""
    norm = cast(nn.BatchNorm2d, norm)
    mean, variance = (cast(Tensor, t).double() for t in (norm.running_mean, norm.running_var))
    scale = norm.weight.double() / torch.sqrt(variance + norm.eps)
    return kernel.double() * scale.view(-1, 1, 1, 1), norm.bias.double() - mean * scale


def _centred(kernel: Tensor) -> Tensor:
    """A 1x1 filter as a 3x3 one: (c_out, c, 1, 1) -> (c_out, c, 3, 3)."""
    return pad(kernel, [1, 1, 1, 1])


def _identity(layer: nn.Conv2d) -> Tensor:
    """The filters of the shape of `layer` that change nothing."""
    return nn.init.dirac_(torch.empty_like(layer.weight, requires_grad=False), layer.groups)
