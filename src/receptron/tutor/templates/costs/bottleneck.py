"""1x1 convolutions: bottleneck blocks, and thinning channels before a large window."""

from dataclasses import dataclass
from random import Random

from receptron.arithmetic import Conv, bottleneck, macs
from receptron.arithmetic.derivation import Derivation, solve, whole
from receptron.arithmetic.expression import symbols
from receptron.tutor.problem import Expected, Task, Template, Wrong, mistakes

SKILL = "pointwise"
THINNING = "Szegedy et al. 2015, Going Deeper with Convolutions, arXiv:1409.4842, section 4"


@dataclass(frozen=True)
class BottleneckBlock:
    """A 1x1, KxK, 1x1 bottleneck, without biases."""

    channels: int
    middle: int
    kernel: int

    @property
    def narrow(self) -> int:
        """Weights of the bottleneck."""
        return 2 * self.channels * self.middle + self.kernel**2 * self.middle**2

    @property
    def full(self) -> int:
        """Weights of two KxK convolutions at full width."""
        return 2 * self.kernel**2 * self.channels**2


WEIGHTS = (
    Wrong[BottleneckBlock](
        "the 1x1 that restores the channels forgotten",
        lambda g: g.narrow - g.channels * g.middle,
        lambda g: (
            f"The shortcut adds {g.channels} channels, so {g.middle} must grow back to {g.channels}: {g.channels * g.middle:,} weights."
        ),
    ),
    Wrong[BottleneckBlock](
        "both 1x1 forgotten",
        lambda g: g.narrow - 2 * g.channels * g.middle,
        lambda g: "The two 1x1 convolutions are not free.",
    ),
    Wrong[BottleneckBlock](
        "window at full width",
        lambda g: 2 * g.channels * g.middle + g.kernel**2 * g.channels**2,
        lambda g: f"The {g.kernel}x{g.kernel} works on {g.middle} channels, which is what the first 1x1 is for.",
    ),
    Wrong[BottleneckBlock](
        "window counted along one axis",
        lambda g: 2 * g.channels * g.middle + g.kernel * g.middle**2,
        lambda g: f"The window has {g.kernel**2} taps.",
    ),
)
FACTOR = (
    Wrong[BottleneckBlock](
        "the ratio upside down",
        lambda g: g.narrow / g.full,
        lambda g: "That is the share left; asked was how many times fewer.",
    ),
    Wrong[BottleneckBlock](
        "one full convolution compared instead of two",
        lambda g: g.full / 2 / g.narrow,
        lambda g: "The block that it replaces has two convolutions.",
    ),
    Wrong[BottleneckBlock](
        "only the windows compared",
        lambda g: g.full / (g.kernel**2 * g.middle**2),
        lambda g: "The two 1x1 convolutions have weights too.",
    ),
)


def weights(random: Random, difficulty: int) -> Task:
    """Weights of a bottleneck."""
    given = _block(random, difficulty)
    derivation = bottleneck(given.channels, given.middle, given.kernel)
    right = (int(derivation.steps[0].value),)
    hints = ("Three convolutions: which channels go in and out of each?", "C × M + K² × M² + M × C.")
    text = f"{_said(given)} How many weights has it?"
    return Task(text, given, Expected(right, "weights", tolerance=0.01), hints, (derivation,), mistakes(WEIGHTS, given, right))


def factor(random: Random, difficulty: int) -> Task:
    """How many times fewer weights than two full convolutions."""
    given = _block(random, difficulty)
    derivation = bottleneck(given.channels, given.middle, given.kernel)
    right = (given.full / given.narrow,)
    text = (
        f"{_said(given)} How many times fewer weights is that than two {given.kernel}x{given.kernel} convolutions "
        f"at {given.channels} channels? (Mind that their receptive fields differ.)"
    )
    hints = ("Count both, then divide the larger by the smaller.", "Two full ones hold 2 × K² × C² weights.")
    return Task(text, given, Expected(right, "times", tolerance=0.01), hints, (derivation,), mistakes(FACTOR, given, right))


def _block(random: Random, difficulty: int) -> BottleneckBlock:
    channels = random.choice({1: (64, 128, 256), 2: (192, 256, 384, 512), 3: (320, 480, 768, 1024)}[difficulty])
    return BottleneckBlock(
        channels, channels // random.choice((2, 4, 8)[: difficulty + 1]), random.choice((3,) if difficulty < 3 else (3, 5))
    )


def _said(given: BottleneckBlock) -> str:
    return (
        f"A bottleneck without biases: 1x1 from {given.channels} to {given.middle} channels, "
        f"{given.kernel}x{given.kernel} at {given.middle}, 1x1 back to {given.channels}."
    )


@dataclass(frozen=True)
class Thinned:
    """A KxK convolution at stride 1 that keeps the size, directly or after a 1x1 to fewer channels."""

    c_in: int
    middle: int
    c_out: int
    kernel: int
    size: int

    @property
    def window(self) -> Conv:
        """The large window on the thinned channels."""
        return Conv(self.kernel, 1, self.kernel // 2, c_in=self.middle, c_out=self.c_out, bias=False)

    @property
    def direct(self) -> Conv:
        """The large window on all channels."""
        return Conv(self.kernel, 1, self.kernel // 2, c_in=self.c_in, c_out=self.c_out, bias=False)

    @property
    def thinner(self) -> Conv:
        """The 1x1."""
        return Conv(1, c_in=self.c_in, c_out=self.middle, bias=False)

    def cost(self, layer: Conv) -> int:
        """MACs of a layer on this map."""
        return whole(macs(layer, self.size))


THIN = (
    Wrong[Thinned](
        "the 1x1's own cost left out",
        lambda g: g.cost(g.direct) / g.cost(g.window),
        lambda g: f"The 1x1 itself takes {g.cost(g.thinner):,} multiply-accumulates.",
    ),
    Wrong[Thinned](
        "the ratio upside down",
        lambda g: (g.cost(g.thinner) + g.cost(g.window)) / g.cost(g.direct),
        lambda g: "That is the share left; asked was how many times cheaper.",
    ),
    Wrong[Thinned](
        "the 1x1 counted with as many taps as the window",
        lambda g: g.cost(g.direct) / (g.cost(g.thinner) * g.kernel**2 + g.cost(g.window)),
        lambda g: "A 1x1 has one tap.",
    ),
)


def thinned(random: Random, difficulty: int) -> Task:
    """What thinning really saves, the 1x1 included."""
    c_in = random.choice((128, 192, 256, 512)[: difficulty + 1])
    given = Thinned(
        c_in, c_in // random.choice((2, 4, 8)), random.choice((32, 48, 64, 128)), random.choice((3, 5)), random.choice((14, 28))
    )
    text = (
        f"On a {given.size}x{given.size} map a {given.kernel}x{given.kernel} convolution (size kept, no "
        f"biases) takes {given.c_in} channels to "
        f"{given.c_out}. A 1x1 to {given.middle} channels is put before it. How many times cheaper in "
        "multiply-accumulates are both together?"
    )
    derivation = _saved(given)
    right = (derivation.value,) if not isinstance(derivation.value, tuple) else derivation.value
    hints = (
        "Three costs: the window before, the window after, and the newcomer's own.",
        "direct / (1x1 + window), per place: K² C_in C_out.",
    )
    return Task(text, given, Expected(right, "times", tolerance=0.01), hints, (derivation,), mistakes(THIN, given, right))


def _saved(given: Thinned) -> Derivation:
    direct, thinner, window = symbols("direct thinner window")
    counts = {
        name: macs(layer, given.size).steps[-1]
        for name, layer in (("direct", given.direct), ("thinner", given.thinner), ("window", given.window))
    }
    steps = tuple(solve(name, step.formula, step.numbers) for name, step in counts.items())
    last = solve("saving", direct / (thinner + window), {step.target: step.value for step in steps})
    return Derivation("saving by a 1x1 before a large window", last.value, "times", (*steps, last), THINNING)


TEMPLATES = (
    Template("bottleneck.weights", SKILL, "weights of a bottleneck", weights),
    Template("bottleneck.factor", SKILL, "what a bottleneck saves", factor),
    Template("pointwise.saving", SKILL, "a 1x1 before a large window", thinned),
)
