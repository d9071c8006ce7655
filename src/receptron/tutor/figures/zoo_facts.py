"""What practice asks of the zoo and of the analysis of its nets, worked out once per program."""

from functools import cache

import torch
from torch import nn

from receptron.analysis.cost import Cost, cost
from receptron.analysis.receptive_field.field import receptive_field
from receptron.analysis.recording import record
from receptron.blocks.classifier import Classifier
from receptron.zoo.builder import build, find
from receptron.zoo.count import counts


@cache
def shape_of(name: str) -> Classifier:
    """The net on the meta device: its modules and shapes, no numbers."""
    with torch.device("meta"):
        return build(name)


def parameters_of(name: str) -> int:
    """Learnable parameters of a net."""
    return counts()[name].parameters


def macs_of(name: str) -> int:
    """Multiply-accumulates of one image of the usual size."""
    return counts()[name].macs


def inside(name: str, kind: type[nn.Module]) -> tuple[nn.Module, ...]:
    """All modules of a kind, in order."""
    return tuple(module for module in shape_of(name).modules() if isinstance(module, kind))


def size_of(modules: tuple[nn.Module, ...]) -> int:
    """Parameters of some modules together."""
    return sum(p.numel() for module in modules for p in module.parameters())


@cache
def features(name: str) -> int:
    """Inputs of a net's last linear layer."""
    last = inside(name, nn.Linear)[-1]
    return last.weight.shape[1] if isinstance(last, nn.Linear) else 0


@cache
def without_head(name: str) -> int:
    """Parameters of a net without its last linear layer."""
    return parameters_of(name) - size_of(inside(name, nn.Linear)[-1:])


@cache
def field_of(name: str, stages: int = 2) -> int:
    """Side of the receptive field after some of a net's stages, in pixels."""
    row = find(name)
    tape = record(shape_of(name), (row.channels, row.pixels, row.pixels))
    return receptive_field(tape, f"stages.{stages - 1}").size[0]


@cache
def cost_of(net: nn.Module, channels: int, pixels: int) -> Cost:
    """Everything that one forward pass of a module costs."""
    return cost(net, (channels, pixels, pixels))
