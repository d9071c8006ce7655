"""Output sizes of rectangles, axis by axis, and of transposed convolutions."""

from dataclasses import dataclass
from random import Random

from receptron.arithmetic import Conv, Transposed, output_size
from receptron.arithmetic.derivation import whole
from receptron.arithmetic.layers import axis
from receptron.tutor.problem import Expected, Task, Template, Value, Wrong, mistakes
from receptron.tutor.templates.sizes.windows import FLOOR, HINTS, Along

SKILL = "output-size"


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
    def refute(given: Plane) -> str:
        """What refutes it, on the axes where it goes wrong."""
        named = zip(("Height", "Width"), map(given.axis, (0, 1)), strict=True)
        return " ".join(f"{name}: {wrong.refute(along)}" for name, along in named if wrong.solve(along) != along.right)

    return Wrong(wrong.name, lambda g: g.each(wrong), refute)


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


TEMPLATES = (
    Template("size.rectangular", SKILL, "output size of a rectangle", rectangular),
    Template("size.transposed", SKILL, "output size, transposed", transposed),
)
