"""What claims compute: short names for questions to arithmetic and to nets of the zoo."""

from collections.abc import Callable

from torch import nn

from receptron.arithmetic import (
    Conv,
    Linear,
    Norm,
    Pool,
    field_size,
    macs,
    output_size,
    parameters,
)
from receptron.arithmetic.derivation import Answer, Derivation
from receptron.blocks.residual import Residual
from receptron.tutor.figures import zoo_facts as zoo
from receptron.tutor.lessons.architectures import convs
from receptron.weights.published import published_for

GPIPE = 557e6
"""Parameters of GPipe's AmoebaNet-B (Tan and Le 2019, Table 2), against which EfficientNet-B7 was measured."""


def value(make: Callable[[], Derivation]) -> Callable[[], Answer]:
    """The value of a derivation."""
    return lambda: make().value


def learnt(layer: Conv | Linear | Norm | Pool) -> Callable[[], Answer]:
    """A layer's parameters."""
    return value(lambda: parameters(layer))


def work(layer: Conv) -> Callable[[], Answer]:
    """Multiply-accumulates on a 56x56 map."""
    return value(lambda: macs(layer, 56))


def size(layer: Conv | Pool, pixels: int) -> Callable[[], Answer]:
    """Output size for so many pixels."""
    return value(lambda: output_size(layer, pixels))


def field(*layers: Conv) -> Callable[[], Answer]:
    """Receptive field of a chain."""
    return value(lambda: field_size(layers))


def one(derivation: Derivation) -> float:
    """A derivation's single value."""
    return float(derivation.value[0] if isinstance(derivation.value, tuple) else derivation.value)


def net(name: str) -> Callable[[], Answer]:
    """Parameters of a net."""
    return lambda: zoo.parameters_of(name)


def dense(name: str) -> int:
    """Parameters in a net's dense layers."""
    return zoo.size_of(zoo.inside(name, nn.Linear))


def ratio(larger: str, smaller: str) -> Callable[[], Answer]:
    """How many times the parameters of another net."""
    return lambda: zoo.parameters_of(larger) / zoo.parameters_of(smaller)


def layers(name: str, kind: type[nn.Module]) -> int:
    """Layers of a kind on the main path, projections of shortcuts left out."""
    return sum(isinstance(module, kind) and "shortcut" not in path for path, module in zoo.shape_of(name).named_modules())


def weighted(name: str) -> int:
    """Layers with weights, as the papers number their nets."""
    return layers(name, nn.Conv2d) + layers(name, nn.Linear)


def blocks(name: str) -> int:
    """Residual blocks of a net."""
    return len(zoo.inside(name, Residual))


def mixers(name: str) -> float:
    """1x1 layers per depthwise window, the downsampling and the head left out."""
    depthwise = sum(conv.groups == conv.in_channels for conv in convs(name) if conv.groups > 1)
    pointwise = sum(conv.kernel_size == (1, 1) for conv in convs(name)) + len(zoo.inside(name, nn.Linear)) - 1
    return pointwise / depthwise


def first_inputs() -> tuple[float, ...]:
    """Mean and deviation that ResNet-50's preferred weights expect."""
    inputs = published_for("resnet50")[0].inputs
    return (*inputs.mean, *inputs.std)


def free(c_in: int, c_out: int, kernel: int = 3, groups: int = 1) -> Conv:
    """A convolution that keeps the size, without bias."""
    return Conv(kernel, 1, kernel // 2, c_in=c_in, c_out=c_out, groups=groups, bias=False)
