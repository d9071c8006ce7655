"""A window along one axis, and the ways to miscount its positions: what all problems on output sizes share."""

import math
from dataclasses import dataclass

from receptron.arithmetic import output_size
from receptron.arithmetic.layers import Window, axis, stride_of
from receptron.arithmetic.padding import sides
from receptron.tutor.problem import Expected, Task, Wrong, mistakes


@dataclass(frozen=True)
class Along:
    """A layer and the extent of one axis of its input."""

    layer: Window
    size: int

    @property
    def kernel(self) -> int:
        """Taps along the axis."""
        return axis(self.layer.kernel, 0)

    @property
    def stride(self) -> int:
        """Pixels from window to window."""
        return axis(stride_of(self.layer), 0)

    @property
    def reach(self) -> int:
        """Extent of the window, holes included."""
        return axis(self.layer.dilation, 0) * (self.kernel - 1) + 1

    @property
    def before(self) -> int:
        """Zeros before the input."""
        return sides(self.layer, self.size)[0]

    @property
    def padded(self) -> int:
        """Extent of the padded input."""
        return self.size + sum(sides(self.layer, self.size))

    def windows(self, reach: int, padded: int) -> int | None:
        """Windows of that reach on that extent, None if not one fits."""
        return (padded - reach) // self.stride + 1 if padded >= reach else None

    @property
    def right(self) -> int:
        """Windows that fit."""
        return (self.padded - self.reach) // self.stride + 1


FLOOR = (
    Wrong[Along](
        "ceil for floor",
        lambda g: math.ceil((g.padded - g.reach) / g.stride) + 1,
        lambda g: (
            f"One window more would start at {g.right * g.stride} and end at {g.right * g.stride + g.reach}, "
            f"but the padded input ends at {g.padded}."
        ),
    ),
    Wrong[Along](
        "the + 1 forgotten",
        lambda g: (g.padded - g.reach) // g.stride,
        lambda g: (
            f"Windows start at 0, {g.stride}, ... {(g.right - 1) * g.stride}. The one at 0 counts too: "
            f"{(g.right - 1) * g.stride} / {g.stride} + 1."
        ),
    ),
    Wrong[Along](
        "padding added on one side only",
        lambda g: g.windows(g.reach, g.size + g.before),
        lambda g: f"The padding of {g.before} stands before the input and again after it: {g.size} becomes {g.padded}.",
    ),
    Wrong[Along](
        "padding forgotten",
        lambda g: g.windows(g.reach, g.size),
        lambda g: f"With its zeros the input has {g.padded} pixels, not {g.size}.",
    ),
    Wrong[Along](
        "stride ignored",
        lambda g: g.padded - g.reach + 1,
        lambda g: f"Windows start {g.stride} pixels apart; so many fit only at stride 1.",
    ),
)
DILATION = (
    Wrong[Along](
        "dilation ignored",
        lambda g: g.windows(g.kernel, g.padded),
        lambda g: f"{g.kernel} taps with gaps reach over {g.reach} pixels, and the whole reach has to fit.",
    ),
    Wrong[Along](
        "kernel multiplied by the dilation",
        lambda g: g.windows(g.kernel * axis(g.layer.dilation, 0), g.padded),
        lambda g: f"There are {g.kernel - 1} gaps between {g.kernel} taps, so the reach is {g.reach}.",
    ),
    *FLOOR,
)
HINTS = (
    "Count the places where the window fits on the padded input. The last one must not reach out.",
    "O = ⌊(W - K + 2P) / S⌋ + 1, for each axis by itself.",
)


def along(text: str, given: Along, wrongs: tuple[Wrong[Along], ...], hints: tuple[str, str], unit: str = "px") -> Task:
    """The task on one axis."""
    derivation = output_size(given.layer, given.size)
    right = derivation.value if isinstance(derivation.value, tuple) else (derivation.value,)
    return Task(text, given, Expected(right, unit), hints, (derivation,), mistakes(wrongs, given, right))
