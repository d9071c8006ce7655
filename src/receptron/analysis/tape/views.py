"""Calls as what they mean: convolutions, poolings, products and norms, whatever the operator is called and wherever its arguments stand.

`VIEWS` has one entry for each operator that is more than its numbers in another place. How it is counted, what its units see, what
its working is follows from the view; no other file looks for its arguments by their position.
"""

from collections.abc import Callable
from math import prod
from typing import NamedTuple

from receptron.analysis.tape.tape import Argument, Call, Ref, Tape

Numbers = tuple[int, ...]


class Window(NamedTuple):
    """One number per axis each."""

    kernel: Numbers
    stride: Numbers
    padding: Numbers
    dilation: Numbers


class Convolution(NamedTuple):
    """Channels are those of the whole, not of a group. `size` is that of the map before it."""

    x: Ref
    weight: Ref
    bias: Ref | None
    window: Window
    transposed: bool
    output_padding: Numbers
    groups: int
    c_in: int
    c_out: int
    size: Numbers

    @classmethod
    def from_call(cls, tape: Tape, call: Call) -> "Convolution":
        """aten::convolution."""
        x, weight = tensor(call, 0, "input"), tensor(call, 1, "weight")
        kernel, groups, transposed = tape.shape(weight), whole(call, 8, "groups", 1), call.arg(6, "transposed") is True
        wide, narrow = kernel[0], kernel[1] * groups
        rank = len(kernel) - 2
        window = Window(kernel[2:], *[_each(call, i, name, rank) for i, name in ((3, "stride"), (4, "padding"), (5, "dilation"))])
        return cls(
            x, weight, _maybe(call, 2, "bias"), window, transposed, _each(call, 7, "output_padding", rank), groups,
            *((wide, narrow) if transposed else (narrow, wide)), tape.shape(x)[-rank:],
        )  # fmt: skip


class Pooling(NamedTuple):
    """A window that takes the largest number, or the mean. `ceil` rounds the number of its positions up."""

    x: Ref
    window: Window
    ceil: bool

    @classmethod
    def from_call(cls, tape: Tape, call: Call) -> "Pooling":
        """aten::max_pool{2,3}d_with_indices and avg_pool{1,2,3}d; the name tells the axes."""
        rank, largest = int(call.op.split("pool")[1][0]), call.op.startswith("max")
        kernel = _each(call, 1, "kernel_size", rank)
        stride = _each(call, 2, "stride", rank) if numbers(call.arg(2, "stride")) else kernel
        padding = _each(call, 3, "padding", rank) if numbers(call.arg(3, "padding")) else (0,) * rank
        dilation = _each(call, 4, "dilation", rank) if largest and numbers(call.arg(4, "dilation")) else (1,) * rank
        return cls(tensor(call, 0, "self"), Window(kernel, stride, padding, dilation), call.arg(5 if largest else 4, "ceil_mode") is True)


class Product(NamedTuple):
    """A sum of products: each of its numbers is a sum of `terms`. `added` goes to it; `rows_by_columns` tells it from other ways."""

    left: Ref
    right: Ref
    added: Ref | None
    terms: int
    rows_by_columns: bool = True


class Normalization(NamedTuple):
    """`over` are the dimensions, counted from the end, whose numbers share statistics; none where these are known from before."""

    x: Ref
    weight: Ref | None
    over: Numbers


View = Convolution | Pooling | Product | Normalization
Reader = Callable[[Tape, Call], View]


def view_of(tape: Tape, call: Call) -> View | None:
    """A call as what it means; None for operators that have no such view."""
    reader = VIEWS.get(call.op)
    return None if reader is None else reader(tape, call)


def convolution_of(tape: Tape, call: Call) -> Convolution | None:
    """A call as a convolution, None for everything else."""
    return Convolution.from_call(tape, call) if call.op == "convolution" else None


def tensor(call: Call, position: int, name: str) -> Ref:
    """An argument that is a tensor. Raises: TypeError."""
    found = call.arg(position, name)
    if not isinstance(found, Ref):
        raise TypeError(f"{name} of {call.op} is {found!r}, not a tensor")
    return found


def whole(call: Call, position: int, name: str, default: int) -> int:
    """An argument that is a whole number, `default` where it is left out."""
    found = call.arg(position, name, default)
    return found if isinstance(found, int) else default


def numbers(argument: Argument) -> Numbers:
    """An argument that is one number or several; none for anything else."""
    if isinstance(argument, tuple):
        return tuple([v for v in argument if isinstance(v, int)])
    return (argument,) if isinstance(argument, int) else ()


def _each(call: Call, position: int, name: str, rank: int) -> Numbers:
    """Numbers of which one stands for all axes."""
    given = numbers(call.arg(position, name))
    return given * rank if len(given) == 1 else given


def _maybe(call: Call, position: int, name: str) -> Ref | None:
    found = call.arg(position, name)
    return found if isinstance(found, Ref) else None


def _product(left: int = 0, right: int = 1, added: int | None = None) -> Reader:
    """Matrices or vectors at these positions; the last side of the left one is summed over."""

    def read(tape: Tape, call: Call) -> Product:
        a = tensor(call, left, "self")
        return Product(a, tensor(call, right, "mat2"), None if added is None else tensor(call, added, "self"), tape.shape(a)[-1])

    return read


def _linear(tape: Tape, call: Call) -> Product:
    x = tensor(call, 0, "input")
    return Product(x, tensor(call, 1, "weight"), _maybe(call, 2, "bias"), tape.shape(x)[-1], rows_by_columns=False)


def _outer(tape: Tape, call: Call) -> Product:
    return Product(tensor(call, 1, "vec1"), tensor(call, 2, "vec2"), tensor(call, 0, "self"), 1, rows_by_columns=False)


def _batch_summed(tape: Tape, call: Call) -> Product:
    left = tensor(call, 1, "batch1")
    batch, _, inner = tape.shape(left)
    return Product(left, tensor(call, 2, "batch2"), tensor(call, 0, "self"), batch * inner, rows_by_columns=False)


def _trilinear(tape: Tape, call: Call) -> Product:
    """torch.nn.Bilinear: sum over both inner extents of three factors, counted as two multiplications per term."""
    extents: list[int] = []
    for position, added in ((0, 3), (1, 4), (2, 5)):
        shape = list(tape.shape(call.arg(position, f"i{position + 1}")))
        for dim in sorted(numbers(call.arg(added, f"expand{position + 1}"))):
            shape.insert(dim, 1)
        extents = [max(a, b) for a, b in zip(extents, shape, strict=True)] if extents else shape
    terms = 2 * prod(extents) // max(tape.values[call.outputs[0]].numel, 1)
    return Product(tensor(call, 0, "i1"), tensor(call, 1, "i2"), None, terms, rows_by_columns=False)


def _batch_norm(training: int | None) -> Reader:
    """In train mode the statistics are those of the batch; `training` is the position that tells, None for operators of one mode."""

    def read(tape: Tape, call: Call) -> Normalization:
        x = tensor(call, 0, "input")
        rank = len(tape.shape(x))
        learns = training is not None and call.arg(training, "training") is True
        return Normalization(x, _maybe(call, 1, "weight"), tuple([d for d in range(-rank, 0) if learns and d != 1 - rank]))

    return read


def _layer_norm(tape: Tape, call: Call) -> Normalization:
    inner = numbers(call.arg(1, "normalized_shape"))
    return Normalization(tensor(call, 0, "input"), _maybe(call, 2, "weight"), tuple(range(-len(inner), 0)))


def _group_norm(tape: Tape, call: Call) -> Normalization:
    x = tensor(call, 0, "input")
    weight = _maybe(call, 2 if call.op == "group_norm" else 1, "weight")
    return Normalization(x, weight, tuple(range(1 - len(tape.shape(x)), 0)))


PRODUCTS: dict[str, Reader] = {
    **dict.fromkeys(("mm", "bmm", "matmul", "mv", "dot"), _product()),
    **dict.fromkeys(("addmm", "baddbmm", "addmv"), _product(1, 2, 0)),
    "linear": _linear,
    "addr": _outer,
    "addbmm": _batch_summed,
    "_trilinear": _trilinear,
}
POOLINGS: dict[str, Reader] = dict.fromkeys(
    ("max_pool2d_with_indices", "max_pool3d_with_indices", "avg_pool1d", "avg_pool2d", "avg_pool3d"), Pooling.from_call
)
BATCH_NORMS: dict[str, Reader] = {
    **dict.fromkeys(("native_batch_norm", "_native_batch_norm_legit", "batch_norm", "cudnn_batch_norm"), _batch_norm(5)),
    "_native_batch_norm_legit_no_training": _batch_norm(None),
}
OTHER_NORMS: dict[str, Reader] = {
    **dict.fromkeys(("native_layer_norm", "_fused_rms_norm", "rms_norm", "layer_norm"), _layer_norm),
    **dict.fromkeys(("native_group_norm", "group_norm"), _group_norm),
}
VIEWS: dict[str, Reader] = {"convolution": Convolution.from_call, **PRODUCTS, **POOLINGS, **BATCH_NORMS, **OTHER_NORMS}
"""How to read each operator."""
