"""Figures in explanations: each is computed when it is told, from arithmetic or from a net of the zoo, and shown as text."""

from collections.abc import Callable
from functools import cache

from receptron.arithmetic import (
    Conv,
    Linear,
    Norm,
    bottleneck,
    field_size,
    macs,
    output_size,
    parameters,
    separable,
    stacked,
    statistics,
)
from receptron.arithmetic.derivation import Derivation, shown
from receptron.arithmetic.layers import Layer, Window

Figure = Callable[[], str]
FILTERED = Conv(3, c_in=64, c_out=128)


def value(make: Callable[[], Derivation]) -> Figure:
    """A derivation's value."""
    return lambda: shown(make().value)


def learnt(layer: Layer) -> Figure:
    """A layer's parameters."""
    return value(lambda: parameters(layer))


def kept(layer: Norm) -> Figure:
    """A norm's running statistics."""
    return value(lambda: statistics(layer))


def work(layer: Layer, size: int) -> Figure:
    """A layer's multiply-accumulates."""
    return value(lambda: macs(layer, size))


def size(layer: Window, pixels: int) -> Figure:
    """A layer's output size."""
    return value(lambda: output_size(layer, pixels))


def seen(*layers: Window) -> Figure:
    """A chain's receptive field."""
    return value(lambda: field_size(layers))


def factor(make: Callable[[], Derivation]) -> Figure:
    """How many times smaller a comparison's first is than its second."""
    return lambda: f"{1 / _one(make()):.1f}"


def saving(c_out: int, kernel: int = 3) -> Figure:
    """How many times cheaper depthwise separable is."""
    return factor(lambda: separable(c_out, c_out, kernel))


def stacking(kernel: int, layers: int) -> Figure:
    """Share of parameters that a stack of small kernels saves."""
    return lambda: f"{1 - _one(stacked(kernel, layers)):.0%}"


def narrowing(channels: int, middle: int) -> Figure:
    """How many times fewer weights a bottleneck has."""
    return factor(lambda: bottleneck(channels, middle))


def net_parameters(name: str) -> Figure:
    """A net's parameters in millions."""
    return lambda: _millions(_zoo().parameters_of(name))


def net_macs(name: str) -> Figure:
    """A net's multiply-accumulates in billions."""
    return lambda: f"{_zoo().macs_of(name) / 1e9:.3g} billion"


def times(larger: str, smaller: str) -> Figure:
    """How many times the parameters of another net."""
    return lambda: f"{_zoo().parameters_of(larger) / _zoo().parameters_of(smaller):.3g}"


def work_times(larger: str, smaller: str) -> Figure:
    """How many times the multiply-accumulates of another net."""
    return lambda: f"{_zoo().macs_of(larger) / _zoo().macs_of(smaller):.3g}"


def year(paper: str) -> Figure:
    """Year of a paper of the zoo."""
    return lambda: str(_papers()[paper].year)


def added(paper: str) -> Figure:
    """What a paper of the zoo added."""
    return lambda: _papers()[paper].added


def dense_share(name: str) -> Figure:
    """Share of a net's parameters in its linear layers."""
    return lambda: f"{_dense(name) / _zoo().parameters_of(name):.0%}"


def dense(name: str) -> Figure:
    """Parameters in a net's linear layers, in millions."""
    return lambda: _millions(_dense(name))


def net_field(name: str, stages: int) -> Figure:
    """Receptive field after some stages of a net."""
    return lambda: str(_zoo().field_of(name, stages))


def trained_head(name: str, classes: int) -> Figure:
    """Parameters of a new linear head on a net's features."""
    return lambda: shown(parameters(Linear(_zoo().features(name), classes)).value)


def top1(name: str) -> Figure:
    """Best published top-1 accuracy of a net on ImageNet, in per cent."""
    return lambda: f"{_row(name).top1:.1f}"


@cache
def _dense(name: str) -> int:
    from torch import nn

    return _zoo().size_of(_zoo().inside(name, nn.Linear))


def _zoo():
    from receptron.tutor.figures import zoo_facts  # torch comes with it

    return zoo_facts


def _papers():
    from receptron.zoo.papers import PAPERS  # torch comes with it

    return PAPERS


def _row(name: str):
    from receptron.zoo.cards import catalogue_row  # torch comes with it

    return catalogue_row(name)


def _millions(number: int) -> str:
    return f"{number / 1e6:.3g} million"


def _one(derivation: Derivation) -> float:
    return float(derivation.value[0] if isinstance(derivation.value, tuple) else derivation.value)
