"""Output sizes along one axis and along a chain: floor, dilation, causal."""

from dataclasses import dataclass
from random import Random

from receptron.arithmetic import Conv, Pool, chain_sizes
from receptron.arithmetic.layers import Window
from receptron.arithmetic.sizes import describe
from receptron.tutor.problem import Expected, Task, Template, Wrong, mistakes
from receptron.tutor.templates.sizes.windows import DILATION, FLOOR, HINTS, Along, along

SKILL = "output-size"


def floor(random: Random, difficulty: int) -> Task:
    """A convolution or pooling over a square input."""
    kernel = random.choice({1: (3, 5), 2: (2, 3, 5, 7), 3: (3, 4, 5, 7, 9, 11)}[difficulty])
    stride = random.choice({1: (1, 2), 2: (2, 3), 3: (2, 3, 4, 5)}[difficulty])
    padding = random.randint(0, kernel // 2)
    size = random.randint(*{1: (12, 64), 2: (28, 256), 3: (97, 600)}[difficulty])
    pooled = difficulty > 1 and random.random() < 0.3
    layer = Pool(kernel, stride, padding) if pooled else Conv(kernel, stride, padding)
    what = f"{kernel}x{kernel} max pooling" if pooled else f"{kernel}x{kernel} convolution"
    text = f"A {what} with stride {stride} and padding {padding} gets a {size}x{size} map. How many pixels wide is its output?"
    return along(text, Along(layer, size), FLOOR, HINTS)


def dilated(random: Random, difficulty: int) -> Task:
    """A dilated convolution."""
    kernel = random.choice({1: (3,), 2: (3, 5), 3: (3, 4, 5, 7)}[difficulty])
    dilation = random.choice({1: (2,), 2: (2, 3, 4), 3: (2, 3, 4, 6)}[difficulty])
    reach = dilation * (kernel - 1) + 1
    stride, padding = random.randint(1, difficulty), random.randint(0, reach // 2)
    size = random.randint(reach + 5, reach + 60 * difficulty)
    text = (
        f"A {kernel}x{kernel} convolution with dilation {dilation}, stride {stride} and padding {padding} gets a {size}x{size} map. "
        "How many pixels wide is its output?"
    )
    hints = ("Dilation puts gaps between the taps: first find how far the kernel reaches.", "K_eff = K + (K - 1)(D - 1), then as usual.")
    return along(text, Along(Conv(kernel, stride, padding, dilation), size), DILATION, hints)


def causal(random: Random, difficulty: int) -> Task:
    """A causal convolution over a sequence."""
    kernel = random.choice((2, 3, 5, 7)[: difficulty + 1])
    dilation, stride = random.choice((1, 2, 4, 8)[: difficulty + 1]), random.choice((1, 2, 3)[:difficulty])
    size = random.randint(20, 400)
    layer = Conv((kernel,), (stride,), "causal", (dilation,))
    text = (
        f"A causal convolution over a sequence of {size} steps has kernel {kernel}, dilation {dilation} and stride {stride}; "
        "it pads so that no output sees a later step. How many steps come out?"
    )
    wrongs = (
        Wrong[Along](
            "padded on both sides",
            lambda g: g.windows(g.reach, g.size + 2 * g.before),
            lambda g: f"Zeros after the end would let outputs stand for steps beyond it; only the {g.before} before are there.",
        ),
        Wrong[Along](
            "dilation ignored in the padding",
            lambda g: g.windows(g.reach, g.size + g.kernel - 1),
            lambda g: f"The first output reaches back over {g.reach - 1} steps, so as many zeros are needed.",
        ),
        *(wrong for wrong in FLOOR if "one side" not in wrong.name),
    )
    hints = (
        "All the zeros stand before the sequence. How many does the first output need, if it may see nothing after its own step?",
        "P_before = D(K - 1), nothing after; then O = ⌊(W - K_eff + P_before) / S⌋ + 1.",
    )
    return along(text, Along(layer, size), wrongs, hints, "steps")


@dataclass(frozen=True)
class SizeChain:
    """Layers one after the other, and the side of the input."""

    layers: tuple[Window, ...]
    size: int


def _through(g: SizeChain, wrong: Wrong[Along]) -> int | None:
    size = g.size
    for layer in g.layers:
        given = Along(layer, size)
        if given.padded < given.reach:
            return None
        result = wrong.solve(given)
        if not isinstance(result, int) or result < 1:
            return None
        size = result
    return size


def _every_layer(wrong: Wrong[Along]) -> Wrong[SizeChain]:
    return Wrong(f"{wrong.name} in every layer", lambda g: _through(g, wrong), lambda g: _first_refuted(g, wrong))


def _first_refuted(g: SizeChain, wrong: Wrong[Along]) -> str:
    """What refutes the mistake in the first layer that it changes."""
    size = g.size
    for number, layer in enumerate(g.layers, 1):
        given = Along(layer, size)
        if wrong.solve(given) != given.right:
            return f"Layer {number}: {wrong.refute(given)}"
        size = given.right
    return ""


CHAIN = tuple(map(_every_layer, FLOOR))


def chained(random: Random, difficulty: int) -> Task:
    """Several layers; the side after the last."""
    size = random.choice((64, 96, 224, 227, 299, 384)[: 2 + 2 * difficulty]) + random.randint(0, difficulty)
    layers: list[Window] = []
    for _ in range(1 + difficulty):
        kernel = random.choice((3, 5, 7))
        stride, padding = random.randint(1, 2), random.randint(0, kernel // 2)
        layers.append(Pool(3, 2, random.randint(0, 1)) if random.random() < 0.3 else Conv(kernel, stride, padding))
    given = SizeChain(tuple(layers), size)
    text = (
        f"A {size}x{size} image goes through: {', '.join(map(describe, layers))} (kernel, s = stride, p = padding). "
        "How many pixels wide is the last map?"
    )
    derivation = chain_sizes(layers, size)
    right = (derivation.value[-1],) if isinstance(derivation.value, tuple) else (derivation.value,)
    hints = ("One layer at a time; each gets what the one before gave.", HINTS[1])
    return Task(text, given, Expected(right, "px"), hints, (derivation,), mistakes(CHAIN, given, right))


TEMPLATES = (
    Template("size.floor", SKILL, "output size, with the floor", floor),
    Template("size.dilated", SKILL, "output size, dilated", dilated),
    Template("size.causal", SKILL, "output size, causal", causal),
    Template("size.chain", SKILL, "output size along a chain", chained),
)
