"""Chains, branches and repeats: the three ways in which blocks are put together."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

Block = Callable[[int, int, int], nn.Module]
"""A block as a function of (c_in, c_out, stride)."""


def chain(**parts: nn.Module | None) -> nn.Sequential:
    """Run `parts` one after another under their own names, leaving out those that are None."""
    made = nn.Sequential(OrderedDict((name, part) for name, part in parts.items() if part is not None))
    # TorchScript takes two Sequentials for one where names and kinds of parts agree, and runs both in the order of the first.
    setattr(made, f"order_{'_'.join(name for name, _ in made.named_children())}", True)
    return made


def joined(*chains: nn.Sequential) -> nn.Sequential:
    """The parts of several chains as one chain, each under its own name."""
    return chain(**{name: part for each in chains for name, part in each.named_children()})


def repeat(block: Block, c_in: int, c_out: int, depth: int, stride: int = 1) -> nn.Sequential:
    """`depth` blocks in a row: the first changes width and size, the others keep both."""
    first, rest = block(c_in, c_out, stride), (block(c_out, c_out, 1) for _ in range(depth - 1))
    return nn.Sequential(first, *rest)


def staged(block: Block, widths: Sequence[int], depths: Sequence[int], strides: Sequence[int] = (1, 2, 2, 2)) -> list[nn.Sequential]:
    """One `repeat` for each of `depths`: stage i goes from widths[i] to widths[i + 1] channels, its first block with strides[i]."""
    rows = zip(pairwise(widths), depths, strides, strict=True)
    return [repeat(block, c_in, c_out, depth, stride) for (c_in, c_out), depth, stride in rows]


class Concat(nn.ModuleDict):
    """Run every branch on the same input and stack the results: (N, C, H, W) -> (N, sum of branch channels, H', W')."""

    def __init__(self, **branches: nn.Module) -> None:
        super().__init__(branches)

    def forward(self, x: Tensor) -> Tensor:
        maps: list[Tensor] = []  # a loop, as TorchScript reads no comprehension over modules
        for branch in self.values():
            maps.append(branch(x))
        return torch.cat(maps, dim=1)
