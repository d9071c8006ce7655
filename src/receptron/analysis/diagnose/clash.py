"""A network that does not run: which shapes clash, what ran before, and the changes that would mend it, worked out.

Python reports the operator; this reports the layer, both shapes, and for each possible change the arithmetic that shows it fits.
"""

from dataclasses import dataclass
from inspect import signature

import torch
from torch import nn

from receptron.analysis.diagnose.breaks import Break, Fault
from receptron.analysis.diagnose.repairs import sides
from receptron.analysis.diagnose.search import mended, runs
from receptron.analysis.recording import Network, Unrecordable, record
from receptron.analysis.recording.copying.meta_copy import on_meta
from receptron.analysis.tape.inputs import Inputs
from receptron.errors import ForwardFault, ShapeClash

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
    """Where a network broke, and what would mend it.

    Attributes:
        layer: Path of the module; empty for the network itself.
        kind: Its class.
        op: The operator that failed, or the module's class where none had begun.
        shapes: Shapes that met there, of two axes or more.
        message: What torch said.
        before: Modules that ran before, each with what it put out.
        repairs: Changes after which it ran when they were tried on a copy, each with its working where it has one.
        fault: shapes (two do not fit), input (a layer refuses what it gets), view (to another number of numbers), arguments (missing or
            too many), types (of numbers), or code (anything else that the network raised).
        line: The line of its own code that ran last, with its file; empty where all of it is torch's.

    Example:
        >>> from torch import nn
        >>> found = explain(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(4, 8, 3)), (3, 32, 32))
        >>> found.layer, found.shapes
        ('1', ((1, 8, 30, 30), (8, 4, 3, 3)))
    """

    layer: str
    kind: str
    op: str
    shapes: tuple[tuple[int, ...], ...]
    message: str
    before: tuple[Ran, ...]
    repairs: tuple[str, ...]
    fault: Fault = "shapes"
    line: str = ""

    def error(self) -> ShapeClash | ForwardFault:
        """The clash as an error for a person.

        Returns:
            To be raised or printed.

        Example:
            >>> from torch import nn
            >>> print(explain(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(4, 8, 3)), (3, 32, 32)).error().what)
            1 (Conv2d): 1x8x30x30 meets 8x4x3x3 in convolution.
        """
        where = f"{self.layer or 'the network'} ({self.kind})"
        why = (self.message, *([f"in {self.line}"] if self.line else []), *_told(self.before))
        mend = " | or ".join(self.repairs) or MENDS[self.fault]
        shapes = [sides(shape) for shape in self.shapes]
        if self.fault == "shapes":
            return ShapeClash(f"{where}: {' meets '.join(shapes)} in {self.op}.", why=why, mend=mend)
        given = " and ".join(dict.fromkeys(shapes)) or "what it gets"
        what = f"breaks off in {self.op} of {given}" if self.fault == "code" and self.op != self.kind else WHATS[self.fault].format(given)
        return ForwardFault(f"{where} {what}.", why=why, mend=mend)


WHATS: dict[Fault, str] = {
    "input": "does not take {}",
    "view": "asks for a view that {} does not have",
    "arguments": "is called with other arguments than its forward takes",
    "types": "meets numbers of another type than its own",
    "code": "raised an error of its own",
}
MENDS: dict[Fault, str] = {
    "shapes": "compare the shapes of the layers before it",
    "input": "compare what it was made for with the layers before it",
    "view": "compute the size from the shape of what is viewed",
    "arguments": "give what its forward takes: a tuple or list of sizes or tensors for several inputs, a dict for named ones",
    "types": "give inputs of the type that the layer takes, as tensors: torch.zeros(1, 16, dtype=torch.int64) for an embedding",
    "code": "mend the line that is told, or give the inputs that it expects",
}
"""What can be said where no change was found that mends it."""


def _told(before: tuple[Ran, ...]) -> list[str]:
    """The layers up to the break, one per line."""
    lines = [f"{ran.path} ({ran.kind}) gave {sides(ran.shape)}" for ran in before]
    skipped = [f"... {len(lines) - 12} layers"] if len(lines) > 12 else []
    return [*skipped, *lines[-12:]]


def explain(net: Network, inputs: Inputs) -> Clash | None:
    """What keeps a network from running.

    Args:
        net: A network, which is copied, or a function that makes one.
        inputs: A size such as (3, 224, 224), a tensor, or a list, tuple or dict of these.

    Returns:
        None if it runs.

    Raises:
        BadValue: For inputs that are none, and a function that makes no network.
        Uncopyable: Telling what in the network has no copy, and where it is.

    Example:
        >>> from torch import nn
        >>> explain(nn.Conv2d(3, 8, 3), (3, 32, 32)) is None
        True
        >>> explain(nn.Conv2d(3, 8, 3), (1, 32, 32)).layer
        ''
    """
    try:
        record(net, inputs)
    except Unrecordable as cause:
        return _clash(net, inputs, Break(on_meta(net).net, cause))
    return None


def _clash(net: Network, inputs: Inputs, broken: Break) -> Clash:
    tape = broken.tape
    before = tuple(
        Ran(scope.path, scope.kind, tape.values[scope.outputs[0]].shape) for _, scope in tape.leaves() if scope.outputs and scope.path
    )
    repairs = _repairs(net, inputs, broken)
    shapes = tuple(shape for shape in broken.shapes if len(shape) > 1)
    kind = broken.scope.kind
    return Clash(broken.path, kind, broken.op or kind, shapes, _message(broken), before, repairs, broken.fault, broken.line)


def _message(broken: Break) -> str:
    """What torch said, and what the layer was made for, or what its forward takes."""
    if broken.fault == "arguments":
        return f"{broken.cause.why}; it takes {signature(broken.module.forward)}"
    if broken.fault != "input":
        return broken.cause.why
    attention = isinstance(broken.module, nn.MultiheadAttention)
    made = f"embed_dim={broken.module.embed_dim}, num_heads={broken.module.num_heads}" if attention else broken.module.extra_repr()
    return f"{broken.cause.why}; it is {broken.scope.kind}({made})"


def _repairs(net: Network, inputs: Inputs, broken: Break) -> tuple[str, ...]:
    if broken.fault in ("arguments", "code"):
        return ()
    ways = mended(broken, inputs)
    told: dict[str, str] = {}
    for way in ways:
        words = " and ".join(change.told(broken.path) for change in way)
        told.setdefault(words.partition(": ")[0], words)  # the same change with and without its working
    others = _type_repairs(net, inputs) if broken.fault == "types" else _size_repairs(net, inputs)
    return (*told.values(), *others)


def _type_repairs(net: Network, inputs: Inputs) -> tuple[str, ...]:
    """Whole numbers as an input that was given as a size, where the network runs on these."""
    if isinstance(inputs, tuple) and all(isinstance(extent, int) for extent in inputs):
        shape = (1, *inputs)
        if runs(net, torch.empty(shape, dtype=torch.int64, device="meta")):
            return (f"give whole numbers, torch.zeros({', '.join(map(str, shape))}, dtype=torch.int64)",)
    return ()


def _size_repairs(net: Network, inputs: Inputs) -> tuple[str, ...]:
    """Square image sizes at which the network runs."""
    match inputs:
        case (int(channels), int(height), int(width)) if height == width:
            fitting = [size for size in SIZES if size != height and runs(net, (channels, size, size))]
            near = sorted(fitting, key=lambda size: abs(size - height))[:3]
            return (f"give images of {' or '.join(f'{s}x{s}' for s in sorted(near))}",) if near else ()
        case _:
            return ()
