"""The frozen boundary: what lies before it never learns, so its activations can be computed once; what lies after it is the last stage."""

import copy
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from receptron.blocks.classifier import Classifier
from receptron.own_net.shaping import OwnClassifier, OwnPart
from receptron.training.hardware.device import Engine

Part = TypeVar("Part", bound=nn.Module)


class Front(nn.Module):
    """Stem and first stages: (N, C, H, W) -> activations at the boundary."""

    def __init__(self, net: Classifier, boundary: int) -> None:
        super().__init__()
        self.stem, self.stages = net.stem, net.stages[:boundary]

    def forward(self, x: Tensor) -> Tensor:
        return self.stages(self.stem(x))


class Tail(nn.Module):
    """Last stages and head: activations at the boundary -> class scores. It shares its weights with the network it was cut from."""

    def __init__(self, net: Classifier, boundary: int) -> None:
        super().__init__()
        self.stages, self.head = net.stages[boundary:], net.head

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.stages(x))

    def pooled(self, x: Tensor) -> Tensor:
        """What the last linear layer would see: (N, C, H, W) -> (N, features)."""
        x = self.stages(x)
        for name, part in self.head.named_children():
            if name == "fc":
                break
            x = part(x)
        return x


@dataclass(frozen=True)
class Divided:
    """A network cut in two at `boundary`, the number of stages that stay frozen."""

    front: Front
    tail: Tail
    boundary: int
    shape: tuple[int, int, int]  # C, H, W of one activation


def divide(net: Classifier, channels: int, pixels: int) -> Divided:
    """Cut `net` before its last stage: before all stages that work at the coarsest resolution.

    In a ResNet that is the fourth stage, in MobileNetV2 everything from the 160-channel blocks on.
    """
    maps = _shapes(net, channels, pixels)
    coarsest = maps[-1][1:]
    boundary = next((i for i, shape in enumerate(maps[1:]) if shape[1:] == coarsest), len(net.stages))
    boundary = max(boundary, 0)
    return Divided(Front(net, boundary), Tail(net, boundary), boundary, maps[boundary])


def frozen(part: Part, engine: Engine) -> Part:
    """A copy of a part for inference: BatchNorm in eval and folded into the convolution before it, in the engine's number format."""
    twin = copy.deepcopy(part).eval().requires_grad_(False)
    _fold(twin)
    return twin.to(device=engine.device, dtype=engine.dtype, memory_format=engine.memory_format)  # type: ignore[call-overload]


def _fold(module: nn.Module) -> None:
    """Fold each BatchNorm that directly follows a convolution under the same parent, in place."""
    children = list(module.named_children())
    for (name, first), (after, second) in pairwise(children):
        if isinstance(module, nn.Sequential) and isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
            setattr(module, name, fuse_conv_bn_eval(first, second))
            setattr(module, after, nn.Identity())
    for _, child in children:
        if not isinstance(child, OwnPart):  # whose code may take its layers in another order
            _fold(child)


def _shapes(net: Classifier, channels: int, pixels: int) -> list[tuple[int, int, int]]:
    """(C, H, W) after the stem and after each stage; (D, 1, 1) of vectors."""
    where = "cpu" if isinstance(net, OwnClassifier) else "meta"  # code of others may look at numbers
    twin = copy.deepcopy(net).to(where).eval()
    with torch.no_grad():
        maps = twin.pyramid(torch.zeros(1, channels, pixels, pixels, device=where))
    return [(m.shape[1], m.shape[2], m.shape[3]) if m.dim() == 4 else (m[0].numel(), 1, 1) for m in maps]
