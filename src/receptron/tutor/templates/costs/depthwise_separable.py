"""Depthwise separable convolution: its cost and what it saves."""

from dataclasses import dataclass
from random import Random

from receptron.arithmetic import separable
from receptron.tutor.problem import Expected, Task, Template, Wrong, mistakes


@dataclass(frozen=True)
class SeparableConv:
    """A KxK convolution at stride 1 that keeps the size, split into depthwise and pointwise; biases are left out."""

    c_in: int
    c_out: int
    kernel: int
    size: int

    @property
    def positions(self) -> int:
        """Outputs per channel."""
        return self.size**2

    @property
    def depthwise(self) -> int:
        """MACs of the depthwise part."""
        return self.c_in * self.kernel**2 * self.positions

    @property
    def pointwise(self) -> int:
        """MACs of the pointwise part."""
        return self.c_in * self.c_out * self.positions

    @property
    def standard(self) -> int:
        """MACs of the whole convolution."""
        return self.c_out * self.depthwise


COST = (
    Wrong[SeparableConv](
        "pointwise step forgotten",
        lambda g: g.depthwise,
        lambda g: f"Depthwise filters never mix channels; the 1x1 that does costs {g.pointwise:,}.",
    ),
    Wrong[SeparableConv](
        "depthwise step forgotten",
        lambda g: g.pointwise,
        lambda g: f"A 1x1 sees no neighbours; the depthwise {g.kernel}x{g.kernel} before it costs {g.depthwise:,}.",
    ),
    Wrong[SeparableConv](
        "groups ignored in the depthwise step",
        lambda g: g.c_in * g.depthwise + g.pointwise,
        lambda g: "A depthwise filter reads one channel only.",
    ),
    Wrong[SeparableConv](
        "a depthwise filter for each output channel",
        lambda g: g.c_out * g.kernel**2 * g.positions + g.pointwise,
        lambda g: f"There is one depthwise filter per input channel: {g.c_in}.",
    ),
    Wrong[SeparableConv](
        "FLOPs for MACs",
        lambda g: 2 * (g.depthwise + g.pointwise),
        lambda g: "Asked were multiply-accumulates: a multiplication and its addition count as one.",
    ),
)
SAVING = (
    Wrong[SeparableConv](
        "K² alone",
        lambda g: g.kernel**2,
        lambda g: (
            f"That would be so with endless output channels; with {g.c_out} the 1x1 costs {g.kernel**2 / g.c_out:.0%} of one per tap."
        ),
    ),
    Wrong[SeparableConv](
        "the ratio upside down",
        lambda g: (g.depthwise + g.pointwise) / g.standard,
        lambda g: "That is the cost left over; asked was how many times cheaper.",
    ),
    Wrong[SeparableConv](
        "depthwise step alone compared",
        lambda g: g.c_out,
        lambda g: "Without the 1x1 the channels are never mixed, so its cost belongs to the comparison.",
    ),
    Wrong[SeparableConv](
        "pointwise step alone compared",
        lambda g: g.kernel**2 * g.c_in / g.c_out if g.c_in != g.c_out else None,
        lambda g: "Both steps are needed, and each is weighed against the standard convolution's own channels.",
    ),
)


def _drawn(random: Random, difficulty: int) -> SeparableConv:
    channels = {1: (32, 64, 128), 2: (64, 96, 192, 256), 3: (48, 160, 320, 512)}[difficulty]
    kernel = random.choice((3,) if difficulty == 1 else (3, 5, 7))
    return SeparableConv(random.choice(channels), random.choice(channels), kernel, random.choice((14, 28, 56, 112)))


def _said(given: SeparableConv) -> str:
    return (
        f"On a {given.size}x{given.size} map a {given.kernel}x{given.kernel} convolution takes {given.c_in} channels to {given.c_out}, "
        "stride 1, size kept, no bias."
    )


def cost(random: Random, difficulty: int) -> Task:
    """MACs of both steps together."""
    given = _drawn(random, difficulty)
    derivation = separable(given.c_in, given.c_out, given.kernel, given.size)
    right = (next(int(step.value) for step in derivation.steps if step.target == "both"),)
    hints = ("Two convolutions: one filter per channel, then a 1x1 over all channels.", "C_in × K² × H × W + C_in × C_out × H × W.")
    text = f"{_said(given)} It is replaced by a depthwise separable one. How many MACs does that take?"
    return Task(text, given, Expected(right, "MACs", (), 0.01, True), hints, (derivation,), mistakes(COST, given, right))


def saving(random: Random, difficulty: int) -> Task:
    """How many times cheaper."""
    given = _drawn(random, difficulty)
    derivation = separable(given.c_in, given.c_out, given.kernel, given.size)
    values = {step.target: step.value for step in derivation.steps}
    right = (values["standard"] / values["both"],)
    hints = ("Write both costs and cancel what they share: the places and the input channels.", "cost left = 1 / C_out + 1 / K².")
    text = f"{_said(given)} How many times fewer multiply-accumulates does a depthwise separable one take?"
    return Task(text, given, Expected(right, "times", tolerance=0.01), hints, (derivation,), mistakes(SAVING, given, right))


TEMPLATES = (
    Template("separable.cost", "separable", "cost of depthwise plus pointwise", cost),
    Template("separable.saving", "separable", "what depthwise separable saves", saving),
)
