"""What a layer does, in the numbers that tell layers of one kind apart: window, stride, groups, channels. Of any rank, or of none."""

from collections.abc import Sequence
from dataclasses import dataclass

from receptron.analysis.tape import Call, Tape
from receptron.analysis.tape.operators import ELEMENTWISE, MADE, MOVED, MULTIPLIED, NORMALISED, POOLED, REDUCED, RESIZED
from receptron.analysis.tape.views import Convolution, Pooling, Product, view_of

Numbers = tuple[int, ...]
JOINED = frozenset({"cat", "concat", "stack", "hstack", "vstack", "overwritten", "index_put", "scatter", "slice_scatter"})
"""Operators that put tensors together without reckoning."""
_ROLES = {
    "convolution": frozenset({"convolution"}), "product": MULTIPLIED, "pooling": POOLED, "norm": NORMALISED, "resize": RESIZED,
    "activation": ELEMENTWISE, "reduction": REDUCED, "shape": MOVED, "made": MADE,
}  # fmt: skip
_TELLING = ("convolution", "product", "pooling", "norm", "resize", "reduction", "activation", "shape")


@dataclass(frozen=True)
class LayerForm:
    """A layer's window and channels; what it has not stays empty.

    `role` is convolution, product, pooling, norm, resize, activation, reduction, shape or other. `channels` are those that go in and out.
    """

    role: str = "other"
    kernel: Numbers = ()
    stride: Numbers = ()
    dilation: Numbers = ()
    groups: int = 1
    channels: tuple[int, int] | None = None
    transposed: bool = False

    @property
    def depthwise(self) -> bool:
        """Whether each channel is filtered alone."""
        return self.channels is not None and self.groups == self.channels[0] > 1

    @property
    def words(self) -> str:
        """Kernel, stride and channels as a box of a drawing tells them.

        >>> LayerForm("convolution", (3, 3), (2, 2), (1, 1), 1, (64, 128)).words
        '3×3, stride 2, 64 → 128'
        """
        parts = ["×".join(map(str, self.kernel))] if self.kernel else []
        parts += [f"stride {_short(self.stride)}"] if any(n != 1 for n in self.stride) else []
        parts += [f"dilated {_short(self.dilation)}"] if any(n != 1 for n in self.dilation) else []
        if self.channels:
            c_in, c_out = self.channels
            parts.append(f"depthwise {c_out}" if self.depthwise and c_in == c_out else f"{c_in} → {c_out}")
            parts += [f"{self.groups} groups"] if self.groups > 1 and not self.depthwise else []
        return ", ".join(parts)


NO_FORM = LayerForm()
"""That of what has no numbers to tell."""


def role_of(call: Call) -> str:
    """Which group of operators a call belongs to."""
    return next((role for role, names in _ROLES.items() if call.op in names), "other")


def form_of(tape: Tape, calls: Sequence[Call]) -> LayerForm:
    """The form of a layer that made these calls: that of the first that tells most."""
    roles = [role_of(call) for call in calls]
    role = next((role for role in _TELLING if role in roles), "other")
    if role == "other":
        return LayerForm()
    call = calls[roles.index(role)]
    match view_of(tape, call):
        case Convolution() as c:
            return LayerForm(role, c.window.kernel, c.window.stride, c.window.dilation, c.groups, (c.c_in, c.c_out), c.transposed)
        case Pooling() as p:
            return LayerForm(role, p.window.kernel, p.window.stride, p.window.dilation)
        case Product() as p if tape.values[p.right].role == "parameter" or _is_owned(tape, calls, p.right):
            return LayerForm(role, channels=(p.terms, tape.values[call.outputs[0]].shape[-1]))
        case _:
            return LayerForm(role)


def _is_owned(tape: Tape, calls: Sequence[Call], value: int) -> bool:
    """Whether a value is a parameter seen another way, as a matrix turned around."""
    maker = next((call for call in calls if value in call.outputs), None)
    return maker is not None and role_of(maker) == "shape" and all(tape.values[v].role == "parameter" for v in maker.inputs)


def _short(numbers: Numbers) -> str:
    return str(numbers[0]) if len(set(numbers)) == 1 else "×".join(map(str, numbers))
