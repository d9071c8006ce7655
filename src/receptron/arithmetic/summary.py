"""Everything worth saying about one layer, in the order in which people ask."""

from receptron.arithmetic.cost import flops, macs, map_memory
from receptron.arithmetic.derivation import Derivation
from receptron.arithmetic.layers import Axes, Conv, Linear, Norm, Pool, Transposed
from receptron.arithmetic.parameters import parameters, statistics
from receptron.arithmetic.sizes import dropped, output_size


def conv_summary(layer: Conv | Transposed, size: Axes) -> tuple[Derivation, ...]:
    """Output size, pixels dropped, parameters, MACs, FLOPs and memory of the output of a convolution."""
    out = output_size(layer, size)
    lost = (dropped(layer, size),) if isinstance(layer, Conv) else ()
    memory = map_memory(layer.c_out, _pixels(out))
    return (out, *lost, parameters(layer), macs(layer, size), flops(layer, size), memory)


def pool_summary(layer: Pool, size: Axes) -> tuple[Derivation, ...]:
    """Output size, pixels dropped, FLOPs and memory of the output of a pooling."""
    out = output_size(layer, size)
    return (out, dropped(layer, size), flops(layer, size), map_memory(layer.channels, _pixels(out)))


def plain_summary(layer: Linear | Norm, size: Axes) -> tuple[Derivation, ...]:
    """Parameters, statistics, MACs where there are any, and FLOPs of a layer without a window."""
    kept = (statistics(layer),) if isinstance(layer, Norm) else (macs(layer),)
    return (parameters(layer), *kept, flops(layer, size))


def _pixels(out: Derivation) -> Axes:
    return tuple(int(v) for v in out.value) if isinstance(out.value, tuple) else int(out.value)
