"""Padding by name, and the padding that keeps a size."""

from receptron.arithmetic.derivation import Derivation, solve
from receptron.arithmetic.expression import ceil, floor, larger, symbols
from receptron.arithmetic.layers import Axes, Padding, Window, axes_of, axis, stride_of
from receptron.errors import BadValue

W, K, S, D, P = symbols("W K S D P")
SOURCE = "Dumoulin and Visin 2016, A guide to convolution arithmetic for deep learning, arXiv:1603.07285"
SAME_SOURCE = "TensorFlow's SAME rule (tf.nn.convolution); for stride 1 also PyTorch's padding='same'"

REACH = D * (K - 1)
"""Pixels from a window's first to its last tap."""
SAME_TOTAL = larger((ceil(W / S) - 1) * S + REACH + 1 - W, 0)


def sides(layer: Window, size: int, index: int = 0) -> tuple[int, int]:
    """Pixels added (before, after) an axis of `size` pixels."""
    return resolve(layer.padding, axis(layer.kernel, index), axis(stride_of(layer), index), axis(layer.dilation, index), size, index)


def resolve(padding: Padding, kernel: int, stride: int, dilation: int, size: int, index: int = 0) -> tuple[int, int]:
    """Pixels (before, after) that `padding` means for one axis."""
    reach = dilation * (kernel - 1)
    match padding:
        case "valid":
            return 0, 0
        case "full":
            return reach, reach
        case "causal":
            return reach, 0
        case "same":
            lacking = max((-(-size // stride) - 1) * stride + reach + 1 - size, 0)
            return lacking // 2, lacking - lacking // 2
        case str():
            raise BadValue(f"padding {padding!r} is not known.", mend="use a number, valid, same, full or causal")
        case _:
            each = axis(padding, index)
            return each, each


def same_padding(kernel: Axes, stride: Axes = 1, dilation: Axes = 1, size: Axes | None = None) -> Derivation:
    """Padding that makes output = ceil(input / stride).

    Args:
        kernel: px of a window, one number for all axes or one per axis.
        stride: px from one window to the next.
        dilation: px from one tap to the next.
        size: px of the input; may be None where the stride is 1.

    Returns:
        px before and after the input, for each axis in turn.

    Raises:
        BadValue: If a stride above 1 comes without a size, and for tuples of different lengths.

    Source: TensorFlow's SAME rule (tf.nn.convolution); for stride 1 also PyTorch's padding="same".

    Example:
        >>> same_padding(3).value, same_padding(3, stride=2, size=224).value
        ((1, 1), (0, 1))
    """
    axes = axes_of(kernel, stride, dilation, size or 1)
    steps, value = [], []
    for i in range(axes):
        k, s, d = axis(kernel, i), axis(stride, i), axis(dilation, i)
        if s > 1 and size is None:
            raise BadValue("the padding for stride above 1 depends on the size.", mend="give the input size too")
        numbers = {"K": k, "S": s, "D": d, "W": axis(size, i) if size else k}
        steps.append(solve("P_total", SAME_TOTAL if s > 1 else REACH, numbers))
        numbers["P_total"] = steps[-1].value
        (total,) = symbols("P_total")
        steps += [solve("P_before", floor(total / 2), numbers), solve("P_after", ceil(total / 2), numbers)]
        value += [steps[-2].value, steps[-1].value]
    uneven = any(a != b for a, b in zip(value[::2], value[1::2], strict=True))
    remark = "The two sides differ, which one padding number cannot say: pad before the layer." if uneven else ""
    return Derivation("padding that keeps the size (before, after)", tuple(value), "px", tuple(steps), SAME_SOURCE, remark)
