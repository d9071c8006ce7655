"""Output sizes of windows, the pixels that the floor drops, and sizes along a chain.

>>> output_size(Conv(kernel=3, stride=2, padding=1), (7, 224)).value
(4, 112)
"""

from collections.abc import Sequence
from dataclasses import replace

from receptron.arithmetic.derivation import Derivation, Step, solve
from receptron.arithmetic.expression import Expression, ceil, floor, larger, symbols
from receptron.arithmetic.layers import Axes, Conv, Pool, Transposed, Window, axes_of, axis, stride_of
from receptron.arithmetic.notation import TEXT
from receptron.arithmetic.padding import SOURCE, sides
from receptron.errors import BadValue, ImageTooSmall

W, K, S, D, P, O = symbols("W K S D P O")
K_EFF, P_BEFORE, P_AFTER, P_OUT = symbols("K_eff P_before P_after P_out")
CEIL_SOURCE = "PyTorch's pooling: a last window that would start in the padding after the input is left out"

EFFECTIVE = K + (K - 1) * (D - 1)
TRANSPOSED = (W - 1) * S - 2 * P + D * (K - 1) + P_OUT + 1


def output_size(layer: Window | Transposed, size: Axes) -> Derivation:
    """Pixels that come out of a layer, per axis where a tuple speaks of axes.

    Args:
        layer: What has a window.
        size: px of the input, one number or one per axis.

    Returns:
        px; a tuple if the size or one of the layer's numbers is one.

    Raises:
        ImageTooSmall: Where the window does not fit.
        BadValue: For a size below 1, and tuples of different lengths.

    Source: Dumoulin and Visin 2016, A guide to convolution arithmetic for deep learning, arXiv:1603.07285.

    Example:
        >>> output_size(Conv(kernel=7, stride=2, padding=3), 224).value
        112
    """
    padding = layer.padding if not isinstance(layer.padding, str) else 1
    axes = axes_of(size, layer.kernel, stride_of(layer), layer.dilation, padding)
    by_axis = [_axis_steps(layer, axis(size, i), i, _axis_name(i, axes)) for i in range(axes)]
    value = tuple(int(steps[-1].value) for steps in by_axis)
    steps = _told_once(by_axis)
    source = CEIL_SOURCE if isinstance(layer, Pool) and layer.ceil_mode else SOURCE
    return Derivation("output size", value if axes > 1 or isinstance(size, tuple) else value[0], "px", steps, source)


def chain_sizes(chain: Sequence[Window | Transposed], size: Axes) -> Derivation:
    """Size after every layer of a chain for square inputs, or for one axis of others.

    Args:
        chain: Layers from the input on.
        size: px of the input; of a tuple the first axis.

    Returns:
        px after each layer, one entry a layer.

    Raises:
        ImageTooSmall: Where a window does not fit.
        BadValue: For a size below 1.

    Example:
        >>> chain_sizes([Conv(3), Conv(3, stride=2), Pool(2)], 32).value
        (30, 14, 7)
    """
    steps: list[Step] = []
    for number, layer in enumerate(chain, 1):
        settled = output_size(layer, axis(size, 0)).steps[-1]
        steps.append(Step(f"O_{number}", settled.formula, settled.numbers, settled.value, describe(layer)))
        size = int(settled.value)
    return Derivation("sizes along the chain", tuple(int(step.value) for step in steps), "px", tuple(steps), SOURCE, between=", ")


def dropped(layer: Window, size: Axes) -> Derivation:
    """Pixels at the end of each axis that no window covers, because the division leaves a rest.

    Args:
        layer: Convolution or pooling.
        size: px of the input, one number or one per axis.

    Returns:
        px, padding counted among them; a tuple where a tuple speaks of axes.

    Raises:
        ImageTooSmall: Where the window does not fit.
        BadValue: For a size below 1, and tuples of different lengths.

    Example:
        >>> dropped(Conv(kernel=3, stride=2), 8).value
        1
    """
    axes = axes_of(size, layer.kernel, stride_of(layer), layer.dilation)
    steps = []
    for i in range(axes):
        settled = _axis_steps(layer, axis(size, i), i, _axis_name(i, axes))[-1]
        before, after = sides(layer, axis(size, i), i)
        numbers = dict(settled.numbers) | {"O": settled.value, "P_before": before, "P_after": after}
        numbers["K_eff"] = _effective(layer, i)
        steps.append(solve("lost", larger(W + P_BEFORE + P_AFTER - ((O - 1) * S + K_EFF), 0), numbers, _axis_name(i, axes)))
    lost = tuple(int(step.value) for step in steps)
    value = lost if axes > 1 or isinstance(size, tuple) else lost[0]
    return Derivation("pixels dropped by the floor", value, "px", tuple(steps), SOURCE, _padding_only(layer, lost))


def describe(layer: Window | Transposed) -> str:
    """`conv 3 s2 p1`: a layer in few words, as `chain.parse` reads it."""
    kind = {Conv: "conv", Pool: "pool", Transposed: "transposed"}[type(layer)]
    words = [kind, _short(layer.kernel)]
    for letter, value, usual in (("s", stride_of(layer), None), ("p", layer.padding, 0), ("d", layer.dilation, 1)):
        if value != usual and not (letter == "s" and value == 1):
            words.append(letter + _short(value))
    return " ".join(words)


def _short(value: Axes | str) -> str:
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _padding_only(layer: Window, lost: tuple[int, ...]) -> str:
    within = isinstance(layer.padding, int) and any(lost) and max(lost) <= layer.padding
    return "Only padding is dropped, no pixel of the input." if within else ""


def _axis_name(index: int, axes: int) -> str:
    names = {1: ("",), 2: ("height", "width"), 3: ("depth", "height", "width")}
    return names[axes][index] if axes in names else f"axis {index}"


def _effective(layer: Window | Transposed, index: int) -> int:
    kernel, dilation = axis(layer.kernel, index), axis(layer.dilation, index)
    return kernel + (kernel - 1) * (dilation - 1)


def _told_once(by_axis: list[list[Step]]) -> tuple[Step, ...]:
    """The steps of all axes; of axes that have the same numbers, one speaks for all."""
    first = [replace(step, note="each axis") for step in by_axis[0]]
    if len(by_axis) > 1 and all([replace(step, note="each axis") for step in steps] == first for steps in by_axis):
        return tuple(first)
    return tuple(step for steps in by_axis for step in steps)


def _axis_steps(layer: Window | Transposed, size: int, index: int, note: str) -> list[Step]:
    if size < 1:
        raise BadValue(f"an input of {size} pixels does not exist.", mend="give a size of 1 or more")
    numbers = {"W": size, "K": axis(layer.kernel, index), "S": axis(stride_of(layer), index), "D": axis(layer.dilation, index)}
    if isinstance(layer, Transposed):
        numbers |= {"P": axis(layer.padding, index), "P_out": axis(layer.output_padding, index)}
        return [_fitting(solve("O", TRANSPOSED, numbers, note), layer)]
    return _window_steps(layer, numbers, index, note)


def _window_steps(layer: Window, numbers: dict[str, int], index: int, note: str) -> list[Step]:
    steps: list[Step] = []
    kernel: Expression = K
    if numbers["D"] > 1:
        steps.append(solve("K_eff", EFFECTIVE, numbers, note))
        kernel, numbers["K_eff"] = K_EFF, int(steps[-1].value)
    before, after = sides(layer, numbers["W"], index)
    if before == after:
        padded, numbers["P"] = W - kernel + 2 * P, before
    else:
        padded = W - kernel + P_BEFORE + P_AFTER
        numbers |= {"P_before": before, "P_after": after}
    if not (isinstance(layer, Pool) and layer.ceil_mode):
        return [*steps, _fitting(solve("O", floor(padded / S) + 1, numbers, note), layer)]
    settled = _fitting(solve("O", ceil(padded / S) + 1, numbers, note), layer)
    if (settled.value - 1) * numbers["S"] >= numbers["W"] + before:
        settled = solve("O", ceil(padded / S), numbers, "; ".join(filter(None, (note, "the last window would start in the padding"))))
    return [*steps, settled]


def _fitting(step: Step, layer: Window | Transposed) -> Step:
    if step.value < 1:
        size = step.numbers["W"]
        raise ImageTooSmall(
            f"{describe(layer)} does not fit an input of {size} pixels.",
            why=f"{step.written(TEXT)}, which is below 1",
            mend="give a larger input, more padding or a smaller kernel",
        )
    return step
