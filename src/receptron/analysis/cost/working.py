"""How a layer's size, parameters and multiply-accumulates come about, by the closed forms of `arithmetic`."""

from receptron.analysis.receptive_field.windows import geometry_of
from receptron.analysis.tape import Call, Tape
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
    shape = tape.values[call.inputs[0]].shape
    match call.op:
        case "convolution":
            return _convolution(tape, call, shape[2:])
        case "addmm" | "mm":
            weight = tape.values[call.inputs[-1]].shape
            layer = Linear(weight[0], weight[1], bias=call.op == "addmm")
            return (parameters(layer), macs(layer))
        case "max_pool2d_with_indices" | "avg_pool2d":
            window = geometry_of(tape, call)
            ceil = call.args[5 if call.op.startswith("max") else 4] is True if len(call.args) > 5 else False
            return (output_size(Pool(window.kernel, window.stride, window.padding, window.dilation, ceil_mode=ceil), shape[2:]),)
        case "native_batch_norm":
            return (parameters(Norm(shape[1])), statistics(Norm(shape[1])))
        case _:
            return ()


def _convolution(tape: Tape, call: Call, size: tuple[int, ...]) -> tuple[Derivation, ...]:
    weight, window = tape.shape(call.args[1]), geometry_of(tape, call)
    groups, bias = int(str(call.args[8])), call.args[2] is not None
    if call.args[6]:
        extra = tuple(int(str(v)) for v in call.args[7]) if isinstance(call.args[7], tuple) else (0,)
        layer = Transposed(
            window.kernel, window.stride, window.padding, window.dilation, extra, weight[0], weight[1] * groups, groups, bias
        )  # fmt: skip
    else:
        layer = Conv(window.kernel, window.stride, window.padding, window.dilation, weight[1] * groups, weight[0], groups, bias)
    return (output_size(layer, size), parameters(layer), macs(layer, size))


def _told(derivation: Derivation) -> str:
    return derivation.steps[-1].written(TEXT)
