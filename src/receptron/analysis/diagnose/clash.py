"""A network that does not run: which shapes clash, what ran before, and the changes that would mend it, worked out.

Python reports the operator; this reports the layer, both shapes, and for each possible change the arithmetic that shows it fits.
"""

from dataclasses import dataclass

from receptron.analysis.diagnose.repairs import layer_repairs, norm_repairs
from receptron.analysis.recording import Network, Unrecordable, record
from receptron.analysis.tape.inputs import Inputs
from receptron.errors import ShapeClash

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
        repairs: Changes after which it would run, each with its working.

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

    def error(self) -> ShapeClash:
        """The clash as an error for a person.

        Returns:
            To be raised or printed.

        Example:
            >>> from torch import nn
            >>> print(explain(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(4, 8, 3)), (3, 32, 32)).error().what)
            1 (Conv2d): 1x8x30x30 meets 8x4x3x3 in convolution.
        """
        meets = " meets ".join("x".join(map(str, s)) for s in self.shapes) or "nothing that a shape tells"
        return ShapeClash(
            f"{self.layer or 'the network'} ({self.kind}): {meets} in {self.op or 'its forward'}.",
            why=(self.message, *_told(self.before)),
            mend=" | or ".join(self.repairs) or "compare the shapes of the layers before it",
        )


def _told(before: tuple[Ran, ...]) -> list[str]:
    """The layers up to the break, one per line."""
    lines = [f"{ran.path} ({ran.kind}) gave {'x'.join(map(str, ran.shape))}" for ran in before]
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
    except Unrecordable as broken:
        return _clash(net, inputs, broken)
    return None


def _clash(net: Network, inputs: Inputs, broken: Unrecordable) -> Clash:
    tape = broken.tape
    failed = next((scope for scope in reversed(tape.module_calls) if scope.last < 0 and scope.parent >= 0), tape.module_calls[0])
    op, operands = broken.attempt
    before = tuple(
        Ran(scope.path, scope.kind, tape.values[scope.outputs[0]].shape) for _, scope in tape.leaves() if scope.outputs and scope.path
    )
    if not op:  # torch refused the module's input before any operator ran
        op, operands = failed.kind, failed.inputs
    repairs = (*layer_repairs(tape, op, operands), *norm_repairs(tape, failed), *_size_repairs(net, inputs))
    shapes = tuple(tape.values[i].shape for i in operands if len(tape.values[i].shape) > 1)
    return Clash(failed.path, failed.kind, op, shapes, broken.why, before, repairs)


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
