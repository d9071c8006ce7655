"""Output sizes: floor, dilation, rectangles, transposed, causal, chains."""

import math
from dataclasses import dataclass
from random import Random

from receptron.arithmetic import Conv, Pool, Transposed, chain_sizes, output_size
from receptron.arithmetic.derivation import whole
from receptron.arithmetic.layers import Window, axis, stride_of
from receptron.arithmetic.padding import sides
from receptron.arithmetic.sizes import describe
from receptron.tutor.problem import Expected, Task, Template, Value, Wrong, mistakes

SKILL = "output-size"


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
        lambda g: f"{g.before} zeros stand before the input and as many after it: {g.size} becomes {g.padded}.",
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


def along(text: str, given: Along, wrongs: tuple[Wrong[Along], ...], hints: tuple[str, str], unit: str = "px") -> Task:
    """The task on one axis."""
    derivation = output_size(given.layer, given.size)
    right = derivation.value if isinstance(derivation.value, tuple) else (derivation.value,)
    return Task(text, given, Expected(right, unit), hints, (derivation,), mistakes(wrongs, given, right))


@dataclass(frozen=True)
class Plane:
    """A layer with a number per axis, and the height and width of its input."""

    layer: Conv
    size: tuple[int, int]

    def axis(self, i: int, swapped: bool = False) -> Along:
        """One axis by itself; `swapped` takes the layer's numbers of the other axis."""
        pick = 1 - i if swapped else i
        kernel, stride, padding = (
            axis(v, pick) for v in (self.layer.kernel, self.layer.stride, self.layer.padding) if not isinstance(v, str)
        )
        return Along(Conv(kernel, stride, padding), self.size[i])

    def each(self, wrong: Wrong[Along]) -> tuple[Value, ...] | None:
        """A mistake made on both axes."""
        found = tuple(wrong.solve(self.axis(i)) for i in (0, 1))
        return tuple(v for v in found if isinstance(v, int | float)) if None not in found else None


def _both(wrong: Wrong[Along]) -> Wrong[Plane]:
    return Wrong(wrong.name, lambda g: g.each(wrong), lambda g: f"Height: {wrong.refute(g.axis(0))} Width: {wrong.refute(g.axis(1))}")


RECTANGULAR = (
    Wrong[Plane](
        "kernel, stride and padding of the axes swapped",
        lambda g: tuple(w for i in (0, 1) if (w := g.axis(i, True).windows(g.axis(i, True).reach, g.axis(i, True).padded))),
        lambda g: f"Sizes are told height first: {g.size[0]} rows go with the first number of each pair.",
    ),
    Wrong[Plane](
        "height taken for width as well",
        lambda g: (g.axis(0).right,) * 2,
        lambda g: f"The width starts from {g.size[1]} pixels and its own numbers.",
    ),
    *map(_both, FLOOR),
)


def rectangular(random: Random, difficulty: int) -> Task:
    """Different numbers for height and width."""
    size = random.randint(24, 120 * difficulty), random.randint(24, 120 * difficulty)
    kernel = random.choice((1, 3, 5, 7)[: difficulty + 1]), random.choice((3, 5, 7, 9)[: difficulty + 1])
    stride = random.randint(1, difficulty), random.randint(1, difficulty + 1)
    padding = random.randint(0, kernel[0] // 2), random.randint(0, kernel[1] // 2)
    given = Plane(Conv(kernel, stride, padding), size)
    text = (
        f"A map is {size[0]} high and {size[1]} wide. A convolution has kernel {kernel[0]}x{kernel[1]}, stride {stride[0]}x{stride[1]} "
        f"and padding {padding[0]}x{padding[1]} (height first). What is the output's height and width?"
    )
    derivation = output_size(given.layer, size)
    right = derivation.value if isinstance(derivation.value, tuple) else (derivation.value,)
    expected = Expected(right, "px", ("height", "width"))
    hints = ("The axes know nothing of each other: solve each with its own numbers.", HINTS[1])
    return Task(text, given, expected, hints, (derivation,), mistakes(RECTANGULAR, given, right))


@dataclass(frozen=True)
class Upward:
    """A transposed convolution and the side of its input."""

    layer: Transposed
    size: int

    @property
    def numbers(self) -> tuple[int, int, int, int, int]:
        """Kernel, stride, padding, dilation and output padding."""
        each = self.layer
        return axis(each.kernel, 0), axis(each.stride, 0), axis(each.padding, 0), axis(each.dilation, 0), axis(each.output_padding, 0)


def _up(g: Upward, padding_sign: int = -1, extra: bool = True) -> int:
    kernel, stride, padding, dilation, out = g.numbers
    return (g.size - 1) * stride + 2 * padding_sign * padding + dilation * (kernel - 1) + 1 + (out if extra else 0)


TRANSPOSED = (
    Wrong[Upward](
        "the formula of an ordinary convolution",
        lambda g: (g.size - g.numbers[0] + 2 * g.numbers[2]) // g.numbers[1] + 1 if g.size + 2 * g.numbers[2] >= g.numbers[0] else None,
        lambda g: f"A transposed convolution with stride {g.numbers[1]} makes the map larger, not smaller.",
    ),
    Wrong[Upward](
        "padding added instead of cut off",
        lambda g: _up(g, padding_sign=1),
        lambda g: f"Padding {g.numbers[2]} of the convolution that this one reverses is cut off both ends.",
    ),
    Wrong[Upward](
        "padding forgotten",
        lambda g: _up(g, padding_sign=0),
        lambda g: f"{g.numbers[2]} pixels are cut off both ends.",
    ),
    Wrong[Upward](
        "output padding forgotten",
        lambda g: _up(g, extra=False),
        lambda g: f"{g.numbers[4]} row is added at the end.",
    ),
    Wrong[Upward](
        "size times stride",
        lambda g: g.size * g.numbers[1],
        lambda g: "That holds only where K + output padding = S + 2P; put the numbers in.",
    ),
)


def transposed(random: Random, difficulty: int) -> Task:
    """A transposed convolution."""
    kernel, stride = random.choice((2, 3, 4, 5)[: difficulty + 1]), random.randint(2, 1 + difficulty)
    padding = random.randint(0, (kernel - 1) // 2)
    extra = random.randint(0, 1) if difficulty > 1 else 0
    given = Upward(Transposed(kernel, stride, padding, 1, extra), random.randint(5, 40 * difficulty))
    text = (
        f"A transposed convolution with kernel {kernel}, stride {stride}, padding {padding} and output padding {extra} "
        f"gets a {given.size}x{given.size} map. How many pixels wide is its output?"
    )
    hints = (
        "It runs an ordinary convolution's size formula backwards: which input would have given this map?",
        "O = (W - 1)S - 2P + D(K - 1) + P_out + 1.",
    )
    derivation = output_size(given.layer, given.size)
    right = (whole(derivation),)
    return Task(text, given, Expected(right, "px"), hints, (derivation,), mistakes(TRANSPOSED, given, right))


@dataclass(frozen=True)
class Chain:
    """Layers one after the other, and the side of the input."""

    layers: tuple[Window, ...]
    size: int


def _through(g: Chain, wrong: Wrong[Along]) -> int | None:
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


def _every_layer(wrong: Wrong[Along]) -> Wrong[Chain]:
    return Wrong(
        f"{wrong.name} in every layer", lambda g: _through(g, wrong), lambda g: f"First layer: {wrong.refute(Along(g.layers[0], g.size))}"
    )


CHAIN = tuple(map(_every_layer, FLOOR))


def chained(random: Random, difficulty: int) -> Task:
    """Several layers; the side after the last."""
    size = random.choice((64, 96, 224, 227, 299, 384)[: 2 + 2 * difficulty]) + random.randint(0, difficulty)
    layers: list[Window] = []
    for _ in range(1 + difficulty):
        kernel = random.choice((3, 5, 7))
        stride, padding = random.randint(1, 2), random.randint(0, kernel // 2)
        layers.append(Pool(3, 2, random.randint(0, 1)) if random.random() < 0.3 else Conv(kernel, stride, padding))
    given = Chain(tuple(layers), size)
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
    Template("size.rectangular", SKILL, "output size of a rectangle", rectangular),
    Template("size.transposed", SKILL, "output size, transposed", transposed),
    Template("size.causal", SKILL, "output size, causal", causal),
    Template("size.chain", SKILL, "output size along a chain", chained),
)
