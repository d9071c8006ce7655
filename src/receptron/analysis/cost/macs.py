"""Multiply-accumulates of a tape: from the shapes of every sum of products, with and without padding zeros, forward and backward."""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import NamedTuple

from receptron.analysis.tape import Call, Tape
from receptron.analysis.tape.operators import MULTIPLIED, STAND_IN, is_known
from receptron.analysis.tape.views import Convolution, Numbers, Product, Window, view_of


class Work(NamedTuple):
    """Multiply-accumulates of one call, those of them that do not multiply a padding zero, and those of its backward pass."""

    macs: int = 0
    in_bounds: int = 0
    backward: int = 0


@dataclass(frozen=True)
class Total:
    """Sums over a tape; a total with unknown operators is a lower bound."""

    macs: int
    in_bounds: int
    backward: int
    unknown: dict[str, int]

    @property
    def flops(self) -> int:
        """Two operations for each multiply-accumulate."""
        return 2 * self.macs


def total(tape: Tape) -> Total:
    """Everything that the forward pass multiplies."""
    macs, in_bounds, backward = [sum(column) for column in zip(Work(), *works_of(tape).values(), strict=True)]
    return Total(macs, in_bounds, backward, unknown(tape))


def unknown(tape: Tape) -> dict[str, int]:
    """Operators that are neither counted nor known to be free, with how often they ran."""
    return dict(Counter([str(call.args[0]) if call.op == STAND_IN else call.op for call in tape.forward if not is_known(call.op)]))


def works_of(tape: Tape) -> dict[int, Work]:
    """Work of each counted call, by its position on the tape."""
    learning = trained_values(tape)
    return {i: _work(tape, call, learning) for i, call in enumerate(tape.forward) if call.op in MULTIPLIED}


def trained_values(tape: Tape) -> set[int]:
    """Values through which a gradient flows: trainable parameters and everything computed from them."""
    found = {number for number, owned in enumerate(tape.parameters) if owned.trainable and owned.learnable}
    for call in tape.forward:
        if not found.isdisjoint(call.inputs):
            found.update([o for o in call.outputs if tape.values[o].dtype in _DIFFERENTIABLE])
    return found


_DIFFERENTIABLE = {"float32", "float16", "bfloat16", "float64", "complex64", "complex128"}


def _work(tape: Tape, call: Call, learning: set[int]) -> Work:
    """The gradient of either factor costs as much again."""
    match view_of(tape, call):
        case Convolution() as conv:
            factors, (macs, in_bounds) = (conv.x, conv.weight), _convolution(tape, call, conv)
        case Product(left, right, _, terms):
            factors, macs = (left, right), tape.values[call.outputs[0]].numel * terms
            in_bounds = macs
        case _:
            return Work()
    return Work(macs, in_bounds, macs * sum([factor in learning for factor in factors]))


def _convolution(tape: Tape, call: Call, conv: Convolution) -> tuple[int, int]:
    return _taps(tape.shape(conv.x), tape.shape(conv.weight), tape.values[call.outputs[0]].shape, conv.window, conv.transposed)


@lru_cache(1 << 12)
def _taps(shape: Numbers, kernel: Numbers, out: Numbers, window: Window, transposed: bool) -> tuple[int, int]:
    """Products of a convolution, and those of them within bounds."""
    if transposed:  # every input pixel is multiplied with the whole kernel, what falls outside is cropped
        positions, far = shape[2:], out[2:]
        channels = shape[0] * shape[1] * kernel[1]
    else:
        positions, far = out[2:], shape[2:]
        channels = out[0] * out[1] * kernel[1]
    taps = [_pairs(*numbers) for numbers in zip(positions, far, *window, strict=True)]
    return channels * prod(positions) * prod(kernel[2:]), channels * prod(taps)


def _pairs(positions: int, far: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """Pairs of a window position and a tap that meet inside the `far` side."""
    inside = 0
    for tap in range(kernel):
        offset = tap * dilation - padding
        first = max(0, -(offset // stride)) if offset < 0 else 0
        last = min(positions - 1, (far - 1 - offset) // stride)
        inside += max(0, last - first + 1)
    return inside
