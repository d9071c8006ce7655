"""All convolutions that take one size to another."""

from dataclasses import dataclass

from receptron.arithmetic.derivation import Derivation
from receptron.arithmetic.layers import Conv
from receptron.arithmetic.sizes import output_size
from receptron.errors import BadValue


@dataclass(frozen=True)
class Ways:
    """Largest values that the search looks at; padding never exceeds half of the window, beyond which outputs see only zeros.

    Args:
        kernel: px of the largest window.
        stride: px of the largest stride.
        dilation: px of the largest dilation.

    Example:
        >>> len(ways(32, 32, Ways(kernel=5, dilation=1)))
        3
    """

    kernel: int = 11
    stride: int = 8
    dilation: int = 4


def ways(size_in: int, size_out: int, limits: Ways = Ways()) -> tuple[Derivation, ...]:
    """Every (kernel, stride, padding, dilation) that takes one size to another, exact ones first.

    Args:
        size_in: px of the input.
        size_out: px of the output.
        limits: How far to look; padding goes up to half the dilated kernel.

    Returns:
        The output size of each convolution that was found.

    Raises:
        BadValue: If there is none.

    Example:
        >>> found = ways(32, 16, Ways(kernel=3, dilation=1))
        >>> [layer_of(way).kernel for way in found]
        [2, 1, 3]
    """
    found = [
        (exactness, conv)
        for conv in _candidates(limits)
        if (exactness := _rest(conv, size_in, size_out)) is not None
    ]  # fmt: skip
    if not found:
        raise BadValue(
            f"no convolution with kernel up to {limits.kernel} and stride up to {limits.stride} takes {size_in} to {size_out}.",
            mend="allow larger kernels or strides, or use two layers",
        )
    found.sort(key=lambda pair: (pair[0] > 0, pair[1].dilation, pair[1].kernel, pair[1].stride, pair[1].padding))
    return tuple(output_size(conv, size_in) for _, conv in found)


def layer_of(way: Derivation) -> Conv:
    """The convolution that a derivation of `ways` is about."""
    numbers = way.steps[-1].numbers
    kernel, stride, padding, dilation = (int(numbers[name]) for name in ("K", "S", "P", "D"))
    return Conv(kernel, stride, padding, dilation)


def _candidates(limits: Ways) -> list[Conv]:
    return [
        Conv(kernel, stride, padding, dilation)
        for kernel in range(1, limits.kernel + 1)
        for dilation in range(1, limits.dilation + 1 if kernel > 1 else 2)
        for stride in range(1, limits.stride + 1)
        for padding in range((dilation * (kernel - 1) + 1) // 2 + 1)
    ]


def _rest(conv: Conv, size_in: int, size_out: int) -> int | None:
    """Pixels left over if `conv` takes `size_in` to `size_out`, otherwise None."""
    match conv:
        case Conv(int(kernel), int(stride), int(padding), int(dilation)):
            room = size_in + 2 * padding - dilation * (kernel - 1) - 1
            return room % stride if room >= 0 and room // stride + 1 == size_out else None
        case _:
            return None


def table(found: tuple[Derivation, ...]) -> str:
    """The ways as text, one per line; `exact` where no pixel is dropped."""
    rows = ["kernel stride padding dilation"]
    for way in found:
        conv = layer_of(way)
        rest = _rest(conv, int(way.steps[-1].numbers["W"]), int(way.steps[-1].value))
        rows.append(f"{conv.kernel:>6} {conv.stride:>6} {conv.padding:>7} {conv.dilation:>8}  {f'drops {rest}' if rest else 'exact'}")
    return "\n".join(rows)
