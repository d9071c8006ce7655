"""The layers that name the classes, each called `fc`: found, made afresh for other classes, or taken away."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from receptron.blocks.classical import Distances
from receptron.blocks.init import start_class_layers

KINDS = (nn.Linear, nn.Conv2d, Distances)


class NoClasses(nn.Module):
    """In the place of a class layer: hands on what that would see, and remembers what it was."""

    def __init__(self, width: int, kind: type[nn.Module]) -> None:
        super().__init__()
        self.width, self.kind = width, kind

    def forward(self, x: Tensor) -> Tensor:
        return x

    def extra_repr(self) -> str:
        return f"width={self.width}"


def width_of(layer: nn.Module) -> int:
    """Length of the vectors that a class layer sees."""
    return layer.width if isinstance(layer, NoClasses) else _first(layer).shape[1]


def classes_of(layer: nn.Module) -> int:
    """Classes that a layer names; 0 where it was taken away."""
    return 0 if isinstance(layer, NoClasses) else _first(layer).shape[0]


def replace_class_layers(net: nn.Module, classes: int) -> None:
    """Fresh layers for `classes` in the place of every `fc` of `net`, on its device and in its number format; 0 takes them away."""
    weight = next(net.parameters(), torch.empty(0))
    for parent, old in list(_places(net)):
        layer = made(old, classes)
        parent.add_module("fc", layer.to(weight.device, weight.dtype).train(old.training))
    if classes:
        start_class_layers(net)


def made(old: nn.Module, classes: int) -> nn.Module:
    """A class layer like `old` for other classes, not yet filled."""
    kind, width = (old.kind if isinstance(old, NoClasses) else type(old)), width_of(old)
    if not classes:
        return NoClasses(width, kind)
    if issubclass(kind, nn.Conv2d):
        return nn.Conv2d(width, classes, 1)
    return Distances(width, classes) if issubclass(kind, Distances) else nn.Linear(width, classes)


def _places(net: nn.Module) -> Iterator[tuple[nn.Module, nn.Module]]:
    for parent in net.modules():
        for name, child in parent.named_children():
            if name == "fc" and isinstance(child, (*KINDS, NoClasses)):
                yield parent, child


def _first(layer: nn.Module) -> Tensor:
    """A layer's weight, or the codes of 1998: (classes, width, ...)."""
    return next(iter(layer.state_dict().values()))
