"""Multiply-accumulates, floating-point operations and bytes: three counts, each under its own name.

One MAC is a multiplication and the addition that collects it: two FLOPs. Papers print either under the name of the other.
"""

from receptron.arithmetic.derivation import Derivation, Step, solve
from receptron.arithmetic.expression import Expression, Number, Symbol, product, symbols
from receptron.arithmetic.layers import Axes, Conv, Layer, Linear, Norm, Pool, Transposed
from receptron.arithmetic.parameters import C_IN, C_OUT, parameters, taps, window_area
from receptron.arithmetic.sizes import output_size
from receptron.errors import UnknownName

C, N, MACS, BYTES, PARAMETERS = symbols("C N MACs bytes parameters")
SOURCE = "every output needs one multiply-accumulate per tap and input channel of its group (Howard et al. 2017, arXiv:1704.04861, eq. 2)"
FLOPS_SOURCE = "a multiply-accumulate is one multiplication and one addition"
POOL_SOURCE = "one comparison or addition per further tap, and one division for an average"
NORM_SOURCE = "in eval mode a norm is one scale and one shift per element"
ADAM_SOURCE = "Kingma and Ba 2015, Adam, arXiv:1412.6980, algorithm 1"
STATES = {"none": 0, "sgd": 0, "momentum": 1, "rmsprop": 1, "adam": 2, "adamw": 2}
"""Numbers that each optimiser keeps per parameter."""


def macs(layer: Layer, size: Axes = 1) -> Derivation:
    """Multiply-accumulates of convolutions and linear layers for one image; 0 for pooling and norms.

    A transposed convolution multiplies at every input pixel, a convolution at every output pixel.

    Args:
        layer: Any layer of this part.
        size: px of the input; one number is the side of a square, a layer over one axis says (size,). A linear layer has none.

    Returns:
        MACs: multiplications with the addition that collects each.

    Raises:
        ImageTooSmall: Where the window of a convolution does not fit.
        BadValue: For a size below 1 of a convolution, and tuples of different lengths.

    Source: Howard et al. 2017, MobileNets, arXiv:1704.04861, eq. 2.

    Example:
        >>> macs(Conv(7, stride=2, padding=3, c_in=3, c_out=64), 224).value
        118013952
    """
    steps: list[Step] = []
    match layer:
        case Conv() | Transposed():
            formula, numbers = taps(_planar(layer.kernel, size), layer.groups, C_IN, C_OUT)
            places = size
            if isinstance(layer, Conv):
                out = output_size(layer, _planar(size, layer.kernel))
                steps, places = list(out.steps), out.value
            area, extents = _area(places)
            numbers |= {"C_in": layer.c_in, "C_out": layer.c_out} | extents
            steps.append(solve("MACs", formula * area, numbers))
        case Linear(c_in, c_out):
            steps.append(solve("MACs", C_OUT * C_IN, {"C_in": c_in, "C_out": c_out}))
        case _:
            steps.append(solve("MACs", Number(0), {}, "no multiply-accumulate: see the FLOPs"))
    return Derivation("multiply-accumulates", steps[-1].value, "MACs", tuple(steps), SOURCE)


def flops(layer: Layer, size: Axes = 1) -> Derivation:
    """Floating-point operations for one image: twice the MACs; taps for pooling, two per element for norms.

    Args:
        layer: Any layer of this part.
        size: px of the input; one number is the side of a square, a layer over one axis says (size,). A linear layer has none.

    Returns:
        FLOPs.

    Raises:
        ImageTooSmall: Where the window of a convolution or pooling does not fit.
        BadValue: For a size below 1 of a convolution or pooling, and tuples of different lengths.

    Example:
        >>> flops(Linear(2048, 1000)).value
        4096000
    """
    match layer:
        case Pool():
            return _pool_flops(layer, size)
        case Norm(channels):
            area, numbers = _area(size)
            step = solve("FLOPs", 2 * (C * area), numbers | {"C": channels})
            return Derivation("floating-point operations", step.value, "FLOPs", (step,), NORM_SOURCE)
        case _:
            counted = macs(layer, size)
            step = solve("FLOPs", 2 * MACS, {"MACs": counted.steps[-1].value})
            return Derivation("floating-point operations", step.value, "FLOPs", (*counted.steps, step), FLOPS_SOURCE)


def map_memory(channels: int, size: Axes, batch: int = 1, bytes_each: int = 4) -> Derivation:
    """Bytes of a feature map (batch, channels, *size).

    Args:
        channels: Channels of the map.
        size: px; one number is the side of a square.
        batch: Images.
        bytes_each: Bytes of one number: 4 for float32, 2 for bfloat16.

    Returns:
        Bytes.

    Example:
        >>> map_memory(64, 112, batch=32).value
        102760448
    """
    area, numbers = _area(size)
    step = solve("memory", N * C * area * BYTES, numbers | {"N": batch, "C": channels, "bytes": bytes_each})
    return Derivation("memory of a feature map", step.value, "bytes", (step,), "one number per channel and pixel")


def weight_memory(layer: Layer, optimizer: str = "none", bytes_each: int = 4) -> Derivation:
    """Bytes that a layer's parameters take; with an optimiser also their gradients and its state.

    Args:
        layer: Any layer of this part.
        optimizer: A name of `STATES`, "none" where nothing is trained.
        bytes_each: Bytes of one number: 4 for float32, 2 for bfloat16.

    Returns:
        Bytes.

    Raises:
        UnknownName: For an optimiser that is not in `STATES`.

    Source: Kingma and Ba 2015, Adam, arXiv:1412.6980, algorithm 1, for the two states of each parameter.

    Example:
        >>> weight_memory(Linear(1000, 10)).value, weight_memory(Linear(1000, 10), "adam").value
        (40040, 160160)
    """
    if optimizer not in STATES:
        raise UnknownName("optimizer", optimizer, STATES)
    counted = parameters(layer)
    copies = 1 if optimizer == "none" else 2 + STATES[optimizer]
    note = "weights" if copies == 1 else f"weights, gradients and {STATES[optimizer]} states each"
    (copy,) = symbols("copies")
    numbers = {"parameters": counted.steps[-1].value, "copies": copies, "bytes": bytes_each}
    step = solve("memory", PARAMETERS * copy * BYTES, numbers, note)
    return Derivation(
        "memory of the weights", step.value, "bytes", (*counted.steps, step), ADAM_SOURCE if copies == 4 else "one number each"
    )


def _pool_flops(layer: Pool, size: Axes) -> Derivation:
    out = output_size(layer, _planar(size, layer.kernel))
    window, numbers = window_area(_planar(layer.kernel, size))
    area, extents = _area(out.value)
    each = window if layer.kind == "average" else window - 1
    step = solve("FLOPs", each * (C * area), numbers | extents | {"C": layer.channels})
    return Derivation("floating-point operations", step.value, "FLOPs", (*out.steps, step), POOL_SOURCE)


def _planar(value: Axes, other: Axes) -> Axes:
    """Images have two axes: one number stands for both, unless the other tells how many axes there are."""
    if isinstance(value, tuple):
        return value
    return (value,) * (len(other) if isinstance(other, tuple) else 2)


def _area(size: Axes | float | tuple[float, ...]) -> tuple[Expression, dict[str, int]]:
    """Product of the extents, H and W for images, and their numbers."""
    extents = tuple(int(v) for v in size) if isinstance(size, tuple) else (int(size),) * 2
    names = {1: ("L",), 2: ("H", "W"), 3: ("T", "H", "W")}.get(len(extents), tuple(f"W_{i}" for i in range(len(extents))))
    shown = [f"{name}_out" for name in names]
    return product([Symbol(name) for name in shown]), dict(zip(shown, extents, strict=True))
