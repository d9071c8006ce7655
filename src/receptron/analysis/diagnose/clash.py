"""A network that does not run: which shapes clash, what ran before, and the changes that would mend it, worked out.

Python reports the operator; this reports the layer, both shapes, and for each possible change the arithmetic that shows it fits.
"""

from dataclasses import dataclass
from math import prod

from receptron.analysis.recording import Network, Unrecordable, record
from receptron.analysis.tape import Call, Scope, Tape
from receptron.analysis.tape.inputs import Inputs
from receptron.analysis.tape.views import Convolution, convolution_of
from receptron.arithmetic import Conv, output_size
from receptron.errors import ImageTooSmall, ShapeClash

SIZES = (28, 32, 48, 64, 96, 128, 160, 192, 224, 227, 256, 299, 320, 384, 448, 512)
"""Usual square images that are tried when the size is at fault."""


@dataclass(frozen=True)
class Ran:
    """A module that ran before the break, and what it put out."""

    path: str
    kind: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Clash:
    """Where it broke: layer, operator, the shapes that met there, what ran before, and repairs, each with its working."""

    layer: str
    kind: str
    op: str
    shapes: tuple[tuple[int, ...], ...]
    message: str
    before: tuple[Ran, ...]
    repairs: tuple[str, ...]

    def error(self) -> ShapeClash:
        """The clash as an error for a person."""
        meets = " meets ".join("x".join(map(str, s)) for s in self.shapes) or "nothing that a shape tells"
        return ShapeClash(
            f"{self.layer or 'the network'} ({self.kind}): {meets} in {self.op or 'its forward'}.",
            why=self.message + _told(self.before),
            mend=" | or ".join(self.repairs) or "compare the shapes of the layers before it",
        )


def _told(before: tuple[Ran, ...]) -> str:
    """The layers up to the break, one per line."""
    lines = [f"{ran.path} ({ran.kind}) gave {'x'.join(map(str, ran.shape))}" for ran in before]
    skipped = [f"... {len(lines) - 12} layers"] if len(lines) > 12 else []
    return "".join(f"\n    {line}" for line in [*skipped, *lines[-12:]])


def explain(net: Network, inputs: Inputs) -> Clash | None:
    """What keeps `net` from running on `inputs`; None if nothing does."""
    try:
        record(net, inputs)
    except Unrecordable as broken:
        return _clash(net, inputs, broken)
    return None


def _clash(net: Network, inputs: Inputs, broken: Unrecordable) -> Clash:
    tape = broken.tape
    place = next((scope for scope in reversed(tape.scopes) if scope.last < 0 and scope.parent >= 0), tape.scopes[0])
    op, operands = broken.attempt
    before = tuple(
        Ran(scope.path, scope.kind, tape.values[scope.outputs[0]].shape) for _, scope in tape.leaves() if scope.outputs and scope.path
    )
    if not op:  # torch refused the module's input before any operator ran
        op, operands = place.kind, place.inputs
    repairs = (*_layer_repairs(tape, op, operands), *_norm_repairs(tape, place), *_size_repairs(net, inputs))
    shapes = tuple(tape.values[i].shape for i in operands if len(tape.values[i].shape) > 1)
    return Clash(place.path, place.kind, op, shapes, broken.why, before, repairs)


def _layer_repairs(tape: Tape, op: str, operands: tuple[int, ...]) -> tuple[str, ...]:
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


def _norm_repairs(tape: Tape, place: Scope) -> tuple[str, ...]:
    if not place.kind.startswith("BatchNorm") or not place.inputs:
        return ()
    channels = tape.values[place.inputs[0]].shape[1]
    made_for = next((p.shape[0] for p in tape.parameters if f"{place.path}.weight" in p.names), None)
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


def _size_repairs(net: Network, inputs: Inputs) -> tuple[str, ...]:
    """Square image sizes at which the network runs."""
    match inputs:
        case (int(channels), int(height), int(width)) if height == width:
            fitting = [size for size in SIZES if size != height and _runs(net, (channels, size, size))]
            near = sorted(fitting, key=lambda size: abs(size - height))[:3]
            return (f"give images of {' or '.join(f'{s}x{s}' for s in sorted(near))}",) if near else ()
        case _:
            return ()


def _runs(net: Network, inputs: Inputs) -> bool:
    try:
        record(net, inputs)
    except Unrecordable:
        return False
    return True
