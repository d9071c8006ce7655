"""How a layer's size, parameters and multiply-accumulates come about, by the closed forms of `arithmetic`."""

from receptron.analysis.tape import Call, Tape
from receptron.analysis.tape.views import Convolution, Normalization, Pooling, Product, view_of
from receptron.arithmetic import Conv, Derivation, Linear, Norm, Pool, Transposed, macs, output_size, parameters, statistics
from receptron.arithmetic.notation import TEXT
from receptron.errors import ReceptronError


def working(tape: Tape, call: Call | None) -> tuple[str, ...]:
    """Lines such as `O = ⌊(224 - 7 + 2 × 3) / 2⌋ + 1 = 112`; none for layers that need no working."""
    try:
        return () if call is None else tuple(_told(d) for d in _derivations(tape, call))
    except ReceptronError:  # a window that the closed forms do not know
        return ()


def _derivations(tape: Tape, call: Call) -> tuple[Derivation, ...]:
    match view_of(tape, call):
        case Convolution() as conv:
            return _convolution(conv)
        case Product(_, right, added) if call.op in ("addmm", "mm"):
            layer = Linear(*tape.shape(right), bias=added is not None)
            return (parameters(layer), macs(layer))
        case Pooling(x, window, ceil) if len(window.kernel) == 2:
            return (output_size(Pool(*window, ceil_mode=ceil), tape.shape(x)[2:]),)
        case Normalization(x) if call.op == "native_batch_norm":
            channels = tape.shape(x)[1]
            return (parameters(Norm(channels)), statistics(Norm(channels)))
        case _:
            return ()


def _convolution(conv: Convolution) -> tuple[Derivation, ...]:
    bias = conv.bias is not None
    if conv.transposed:
        layer = Transposed(*conv.window, conv.output_padding, conv.c_in, conv.c_out, conv.groups, bias)
    else:
        layer = Conv(*conv.window, conv.c_in, conv.c_out, conv.groups, bias)
    return (output_size(layer, conv.size), parameters(layer), macs(layer, conv.size))


def _told(derivation: Derivation) -> str:
    return derivation.steps[-1].written(TEXT)
