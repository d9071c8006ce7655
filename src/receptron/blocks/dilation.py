"""Trade strides for dilation in a finished network, so that its last maps stay large. Chen et al. 2017, arXiv:1706.05587, Section 3.1."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from receptron.blocks.classifier import Classifier
from receptron.blocks.conv import same
from receptron.blocks.multi_query import MultiQueryAttention
from receptron.blocks.same import SameConv2d
from receptron.blocks.windows import MergePatches
from receptron.errors import BadValue

Place = tuple[nn.Module, str]
Pool = nn.MaxPool2d | nn.AvgPool2d


class StretchedPool(nn.Module):
    """A pool whose stride was taken away and whose window is dilated: (N, C, H, W) -> same."""

    def __init__(self, pool: Pool, rate: int) -> None:
        super().__init__()
        self.kernel, self.rate, self.largest = _int(pool.kernel_size), rate, isinstance(pool, nn.MaxPool2d)
        self.before = _int(pool.padding) * rate

    def forward(self, x: Tensor) -> Tensor:
        high, wide, span = x.shape[-2], x.shape[-1], self.rate * (self.kernel - 1)
        padded = pad(x, (self.before, span - self.before) * 2, mode="replicate")
        starts = [self.rate * i for i in range(self.kernel)]
        views = torch.stack([padded[..., i : i + high, j : j + wide] for i in starts for j in starts])
        return views.amax(0) if self.largest else views.mean(0)


def dilate(net: Classifier, output_stride: int) -> None:
    """Keep the last map at 1 / `output_stride` of the image, in place: later strides become 1, and filters behind them are dilated.

    Every filter still sees the pixels that it was trained on; parameters and their names stay.
    Raises: BadValue if the net has no such stride on the way, or has attention; with nothing changed.
    """
    if any(isinstance(module, MergePatches | MultiQueryAttention) for module in net.modules()):
        raise BadValue(
            f"{net.name or 'this network'} cannot trade its strides for dilation.",
            why="it has attention between pixels, which no dilation keeps as it was trained",
            mend="take a convolutional net",
        )
    seen = [_stride(net.stem)]
    targets = list(_blocks(net))
    for parent, name in targets:
        seen.append(seen[-1] * _stride(parent.get_submodule(name)))
    if output_stride not in seen:
        raise BadValue(
            f"{net.name or 'this network'} cannot keep a stride of {output_stride}.",
            why=f"its maps have strides {sorted(set(seen))}",
            mend=f"choose one of {sorted(set(seen))}",
        )
    rate = 1
    for (parent, name), stride in zip(targets, seen[1:], strict=True):
        if stride > output_stride:
            rate = _stretch(parent, name, rate)


def _blocks(net: Classifier) -> Iterator[Place]:
    """Where each block of the stages hangs: a stage that is no plain sequence is one block."""
    for name, stage in net.stages.named_children():
        if isinstance(stage, nn.Sequential):
            yield from ((stage, child) for child, _ in stage.named_children())
        else:
            yield net.stages, name


def _stride(block: nn.Module) -> int:
    """By how much the main path of a block shrinks a map: the largest of its branches; a shortcut beside it does not count."""
    if isinstance(block, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
        return _int(block.stride)
    steps = [_stride(child) for name, child in block.named_children() if name != "shortcut"]
    if isinstance(block, nn.ModuleDict):
        return max(steps)
    total = 1
    for step in steps:
        total *= step
    return total


def _stretch(parent: nn.Module, name: str, rate: int) -> int:
    """Remove the strides of the block at `name`, dilating by `rate` up to them and more behind; returns the rate that holds on."""
    later = rate * _stride(parent.get_submodule(name))
    now = rate
    for owner, child_name in list(_places(parent, name)):
        child = owner.get_submodule(child_name)
        if isinstance(child, Pool) and _int(child.stride) > 1:
            setattr(owner, child_name, StretchedPool(child, rate))
            now = later
        elif isinstance(child, nn.Conv2d):
            strided = _int(child.stride) > 1
            _dilate_conv(child, rate if strided else now)
            now = later if strided else now
        elif isinstance(getattr(child, "stride", None), int):  # a shortcut that leaves pixels out
            vars(child)["stride"] = 1
    return later


def _dilate_conv(layer: nn.Conv2d, rate: int) -> None:
    size = (layer.kernel_size[0], layer.kernel_size[1])
    layer.stride = (1, 1)
    if max(size) == 1:
        return
    layer.dilation = (rate, rate)
    if not isinstance(layer, SameConv2d):  # which pads as it runs
        layer.padding = same(size, rate)


def _places(parent: nn.Module, name: str) -> Iterator[Place]:
    """The module at `name` and everything inside it, in the order in which they run."""
    yield parent, name
    module = parent.get_submodule(name)
    for child, _ in module.named_children():
        yield from _places(module, child)


def _int(size: int | tuple[int, ...]) -> int:
    return size if isinstance(size, int) else size[0]
