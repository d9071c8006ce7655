"""Multiply-accumulates and floating-point operations, which papers call by each other's name: the unit is part of the answer."""

from dataclasses import dataclass
from random import Random

from receptron.arithmetic import Conv, flops, macs
from receptron.arithmetic.derivation import whole
from receptron.arithmetic.layers import axis
from receptron.arithmetic.sizes import output_size
from receptron.tutor.problem import Expected, Task, Template, Wrong, mistakes
from receptron.tutor.templates.costs.parameters import CHANNELS, area, weights


@dataclass(frozen=True)
class ConvCost:
    """A convolution without bias on a square map, counted in MACs or FLOPs."""

    layer: Conv
    size: int
    unit: str

    @property
    def each(self) -> int:
        """The unit's operations in one multiply-accumulate."""
        return 2 if self.unit == "FLOPs" else 1

    @property
    def out(self) -> int:
        """Side of the output."""
        return whole(output_size(self.layer, self.size))


WRONGS = (
    Wrong[ConvCost](
        "MACs for FLOPs",
        lambda g: weights(g.layer) * g.out**2 if g.unit == "FLOPs" else None,
        lambda g: "A multiply-accumulate is one multiplication and one addition: two operations.",
    ),
    Wrong[ConvCost](
        "FLOPs for MACs",
        lambda g: 2 * weights(g.layer) * g.out**2 if g.unit == "MACs" else None,
        lambda g: "Asked were multiply-accumulates: a multiplication and its addition count as one.",
    ),
    Wrong[ConvCost](
        "input size used instead of output size",
        lambda g: g.each * weights(g.layer) * g.size**2,
        lambda g: f"A filter is applied once per output: {g.out}x{g.out} places, not {g.size}x{g.size}.",
    ),
    Wrong[ConvCost](
        "C_in forgotten",
        lambda g: g.each * weights(g.layer, c_in=1) * g.out**2 if g.layer.c_in > g.layer.groups else None,
        lambda g: f"Each output sums over {g.layer.c_in // g.layer.groups} channels.",
    ),
    Wrong[ConvCost](
        "groups ignored",
        lambda g: g.each * weights(g.layer, c_in=g.layer.c_in) * g.out**2 if g.layer.groups > 1 else None,
        lambda g: f"In {g.layer.groups} groups each output sums over {g.layer.c_in // g.layer.groups} channels.",
    ),
    Wrong[ConvCost](
        "the places forgotten: that is the number of weights",
        lambda g: g.each * weights(g.layer),
        lambda g: f"All of it is done again at each of {g.out}x{g.out} places.",
    ),
    Wrong[ConvCost](
        "kernel counted along one axis",
        lambda g: g.each * weights(g.layer, taps=axis(g.layer.kernel, 0)) * g.out**2,
        lambda g: f"The window has {area(g.layer)} taps.",
    ),
)
HINTS = (
    "What does one output cost, and how many outputs are there? Find the size of the output first.",
    "C_out × C_in / groups × K² × H_out × W_out multiply-accumulates; each is a multiplication and an addition.",
)


def multiply_accumulates(random: Random, difficulty: int) -> Task:
    """MACs of a convolution."""
    return work(random, difficulty, "MACs")


def operations(random: Random, difficulty: int) -> Task:
    """FLOPs of a convolution."""
    return work(random, difficulty, "FLOPs")


def work(random: Random, difficulty: int, unit: str) -> Task:
    """The cost of one image in `unit`."""
    c_in, c_out, kernel = random.choice(CHANNELS[difficulty]), random.choice(CHANNELS[difficulty][1:]), random.choice((3, 5, 7))
    groups = random.choice([g for g in (1, 2, 4, 8) if c_in % g == 0 and c_out % g == 0]) if difficulty == 3 else 1
    layer = Conv(kernel, random.randint(1, min(2, difficulty)), kernel // 2, 1, c_in, c_out, groups, bias=False)
    given = ConvCost(layer, random.choice((14, 28, 32, 56, 112)), unit)
    text = (
        f"A {kernel}x{kernel} convolution with stride {layer.stride}, padding {layer.padding} and no bias takes {c_in} channels to {c_out}"
        + (f" in {groups} groups" if groups > 1 else "")
        + f" on a {given.size}x{given.size} map. How many {unit} is that for one image?"
    )
    derivation = (macs if unit == "MACs" else flops)(layer, given.size)
    right = (whole(derivation),)
    return Task(text, given, Expected(right, unit, (), 0.01, True), HINTS, (derivation,), mistakes(WRONGS, given, right))


TEMPLATES = (
    Template("cost.macs", "convolution", "multiply-accumulates", multiply_accumulates),
    Template("cost.flops", "convolution", "floating-point operations", operations),
)
