"""Trade strides for dilation in a finished network, so that its last maps stay large. Chen et al. 2017, arXiv:1706.05587, Section 3.1."""

from torch import nn

from receptron.blocks.classifier import Classifier
from receptron.blocks.conv import same
from receptron.errors import BadValue


def dilate(net: Classifier, output_stride: int) -> None:
    """Keep the last map at 1 / `output_stride` of the image, in place: later strides become 1, and filters behind them are dilated.

    Every filter still sees the pixels that it was trained on; parameters and their names stay.
    Raises: BadValue if the net has no such stride on the way.
    """
    stride, rate, seen = _stride(net.stem), 1, list[int]()
    for stage in net.stages:
        for block in stage.children() if len(list(stage.children())) else [stage]:
            step = _stride(block)
            if rate == 1 and stride * step <= output_stride:
                stride *= step
            else:
                rate = _stretch(block, rate, step)
                continue
            seen.append(stride)
    if stride != output_stride:
        raise BadValue(
            f"{net.name or 'this network'} cannot keep a stride of {output_stride}.",
            why=f"its maps have strides {sorted(set(seen))}",
            mend=f"choose one of {sorted(set(seen))}",
        )


def _stride(block: nn.Module) -> int:
    """By how much the main path of a block shrinks a map; a shortcut beside it does not count twice."""
    total = 1
    for name, module in block.named_modules():
        if "shortcut" not in name.split(".") and isinstance(module, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
            total *= module.stride if isinstance(module.stride, int) else module.stride[0]
    return total


def _stretch(block: nn.Module, rate: int, step: int) -> int:
    """Remove the strides of a block, dilating by `rate` before and by `rate * step` after them; returns the rate that holds on."""
    old = rate
    for parent in list(block.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Conv2d):
                size = (child.kernel_size[0], child.kernel_size[1])
                if max(size) > 1:
                    child.dilation, child.padding = (rate, rate), same(size, rate)
                if max(child.stride) > 1:
                    child.stride, rate = (1, 1), old * step
            elif isinstance(child, nn.MaxPool2d | nn.AvgPool2d) and child.stride != 1:
                setattr(parent, name, nn.Identity())
                rate = old * step
    return rate
