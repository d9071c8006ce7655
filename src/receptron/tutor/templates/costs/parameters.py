"""Parameters of convolutions, fully connected layers and batch norms."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from receptron.arithmetic import Conv, Linear, Norm, parameters, statistics
from receptron.arithmetic.derivation import Derivation, solve, whole
from receptron.arithmetic.expression import Symbol, total
from receptron.arithmetic.layers import axis
from receptron.arithmetic.parameters import NORM_SOURCE
from receptron.tutor.problem import Expected, Task, Template, Wrong, mistakes

SKILL = "convolution"
CHANNELS = {1: (3, 8, 16, 32, 64), 2: (3, 24, 48, 64, 128, 192), 3: (96, 160, 256, 320, 384, 512)}
HINTS = (
    "How many numbers does one filter hold? How many filters are there, and what has each besides its weights?",
    "One weight per tap and input channel of its group, for each output channel; then the biases if there are any.",
)


def area(layer: Conv) -> int:
    """Taps of a window."""
    return axis(layer.kernel, 0) * axis(layer.kernel, 1)


def weights(layer: Conv, c_in: int | None = None, taps: int | None = None, bias: bool | None = None) -> int:
    """Parameters with some of the numbers replaced, for wrong solvers."""
    per_filter = (area(layer) if taps is None else taps) * (layer.c_in // layer.groups if c_in is None else c_in)
    return layer.c_out * per_filter + (layer.c_out if (layer.bias if bias is None else bias) else 0)


CONV = (
    Wrong[Conv](
        "bias forgotten",
        lambda g: weights(g, bias=False) if g.bias else None,
        lambda g: f"Each of the {g.c_out} filters adds one number of its own to what it sums.",
    ),
    Wrong[Conv](
        "bias counted where there is none",
        lambda g: None if g.bias else weights(g, bias=True),
        lambda g: f"The layer was given without bias: none of its {g.c_out} filters has one.",
    ),
    Wrong[Conv](
        "one bias for the whole layer",
        lambda g: weights(g, bias=False) + 1 if g.bias else None,
        lambda g: f"There is one bias per output channel: {g.c_out} of them.",
    ),
    Wrong[Conv](
        "C_in forgotten",
        lambda g: weights(g, c_in=1) if g.c_in > g.groups else None,
        lambda g: f"A filter is as deep as the channels it reads: {axis(g.kernel, 0)}x{axis(g.kernel, 1)}x{g.c_in // g.groups}.",
    ),
    Wrong[Conv](
        "groups ignored",
        lambda g: weights(g, c_in=g.c_in) if g.groups > 1 else None,
        lambda g: f"In {g.groups} groups a filter reads {g.c_in // g.groups} of the {g.c_in} channels.",
    ),
    Wrong[Conv](
        "kernel counted along one axis",
        lambda g: weights(g, taps=axis(g.kernel, 0)) if axis(g.kernel, 0) > 1 else None,
        lambda g: f"The window has {area(g)} taps, height times width.",
    ),
    Wrong[Conv](
        "filters forgotten",
        lambda g: weights(g) // g.c_out,
        lambda g: f"That is one filter; there are {g.c_out}.",
    ),
)


def conv(random: Random, difficulty: int) -> Task:
    """A convolution's learnable parameters."""
    c_in, c_out = random.choice(CHANNELS[difficulty]), random.choice(CHANNELS[difficulty][1:])
    kernel = random.choice((3, 5, 7)) if difficulty < 3 else random.choice(((3, 3), (1, 7), (5, 3)))
    groups = random.choice([g for g in (2, 4, 8, 16, 32) if c_in % g == 0 and c_out % g == 0] or [1]) if difficulty == 3 else 1
    layer = Conv(kernel, c_in=c_in, c_out=c_out, groups=groups, bias=random.random() < 0.7)
    named = f"{kernel}x{kernel}" if isinstance(kernel, int) else f"{kernel[0]}x{kernel[1]}"
    text = (
        f"A {named} convolution takes {c_in} channels to {c_out}"
        + (f" in {groups} groups" if groups > 1 else "")
        + f", {'with' if layer.bias else 'without'} bias. How many learnable parameters has it?"
    )
    derivation = parameters(layer)
    right = (whole(derivation),)
    return Task(text, layer, Expected(right, "parameters", tolerance=0.01), HINTS, (derivation,), mistakes(CONV, layer, right))


LINEAR = (
    Wrong[Linear](
        "bias forgotten",
        lambda g: g.c_in * g.c_out,
        lambda g: f"Each of the {g.c_out:,} outputs adds a bias.",
    ),
    Wrong[Linear](
        "biases counted at the inputs",
        lambda g: g.c_in * g.c_out + g.c_in,
        lambda g: f"Biases belong to outputs: {g.c_out:,}, not {g.c_in:,}.",
    ),
)


@dataclass(frozen=True)
class Flattened:
    """A map that is flattened into a fully connected layer."""

    channels: int
    pixels: int
    outputs: int

    @property
    def layer(self) -> Linear:
        """The layer."""
        return Linear(self.channels * self.pixels**2, self.outputs)


FLATTENED = (
    *(
        Wrong[Flattened](wrong.name, lambda g, wrong=wrong: wrong.solve(g.layer), lambda g, wrong=wrong: wrong.refute(g.layer))
        for wrong in LINEAR
    ),
    Wrong[Flattened](
        "only the channels counted as inputs",
        lambda g: g.channels * g.outputs + g.outputs,
        lambda g: f"Flattening keeps every pixel: {g.channels} x {g.pixels} x {g.pixels} = {g.layer.c_in:,} inputs.",
    ),
    Wrong[Flattened](
        "one side counted instead of both",
        lambda g: g.channels * g.pixels * g.outputs + g.outputs,
        lambda g: f"The map is {g.pixels} high and {g.pixels} wide.",
    ),
)


def linear(random: Random, difficulty: int) -> Task:
    """A fully connected layer on a flattened map."""
    given = Flattened(
        random.choice(CHANNELS[difficulty]),
        random.choice((4, 5, 6, 7, 8)),
        random.choice((10, 100, 128, 512, 1000, 4096)[difficulty - 1 :]),
    )
    text = (
        f"A {given.pixels}x{given.pixels}x{given.channels} map is flattened into a fully connected layer with {given.outputs:,} outputs "
        "and bias. How many parameters has the layer?"
    )
    hints = ("Every input meets every output. How many inputs does the flattened map give?", "inputs × outputs, and one bias per output.")
    derivation = parameters(given.layer)
    right = (whole(derivation),)
    return Task(text, given, Expected(right, "parameters", tolerance=0.01), hints, (derivation,), mistakes(FLATTENED, given, right))


@dataclass(frozen=True)
class Normed:
    """Convolutions without bias, each followed by a batch norm; `kept` asks for all numbers that a checkpoint holds for them."""

    convs: tuple[Conv, ...]
    kept: bool

    @property
    def norms(self) -> tuple[Norm, ...]:
        """Their norms."""
        return tuple(Norm(conv.c_out) for conv in self.convs)


def _learnt(layers: Sequence[Conv | Norm]) -> int:
    return sum(whole(parameters(layer)) for layer in layers)


def _running(layers: Sequence[Norm]) -> int:
    return sum(whole(statistics(layer)) for layer in layers)


NORMED = (
    Wrong[Normed](
        "running statistics counted as learnable",
        lambda g: None if g.kept else _learnt((*g.convs, *g.norms)) + _running(g.norms),
        lambda g: f"Mean and variance, {_running(g.norms):,} numbers, follow from the batches; no gradient reaches them.",
    ),
    Wrong[Normed](
        "running statistics left out",
        lambda g: _learnt((*g.convs, *g.norms)) if g.kept else None,
        lambda g: f"A checkpoint also holds a mean and a variance per channel: {_running(g.norms):,} numbers.",
    ),
    Wrong[Normed](
        "batch norm forgotten",
        lambda g: _learnt(g.convs) + (_running(g.norms) if g.kept else 0),
        lambda g: f"Each channel has a learnt scale and shift: {_learnt(g.norms):,} numbers.",
    ),
    Wrong[Normed](
        "only the scale counted",
        lambda g: _learnt((*g.convs, *g.norms)) - sum(n.channels for n in g.norms) + (_running(g.norms) if g.kept else 0),
        lambda g: "Beside its scale each channel has a shift.",
    ),
    Wrong[Normed](
        "bias counted where there is none",
        lambda g: _learnt((*g.convs, *g.norms)) + sum(c.c_out for c in g.convs) + (_running(g.norms) if g.kept else 0),
        lambda g: "The convolutions have no bias: the norm's shift would take its place.",
    ),
)


def normed(random: Random, difficulty: int) -> Task:
    """Learnable parameters, or all numbers kept, of convolutions with batch norm."""
    widths = [random.choice(CHANNELS[difficulty]) for _ in range(difficulty + 1)]
    convs = tuple(
        Conv(random.choice((1, 3, 5)), c_in=a, c_out=b, bias=False) for a, b in pairwise(widths)
    )  # fmt: skip
    given = Normed(convs, difficulty > 1 and random.random() < 0.4)
    layers = "; ".join(f"{c.kernel}x{c.kernel} convolution {c.c_in} to {c.c_out} without bias, BatchNorm" for c in convs)
    asked = (
        "How many numbers of these layers does a checkpoint hold, without the batch counter?" if given.kept
        else "How many learnable parameters are there?"
    )  # fmt: skip
    hints = (
        "Count the filters first, then what a norm has for each channel.",
        "A scale and a shift are learnt; a mean and a variance are kept.",
    )
    derivation = _added(given)
    right = (whole(derivation),)
    expected = Expected(right, "numbers" if given.kept else "parameters", tolerance=0.01)
    return Task(f"{layers}. {asked}", given, expected, hints, (derivation,), mistakes(NORMED, given, right))


def _added(given: Normed) -> Derivation:
    counted = [parameters(layer) for pair in zip(given.convs, given.norms, strict=True) for layer in pair]
    if given.kept:
        counted += [statistics(norm) for norm in given.norms]
    names = [f"n_{i}" for i in range(1, len(counted) + 1)]
    steps = tuple(
        solve(name, each.steps[-1].formula, each.steps[-1].numbers, each.steps[-1].target)
        for name, each in zip(names, counted, strict=True)
    )
    last = solve("all", total([Symbol(name) for name in names]), {step.target: step.value for step in steps})
    return Derivation("numbers kept" if given.kept else "parameters", last.value, "", (*steps, last), NORM_SOURCE)


TEMPLATES = (
    Template("parameters.conv", SKILL, "parameters of a convolution", conv),
    Template("parameters.linear", SKILL, "parameters of a fully connected layer", linear),
    Template("parameters.norm", SKILL, "parameters with batch norm", normed),
)
