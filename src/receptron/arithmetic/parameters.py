"""Parameters that are learnt, and statistics that are only kept: two numbers that are never added up silently."""

from receptron.arithmetic.derivation import Derivation, solve
from receptron.arithmetic.expression import Expression, Number, Symbol, product, symbols
from receptron.arithmetic.layers import Axes, Conv, Layer, Linear, Norm, Transposed

C_IN, C_OUT, C, G = symbols("C_in C_out C G")
SOURCE = "one weight per tap and channel pair of a group, one bias per output channel (Goodfellow et al. 2016, Deep Learning, chapter 9)"
NORM_SOURCE = "Ioffe and Szegedy 2015, Batch Normalization, arXiv:1502.03167, algorithm 1: a scale and a shift per channel"


def parameters(layer: Layer) -> Derivation:
    """Learnable parameters of a layer.

    Args:
        layer: Any layer of this part.

    Returns:
        How many numbers are learnt; a norm's running statistics are not.

    Source: Goodfellow et al. 2016, Deep Learning, chapter 9; for norms Ioffe and Szegedy 2015, arXiv:1502.03167, algorithm 1.

    Example:
        >>> parameters(Conv(3, c_in=64, c_out=128)).value
        73856
    """
    match layer:
        case Conv() | Transposed():
            formula, numbers = taps(layer.kernel, layer.groups, C_IN, C_OUT)
            numbers |= {"C_in": layer.c_in, "C_out": layer.c_out}
            return _counted(formula + C_OUT if layer.bias else formula, numbers, SOURCE)
        case Linear(c_in, c_out, bias):
            return _counted(C_OUT * C_IN + C_OUT if bias else C_OUT * C_IN, {"C_in": c_in, "C_out": c_out}, SOURCE)
        case Norm(channels, affine=affine):
            return _counted(2 * C if affine else Number(0), {"C": channels}, NORM_SOURCE)
        case _:
            return _counted(Number(0), {}, "pooling has nothing to learn")


def statistics(layer: Layer) -> Derivation:
    """Numbers that a layer keeps from batch to batch without learning them: a norm's running mean and variance.

    Args:
        layer: Any layer of this part.

    Returns:
        How many; PyTorch's counter `num_batches_tracked` is not among them.

    Source: Ioffe and Szegedy 2015, Batch Normalization, arXiv:1502.03167, algorithm 1.

    Example:
        >>> statistics(Norm(64)).value, statistics(Norm(64, "layer")).value
        (128, 0)
    """
    tracked = isinstance(layer, Norm) and layer.tracks
    formula, numbers = (2 * C, {"C": layer.channels}) if isinstance(layer, Norm) and tracked else (Number(0), {})
    step = solve("statistics", formula, numbers)
    return Derivation("running statistics", step.value, "", (step,), NORM_SOURCE)


def taps(kernel: Axes, groups: int, c_in: Symbol, c_out: Symbol) -> tuple[Expression, dict[str, int]]:
    """Weights of a convolution as C_out * C_in / G * taps, and the numbers for its kernel and groups."""
    channels = c_out * c_in if groups == 1 else c_out * (c_in / G)
    window, numbers = window_area(kernel)
    return channels * window, numbers | {"G": groups}


def window_area(kernel: Axes) -> tuple[Expression, dict[str, int]]:
    """Taps of a window, and its numbers; one number is the side of a square."""
    if isinstance(kernel, int):
        return Symbol("K") ** 2, {"K": kernel}
    if len(set(kernel)) == 1:
        return Symbol("K") ** len(kernel), {"K": kernel[0]}
    names = [f"K_{i}" for i in range(1, len(kernel) + 1)]
    return product([Symbol(name) for name in names]), dict(zip(names, kernel, strict=True))


def _counted(formula: Expression, numbers: dict[str, int], source: str) -> Derivation:
    step = solve("parameters", formula, numbers)
    return Derivation("parameters", step.value, "", (step,), source)
