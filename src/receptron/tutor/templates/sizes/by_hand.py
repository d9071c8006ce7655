"""By hand on a small grid: one convolution, one pooling."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from receptron.arithmetic.derivation import Derivation, Step, solve
from receptron.arithmetic.expression import Expression, Number, larger, total
from receptron.tutor.problem import Expected, Task, Template, Value, Wrong, mistakes

Grid = tuple[tuple[int, ...], ...]
SLIDING = (
    "a dot product of the kernel with the window at each place (cross-correlation; Goodfellow et al. 2016, Deep Learning, section 9.1)"
)
POOLING = "one number for each window (Goodfellow et al. 2016, Deep Learning, section 9.3)"


@dataclass(frozen=True)
class GridConvolution:
    """A kernel over a grid; only `positions` are asked for."""

    grid: Grid
    kernel: Grid
    stride: int
    padding: int
    bias: int
    positions: tuple[tuple[int, int], ...]

    def pixel(self, row: int, column: int) -> int:
        """A pixel of the padded grid."""
        r, c = row - self.padding, column - self.padding
        return self.grid[r][c] if 0 <= r < len(self.grid) and 0 <= c < len(self.grid[0]) else 0

    def each(self, kernel: Grid, *, bias: bool = True) -> tuple[int, ...]:
        """The outputs with another kernel, or without bias."""
        pixels = len(kernel)
        return tuple(
            sum(kernel[i][j] * self.pixel(r * self.stride + i, c * self.stride + j) for i in range(pixels) for j in range(pixels))
            + (self.bias if bias else 0)
            for r, c in self.positions
        )


def turned(grid: Grid) -> Grid:
    """Rotated by half a turn, as a convolution in the mathematical sense does."""
    return tuple(tuple(reversed(row)) for row in reversed(grid))


CONV = (
    Wrong[GridConvolution](
        "kernel flipped",
        lambda g: g.each(turned(g.kernel)),
        lambda g: "Deep learning's convolution does not flip: the kernel's top left meets the window's top left.",
    ),
    Wrong[GridConvolution](
        "rows and columns of the kernel swapped",
        lambda g: g.each(tuple(zip(*g.kernel, strict=True))),
        lambda g: f"The kernel's first row is {' '.join(map(str, g.kernel[0]))}, and it runs along the grid's rows.",
    ),
    Wrong[GridConvolution](
        "bias forgotten",
        lambda g: g.each(g.kernel, bias=False),
        lambda g: f"{g.bias} is added to every output.",
    ),
    Wrong[GridConvolution](
        "bias subtracted",
        lambda g: tuple(v - 2 * g.bias for v in g.each(g.kernel)),
        lambda g: f"The bias {g.bias} is added as it stands.",
    ),
)


def convolve(random: Random, difficulty: int) -> Task:
    """Some outputs of a convolution, as numbers in reading order."""
    pixels, kernel = {1: (4, 2), 2: (4, 3), 3: (5, 3)}[difficulty]
    stride, padding = (2, 1) if difficulty == 3 else (1, 0)
    out = (pixels + 2 * padding - kernel) // stride + 1
    positions = tuple((r, c) for r in range(out) for c in range(out))
    positions = positions if difficulty == 2 else (random.choice(positions),)
    given = GridConvolution(
        _numbers(random, pixels, 0, 9),
        _numbers(random, kernel, -2, 3),
        stride,
        padding,
        random.randint(-3, 3) if difficulty > 1 else 0,
        positions,
    )
    where = "all outputs, row by row" if len(positions) > 1 else _position(positions)
    text = (
        f"Input:\n{_drawn(given.grid)}\nKernel:\n{_drawn(given.kernel)}\n"
        f"Convolution with stride {stride}, padding {padding} and bias {given.bias}. Compute {where}."
    )
    hints = ("Lay the kernel over the window, multiply what meets, add it all up.", "y = Σ kernel × window + bias; zeros stand outside.")
    derivation = _slid(given)
    right = derivation.value if isinstance(derivation.value, tuple) else (derivation.value,)
    return Task(text, given, Expected(right), hints, (derivation,), mistakes(CONV, given, right))


def _position(positions: tuple[tuple[int, int], ...]) -> str:
    row, column = next(iter(positions))
    return f"the output in row {row + 1}, column {column + 1}"


def _slid(given: GridConvolution) -> Derivation:
    steps: list[Step] = []
    pixels = len(given.kernel)
    for r, c in given.positions:
        taps = [
            Number(given.kernel[i][j]) * Number(given.pixel(r * given.stride + i, c * given.stride + j))
            for i in range(pixels)
            for j in range(pixels)
        ]
        formula = total([*taps, Number(given.bias)] if given.bias else list[Expression](taps))
        steps.append(solve(f"y_{r + 1}{c + 1}", formula, {}, f"row {r + 1}, column {c + 1}"))
    return Derivation("convolution by hand", _values(steps), "", tuple(steps), SLIDING, between=" ")


@dataclass(frozen=True)
class GridPooling:
    """A grid pooled with windows that do not overlap, or do at difficulty 3."""

    grid: Grid
    kind: str
    kernel: int
    stride: int

    @property
    def windows(self) -> tuple[tuple[int, ...], ...]:
        """The pixels of each window, in reading order."""
        out = (len(self.grid) - self.kernel) // self.stride + 1
        span = range(self.kernel)
        return tuple(
            tuple(self.grid[r * self.stride + i][c * self.stride + j] for i in span for j in span) for r in range(out) for c in range(out)
        )


def _of(kind: str, window: tuple[int, ...]) -> Value:
    return max(window) if kind == "max" else sum(window) / len(window)


POOL = (
    Wrong[GridPooling](
        "average for maximum",
        lambda g: tuple(_of("average", w) for w in g.windows) if g.kind == "max" else None,
        lambda g: f"The maximum of {' '.join(map(str, g.windows[0]))} is {max(g.windows[0])}.",
    ),
    Wrong[GridPooling](
        "maximum for average",
        lambda g: tuple(_of("max", w) for w in g.windows) if g.kind == "average" else None,
        lambda g: f"The mean of {' '.join(map(str, g.windows[0]))} is their sum, {sum(g.windows[0])}, over {len(g.windows[0])}.",
    ),
    Wrong[GridPooling](
        "not divided",
        lambda g: tuple(sum(w) for w in g.windows) if g.kind == "average" else None,
        lambda g: f"A mean divides by the number of pixels, {len(g.windows[0])}.",
    ),
    Wrong[GridPooling](
        "minimum for maximum",
        lambda g: tuple(min(w) for w in g.windows) if g.kind == "max" else None,
        lambda g: f"The largest of {' '.join(map(str, g.windows[0]))} stays.",
    ),
    Wrong[GridPooling](
        "column by column",
        lambda g: _by_columns(tuple(_of(g.kind, w) for w in g.windows)),
        lambda g: "The outputs are asked for row by row.",
    ),
)


def _by_columns(values: tuple[Value, ...]) -> tuple[Value, ...]:
    pixels = round(len(values) ** 0.5)
    return tuple(values[r * pixels + c] for c in range(pixels) for r in range(pixels))


def pool(random: Random, difficulty: int) -> Task:
    """All outputs of a pooling."""
    pixels, kernel, stride = {1: (4, 2, 2), 2: (6, 3, 3), 3: (5, 3, 2)}[difficulty]
    given = GridPooling(_numbers(random, pixels, 0, 9), random.choice(("max", "average")), kernel, stride)
    word = "Maximum" if given.kind == "max" else "Average"
    text = (
        f"Input:\n{_drawn(given.grid)}\n{word} pooling with a {kernel}x{kernel} window and stride {stride}. Give all outputs, row by row."
    )
    hints = ("Draw the windows first: where does each begin?", "One number per window, and no weights.")
    derivation = _pooled(given)
    right = derivation.value if isinstance(derivation.value, tuple) else (derivation.value,)
    expected = Expected(right, tolerance=0.01 if given.kind == "average" else 0)
    return Task(text, given, expected, hints, (derivation,), mistakes(POOL, given, right))


def _pooled(given: GridPooling) -> Derivation:
    formula: Callable[[list[Expression]], Expression] = _largest if given.kind == "max" else lambda parts: total(parts) / len(parts)
    steps = [solve(f"y_{i}", formula([Number(v) for v in window]), {}) for i, window in enumerate(given.windows, 1)]
    return Derivation(f"{given.kind} pooling by hand", _values(steps), "", tuple(steps), POOLING, between=" ")


def _largest(parts: list[Expression]) -> Expression:
    return parts[0] if len(parts) == 1 else larger(parts[0], _largest(parts[1:]))


def _values(steps: list[Step]) -> Value | tuple[Value, ...]:
    return steps[0].value if len(steps) == 1 else tuple(step.value for step in steps)


def _numbers(random: Random, pixels: int, least: int, most: int) -> Grid:
    return tuple(tuple(random.randint(least, most) for _ in range(pixels)) for _ in range(pixels))


def _drawn(grid: Grid) -> str:
    return "\n".join("  " + " ".join(f"{v:>2}" for v in row) for row in grid)


TEMPLATES = (
    Template("by-hand.conv", "convolution", "one convolution by hand", convolve),
    Template("by-hand.pool", "pooling", "pooling by hand", pool),
)
