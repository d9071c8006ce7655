"""Multiply-accumulates of a tape: from the shapes of every sum of products, with and without padding zeros, forward and backward."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import NamedTuple

from receptron.analysis.tape import Argument, Call, Ref, Tape
from receptron.analysis.tape.operators import MULTIPLIED, is_known


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

    @property
    def at_least(self) -> str:
        """`at least ` where something could not be counted."""
        return "at least " if self.unknown else ""


def total(tape: Tape) -> Total:
    """Everything that the forward pass multiplies."""
    macs, in_bounds, backward = [sum(column) for column in zip(Work(), *works_of(tape).values(), strict=True)]
    return Total(macs, in_bounds, backward, unknown(tape))


def unknown(tape: Tape) -> dict[str, int]:
    """Operators that are neither counted nor known to be free, with how often they ran."""
    often = Counter([call.op for call in tape.forward])
    return {op: count for op, count in often.items() if not is_known(op)}


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
    factors, macs, in_bounds = RULES[call.op](tape, call)
    backward = macs * sum([isinstance(factor, Ref) and factor in learning for factor in factors])
    return Work(macs, in_bounds, backward)


_Counted = tuple[tuple[Argument, Argument], int, int]
"""The two factors whose gradients cost as much again each, the count, the count within bounds."""


def _convolution(tape: Tape, call: Call) -> _Counted:
    x, weight = call.args[0], call.args[1]
    window = call.args[3:6]
    out = tape.values[call.outputs[0]].shape
    return (x, weight), *_taps(tape.shape(x), tape.shape(weight), out, *map(_numbers, window), bool(call.args[6]))


Numbers = tuple[int, ...]


@lru_cache(1 << 12)
def _taps(
    shape: Numbers, kernel: Numbers, out: Numbers, stride: Numbers, padding: Numbers, dilation: Numbers, transposed: bool
) -> tuple[int, int]:
    """Products of a convolution, and those of them within bounds."""
    if transposed:  # every input pixel is multiplied with the whole kernel, what falls outside is cropped
        places, far = shape[2:], out[2:]
        channels = shape[0] * shape[1] * kernel[1]
    else:
        places, far = out[2:], shape[2:]
        channels = out[0] * out[1] * kernel[1]
    taps = [
        _pairs(n, m, k, _each(stride, i), _each(padding, i), _each(dilation, i))
        for i, (n, m, k) in enumerate(zip(places, far, kernel[2:], strict=True))
    ]
    return channels * prod(places) * prod(kernel[2:]), channels * prod(taps)


def _pairs(places: int, far: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """Pairs of a window position and a tap that meet inside the `far` side."""
    inside = 0
    for tap in range(kernel):
        offset = tap * dilation - padding
        first = max(0, -(offset // stride)) if offset < 0 else 0
        last = min(places - 1, (far - 1 - offset) // stride)
        inside += max(0, last - first + 1)
    return inside


def _product(left: int, right: int) -> Callable[[Tape, Call], _Counted]:
    """Matrix product of the arguments at two positions: every output number is a sum over the inner extent."""

    def count(tape: Tape, call: Call) -> _Counted:
        a, b = call.args[left], call.args[right]
        macs = tape.values[call.outputs[0]].numel * tape.shape(a)[-1]
        return (a, b), macs, macs

    return count


def _outer(tape: Tape, call: Call) -> _Counted:
    macs = tape.values[call.outputs[0]].numel
    return (call.args[1], call.args[2]), macs, macs


def _batch_summed(tape: Tape, call: Call) -> _Counted:
    batch, rows, inner = tape.shape(call.args[1])
    macs = batch * rows * inner * tape.shape(call.args[2])[-1]
    return (call.args[1], call.args[2]), macs, macs


def _trilinear(tape: Tape, call: Call) -> _Counted:
    """torch.nn.Bilinear: sum over both inner extents of three factors, counted as two multiplications per term."""
    extents: list[int] = []
    for position, added in ((0, 3), (1, 4), (2, 5)):
        shape = list(tape.shape(call.args[position]))
        for dim in sorted(_numbers(call.args[added])):
            shape.insert(dim, 1)
        extents = [max(a, b) for a, b in zip(extents, shape, strict=True)] if extents else shape
    return (call.args[0], call.args[1]), 2 * prod(extents), 2 * prod(extents)


def _linear(tape: Tape, call: Call) -> _Counted:
    x, weight = call.args[0], call.args[1]
    macs = prod(tape.shape(x)) * tape.shape(weight)[0]
    return (x, weight), macs, macs


RULES: dict[str, Callable[[Tape, Call], _Counted]] = {
    "convolution": _convolution,
    "linear": _linear,
    "mm": _product(0, 1),
    "bmm": _product(0, 1),
    "matmul": _product(0, 1),
    "mv": _product(0, 1),
    "dot": _product(0, 1),
    "addmm": _product(1, 2),
    "baddbmm": _product(1, 2),
    "addmv": _product(1, 2),
    "addr": _outer,
    "addbmm": _batch_summed,
    "_trilinear": _trilinear,
}


def _numbers(argument: Argument) -> tuple[int, ...]:
    return tuple(map(int, argument)) if isinstance(argument, tuple) else (1,)


def _each(values: tuple[int, ...], i: int) -> int:
    return values[0] if len(values) == 1 else values[i]
