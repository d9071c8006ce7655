"""Changes that would mend a network that does not run, each with the arithmetic that shows it fits."""

from math import prod

from receptron.analysis.tape import Call, ModuleCall, Tape
from receptron.analysis.tape.views import Convolution, convolution_of
from receptron.arithmetic import Conv, output_size
from receptron.errors import ImageTooSmall


def layer_repairs(tape: Tape, op: str, operands: tuple[int, ...]) -> tuple[str, ...]:
    """Settings of the layer whose operator broke, or of those that fed it."""
    shapes = [tape.values[i].shape for i in operands]
    match op:
        case "addmm" | "mm":
            x, weight = shapes[-2:]
            return (f"set in_features={x[-1]} (was {weight[0]}){_unfolded(tape, operands[-2])}",)
        case "convolution":
            return _convolution_repairs(tape, operands)
        case "add" | "mul" | "sub" | "div" | "cat":
            return _branch_repairs(tape, operands)
        case _:
            return ()


def norm_repairs(tape: Tape, failed: ModuleCall) -> tuple[str, ...]:
    """The channels that a norm should have."""
    if not failed.kind.startswith("BatchNorm") or not failed.inputs:
        return ()
    channels = tape.values[failed.inputs[0]].shape[1]
    made_for = next((p.shape[0] for p in tape.parameters if f"{failed.path}.weight" in p.names), None)
    return (f"set num_features={channels} (was {made_for})",)


def _unfolded(tape: Tape, value: int) -> str:
    """Where the features come from, if they are a flattened map."""
    made = next((call for call in tape.calls if value in call.outputs), None)
    if made is None or made.op not in ("view", "reshape", "_unsafe_view", "flatten"):
        return ""
    shape = tape.values[made.inputs[0]].shape[1:]
    return f": {' x '.join(map(str, shape))} = {prod(shape):,}" if len(shape) > 1 else ""


def _convolution_repairs(tape: Tape, operands: tuple[int, ...]) -> tuple[str, ...]:
    x, weight = tape.values[operands[0]].shape, tape.values[operands[1]].shape
    if x[1] % weight[1] or weight[1] != x[1]:
        return (f"set in_channels={x[1]} (was {weight[1]} per group)",)
    lacking = max(k - n for k, n in zip(weight[2:], x[2:], strict=True))
    return (f"add padding={-(-lacking // 2)}: the map is {'x'.join(map(str, x[2:]))}, the kernel {'x'.join(map(str, weight[2:]))}",)


def _branch_repairs(tape: Tape, operands: tuple[int, ...]) -> tuple[str, ...]:
    """Changes to the last convolution of either branch that bring it to the other's size, or channels."""
    found: list[str] = []
    for mine, other in ((operands[0], operands[-1]), (operands[-1], operands[0])):
        target, shape = tape.values[other].shape, tape.values[mine].shape
        call = _last_window(tape, mine)
        if call is None or len(target) != len(shape) or len(shape) < 3:
            continue
        path = tape.path(call)
        if shape[1] != target[1] and shape[2:] == target[2:]:
            found.append(f"set out_channels={target[1]} in {path} (was {shape[1]})")
        if shape[2:] != target[2:]:
            found += _window_repairs(tape, call, path, target[2])
    return tuple(found)


def _last_window(tape: Tape, value: int) -> Call | None:
    """The convolution that gave a value, norms and activations after it aside."""
    for call in reversed(tape.calls):
        if value in call.outputs:
            conv = convolution_of(tape, call)
            if conv is not None and not conv.transposed:
                return call
            value = call.inputs[0] if call.inputs else -1
    return None


def _window_repairs(tape: Tape, call: Call, path: str, target: int) -> list[str]:
    """Paddings and strides of a convolution that give `target` pixels, with the working."""
    conv = Convolution.from_call(tape, call)
    kernel, stride, padding, dilation = [numbers[0] for numbers in conv.window]
    found: list[str] = []
    candidates = [(p, stride) for p in range(4 * kernel) if p != padding] + [(padding, s) for s in range(1, 5) if s != stride]
    for new_padding, new_stride in candidates:
        try:
            worked = output_size(Conv(kernel, new_stride, new_padding, dilation), conv.size[0])
        except ImageTooSmall:
            continue
        if worked.value == target:
            change = f"padding={new_padding} (was {padding})" if new_stride == stride else f"stride={new_stride} (was {stride})"
            found.append(f"set {change} in {path}: {worked.substituted} = {target}")
    return found[:2]
