"""Receptive field of a chain: size, jump, padding and start, layer by layer.

r_l = r_{l-1} + (k_l - 1) * prod of the strides before l, with k_l the kernel with its dilation holes.
"""

from collections.abc import Callable, Sequence

from receptron.arithmetic.derivation import Derivation, Step, solve
from receptron.arithmetic.expression import Expression, Symbol
from receptron.arithmetic.layers import Window, axes_of, axis, stride_of
from receptron.arithmetic.sizes import describe
from receptron.errors import BadValue

SOURCE = "Araujo, Norris and Sim 2019, Computing Receptive Fields of Convolutional Neural Networks, Distill, doi:10.23915/distill.00021"


def field_size(chain: Sequence[Window]) -> Derivation:
    """Pixels of the input, per axis, that one output of a chain sees.

    Args:
        chain: Layers from the input on, at least one.

    Returns:
        px; a tuple where a layer has numbers per axis.

    Raises:
        BadValue: For a chain without a layer, and tuples of different lengths.

    Source: Araujo, Norris and Sim 2019, Computing Receptive Fields of Convolutional Neural Networks, Distill, eq. 2.

    Example:
        >>> from receptron.arithmetic import Conv
        >>> field_size([Conv(7, stride=2), Conv(3, stride=2), Conv(3)]).value
        19
    """
    return _along(chain, "receptive field", "r", 1, _field_step)


def field_jump(chain: Sequence[Window]) -> Derivation:
    """Pixels of the input between two neighbouring outputs: the product of the strides.

    Args:
        chain: Layers from the input on, at least one.

    Returns:
        px; a tuple where a layer has numbers per axis.

    Raises:
        BadValue: For a chain without a layer, and tuples of different lengths.

    Source: Araujo, Norris and Sim 2019, Computing Receptive Fields of Convolutional Neural Networks, Distill.

    Example:
        >>> from receptron.arithmetic import Conv
        >>> field_jump([Conv(7, stride=2), Conv(3, stride=2)]).value
        4
    """
    return _along(chain, "jump", "j", 1, _jump_step)


def field_padding(chain: Sequence[Window]) -> Derivation:
    """Pixels by which the first output's window reaches out before the input.

    Args:
        chain: Layers from the input on, at least one.

    Returns:
        px; a tuple where a layer has numbers per axis.

    Raises:
        BadValue: For a chain without a layer, tuples of different lengths, and "same" padding with a stride, which depends on the size.

    Source: Araujo, Norris and Sim 2019, Computing Receptive Fields of Convolutional Neural Networks, Distill.

    Example:
        >>> from receptron.arithmetic import Conv
        >>> field_padding([Conv(7, stride=2, padding=3), Conv(3, padding=1)]).value
        5
    """
    return _along(chain, "effective padding", "p", 0, _padding_step)


def field_start(chain: Sequence[Window]) -> Derivation:
    """Centre of the first output's window, from the centre of the input's first pixel.

    Args:
        chain: Layers from the input on, at least one.

    Returns:
        px, a whole number or a half; a tuple where a layer has numbers per axis.

    Raises:
        BadValue: For a chain without a layer, tuples of different lengths, and "same" padding with a stride, which depends on the size.

    Source: Araujo, Norris and Sim 2019, Computing Receptive Fields of Convolutional Neural Networks, Distill.

    Example:
        >>> from receptron.arithmetic import Conv
        >>> field_start([Conv(kernel=2, stride=2)]).value
        0.5
    """
    size, padding = field_size(chain), field_padding(chain)
    r, p = Symbol("r"), Symbol("p")
    sizes = size.value if isinstance(size.value, tuple) else (size.value,)
    paddings = padding.value if isinstance(padding.value, tuple) else (padding.value,)
    steps = tuple(solve("start", (r - 1) / 2 - p, {"r": a, "p": b}) for a, b in zip(sizes, paddings, strict=True))
    value = tuple(step.value for step in steps)
    return Derivation("start", value[0] if len(value) == 1 else value, "px", steps, SOURCE)


_LayerStep = Callable[[int, Window, int, int], tuple[Expression, dict[str, int]]]


def _along(chain: Sequence[Window], quantity: str, letter: str, first: int, layer_step: _LayerStep) -> Derivation:
    if not chain:
        raise BadValue("the chain has no layer.", mend="name at least one convolution or pooling")
    axes = axes_of(*(axes for layer in chain for axes in (layer.kernel, stride_of(layer), layer.dilation, layer.padding)))
    steps: list[Step] = []
    values: list[int] = []
    for i in range(axes):
        value, jump = first, 1
        for number, layer in enumerate(chain, 1):
            formula, numbers = layer_step(number, layer, i, jump)
            numbers[f"{letter}_{number - 1}"] = value
            steps.append(solve(f"{letter}_{number}", formula, numbers, describe(layer)))
            value, jump = int(steps[-1].value), jump * axis(stride_of(layer), i)
        values.append(value)
    return Derivation(quantity, tuple(values) if axes > 1 else values[0], "px", tuple(steps), SOURCE)


def _kernel_symbols(number: int, layer: Window, i: int) -> tuple[Expression, dict[str, int]]:
    kernel, dilation = axis(layer.kernel, i), axis(layer.dilation, i)
    k, d = Symbol(f"k_{number}"), Symbol(f"d_{number}")
    if dilation == 1:
        return k - 1, {f"k_{number}": kernel}
    return (k - 1) * d, {f"k_{number}": kernel, f"d_{number}": dilation}


def _field_step(number: int, layer: Window, i: int, jump: int) -> tuple[Expression, dict[str, int]]:
    reach, numbers = _kernel_symbols(number, layer, i)
    return Symbol(f"r_{number - 1}") + reach * Symbol(f"j_{number - 1}"), numbers | {f"j_{number - 1}": jump}


def _jump_step(number: int, layer: Window, i: int, jump: int) -> tuple[Expression, dict[str, int]]:
    return Symbol(f"j_{number - 1}") * Symbol(f"s_{number}"), {f"s_{number}": axis(stride_of(layer), i)}


def _padding_step(number: int, layer: Window, i: int, jump: int) -> tuple[Expression, dict[str, int]]:
    numbers = {f"P_{number}": _padding_before(layer, i), f"j_{number - 1}": jump}
    return Symbol(f"p_{number - 1}") + Symbol(f"P_{number}") * Symbol(f"j_{number - 1}"), numbers


def _padding_before(layer: Window, i: int) -> int:
    reach = axis(layer.dilation, i) * (axis(layer.kernel, i) - 1)
    match layer.padding:
        case "valid":
            return 0
        case "full" | "causal":
            return reach
        case "same":
            if axis(stride_of(layer), i) > 1:
                raise BadValue("'same' padding with a stride depends on the input's size.", mend="give the padding as a number")
            return reach // 2
        case str():
            raise BadValue(f"padding {layer.padding!r} is not known.", mend="use a number, valid, same, full or causal")
        case _:
            return axis(layer.padding, i)
