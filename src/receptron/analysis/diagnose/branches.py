"""Changes to the layers that gave a value, so that it fits another: its channels, or the sides of its map."""

from collections.abc import Iterator

from torch import nn
from torch.nn.modules.conv import _ConvNd  # pyright: ignore[reportPrivateUsage] what all convolutions are
from torch.nn.modules.pooling import _AvgPoolNd, _MaxPoolNd  # pyright: ignore[reportPrivateUsage] what poolings are

from receptron.analysis.diagnose.breaks import Break
from receptron.analysis.diagnose.changes import ModuleSetting, Together
from receptron.analysis.tape import Call
from receptron.analysis.tape.views import Convolution, Pooling, Product, Window, view_of
from receptron.arithmetic import Conv, output_size
from receptron.errors import ReceptronError

MOST = 2
"""Changes of a window that are tried, of those that give the wanted size."""
MOST_PADDED = 8
"""Convolutions that are padded together, from the last on, before all are."""


def branch_changes(broken: Break) -> Iterator[ModuleSetting | Together]:
    """Changes to the last convolution or pooling of each branch that bring it to the size, or channels, of the others."""
    operands = list(dict.fromkeys(broken.operands))
    for mine in operands:
        for other in operands:
            shape, target = broken.tape.values[mine].shape, broken.tape.values[other].shape
            if mine == other or len(target) != len(shape) or len(shape) < 2:
                continue
            if broken.op != "cat" and shape[1] != target[1]:
                yield from producers(broken, mine, target[1])
            elif broken.op != "cat" and shape[:-1] == target[:-1] and _is_product(_giver(broken, mine)):
                yield from producers(broken, mine, target[-1])
            elif shape[2:] != target[2:]:
                yield from _windows(broken, mine, target[2:])
    yield from _padded(broken)


def producers(broken: Break, value: int, channels: int, working: str = "") -> Iterator[ModuleSetting]:
    """The layer whose channels, or features, a value has; norms and activations after it are looked through."""
    call = _giver(broken, value)
    if call is None:
        return
    path = broken.tape.path(call)
    module = broken.net.get_submodule(path)
    name = {"Linear": "out_features"}.get(type(module).__name__, "out_channels")
    was = getattr(module, name, None)
    if (
        isinstance(module, _ConvNd | nn.Linear)
        and isinstance(was, int)
        and was != channels
        and channels % getattr(module, "groups", 1) == 0
    ):
        yield ModuleSetting(path, ((name, channels),), (was,), working)


def _padded(broken: Break) -> Iterator[ModuleSetting | Together]:
    """Paddings that keep the size, in one or all convolutions before that have less: what is missing where a decoder meets its encoder."""
    found: dict[str, ModuleSetting] = {}
    for call in broken.tape.calls:
        view, path = view_of(broken.tape, call), broken.tape.path(call)
        if isinstance(view, Convolution) and not view.transposed and isinstance(broken.net.get_submodule(path), _ConvNd):
            kernel, _, padding, dilation = [numbers[0] for numbers in view.window]
            keeping = dilation * (kernel - 1) // 2
            if padding < keeping:
                found[path] = ModuleSetting(path, (("padding", keeping),), (padding,))
    last = tuple(found.values())[::-1]
    yield from last[:MOST]
    yield from [Together(last[:count]) for count in range(2, min(len(last), MOST_PADDED) + 1)]
    if len(last) > MOST_PADDED:
        yield Together(last)


def _windows(broken: Break, value: int, target: tuple[int, ...]) -> Iterator[ModuleSetting]:
    call = _maker(broken, value, (Convolution, Pooling))
    if call is None:
        return
    path, view = broken.tape.path(call), view_of(broken.tape, call)
    module = broken.net.get_submodule(path)
    if isinstance(view, Convolution) and isinstance(module, _ConvNd):
        made = _transposed(path, view, target[0]) if view.transposed else _plain(path, view.window, view.size[0], target[0])
        yield from made[:MOST]
    elif isinstance(view, Pooling) and isinstance(module, _MaxPoolNd | _AvgPoolNd):
        size = broken.tape.shape(view.x)[-len(view.window.kernel)]
        yield from _plain(path, view.window, size, target[0])[:MOST]
        if not view.ceil:
            yield ModuleSetting(path, (("ceil_mode", True),), (False,))


def _plain(path: str, window: Window, size: int, target: int) -> list[ModuleSetting]:
    """Paddings and strides that give `target` pixels, with the working."""
    kernel, stride, padding, dilation = [numbers[0] for numbers in window]
    tried = [(p, stride) for p in range(4 * kernel) if p != padding] + [(padding, s) for s in range(1, 5) if s != stride]
    found: list[ModuleSetting] = []
    for new_padding, new_stride in tried:
        try:
            worked = output_size(Conv(kernel, new_stride, new_padding, dilation), size)
        except ReceptronError:
            continue
        if worked.value == target:
            name, value, was = ("padding", new_padding, padding) if new_stride == stride else ("stride", new_stride, stride)
            found.append(ModuleSetting(path, ((name, value),), (was,), f"{worked.substituted} = {target}"))
    return found


def _transposed(path: str, view: Convolution, target: int) -> list[ModuleSetting]:
    kernel, stride, padding, dilation = [numbers[0] for numbers in view.window]
    more, size = view.output_padding[0], view.size[0]
    found: list[ModuleSetting] = []
    for p, extra in [(padding, e) for e in range(stride)] + [(p, more) for p in range(kernel)]:
        worked = f"({size} - 1) × {stride} - 2 × {p} + {dilation} × ({kernel} - 1) + 1 + {extra} = {target}"
        fits = (size - 1) * stride - 2 * p + dilation * (kernel - 1) + 1 + extra == target
        if fits and (p, extra) != (padding, more):
            name, value, was = ("output_padding", extra, more) if p == padding else ("padding", p, padding)
            found.append(ModuleSetting(path, ((name, value),), (was,), worked))
    return found


def _giver(broken: Break, value: int) -> Call | None:
    """The convolution or linear layer whose channels, or features, a value has."""
    return _maker(broken, value, (Convolution, Product))


def _is_product(call: Call | None) -> bool:
    return call is not None and call.op != "convolution"


def _maker(broken: Break, value: int, kinds: tuple[type, ...]) -> Call | None:
    """The call of one of these kinds that gave a value; norms and activations after it are looked through."""
    for call in reversed(broken.tape.calls):
        if value in call.outputs:
            if isinstance(view_of(broken.tape, call), kinds):
                return call
            value = call.inputs[0] if call.inputs else -1
    return None
