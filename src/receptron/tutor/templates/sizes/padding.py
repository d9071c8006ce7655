"""Kinds of padding: how many zeros stand before and after."""

from dataclasses import dataclass
from random import Random

from receptron.arithmetic.derivation import Derivation, solve
from receptron.arithmetic.expression import Expression, Number, ceil, floor, symbols
from receptron.arithmetic.padding import REACH, SOURCE
from receptron.tutor.problem import Expected, Task, Template, Wrong, mistakes

TOTAL = symbols("P_total")[0]
WORDS = {
    "valid": "'valid' padding",
    "same": "padding that keeps the size ('same', an odd zero after the end)",
    "full": "'full' padding, where every overlap counts",
    "causal": "'causal' padding, where no output sees what comes after its place",
}
SIDES: dict[str, tuple[Expression, Expression]] = {
    "valid": (Number(0), Number(0)),
    "same": (floor(TOTAL / 2), ceil(TOTAL / 2)),
    "full": (REACH, REACH),
    "causal": (REACH, Number(0)),
}


@dataclass(frozen=True)
class Padded:
    """A kind of padding for one axis of a convolution with stride 1."""

    kind: str
    kernel: int
    dilation: int

    @property
    def reach(self) -> int:
        """Pixels from the first to the last tap."""
        return self.dilation * (self.kernel - 1)


WRONGS = (
    Wrong[Padded](
        "⌊K/2⌋ on both sides, dilation ignored",
        lambda g: (g.kernel // 2,) * 2 if g.kind == "same" else None,
        lambda g: (
            f"With {g.kernel // 2} and {g.kernel // 2} a map of 20 pixels becomes {20 + 2 * (g.kernel // 2) - g.reach}. "
            "⌊K/2⌋ keeps the size for odd kernels without dilation."
        ),
    ),
    Wrong[Padded](
        "the odd zero before instead of after",
        lambda g: (g.reach - g.reach // 2, g.reach // 2) if g.kind == "same" else None,
        lambda g: f"{g.reach} zeros cannot be shared evenly; the rule stated puts the odd one after the end.",
    ),
    Wrong[Padded](
        "dilation ignored",
        lambda g: {"full": (g.kernel - 1,) * 2, "causal": (g.kernel - 1, 0)}.get(g.kind),
        lambda g: f"The first and last of {g.kernel} taps lie {g.reach} pixels apart.",
    ),
    Wrong[Padded](
        "causal and full confused",
        lambda g: {"full": (g.reach, 0), "causal": (g.reach, g.reach)}.get(g.kind),
        lambda g: "Full pads both ends; causal pads only before, for zeros after the end stand for the future.",
    ),
    Wrong[Padded](
        "the kernel itself instead of the kernel less one",
        lambda g: {"full": (g.kernel * g.dilation,) * 2, "causal": (g.kernel * g.dilation, 0)}.get(g.kind),
        lambda g: f"{g.kernel} taps have {g.kernel - 1} steps between them.",
    ),
)
HINTS = {
    "valid": ("Which outputs does it allow: those whose window lies wholly inside?", "No pixel outside the input is ever read."),
    "same": ("How many pixels does the map lose without padding? Give back as many.", "P_total = D(K - 1), shared between both ends."),
    "full": ("A window may overlap the input by a single pixel, at either end.", "P = D(K - 1) at each end."),
    "causal": ("The output for the first place may see that place and what lies before.", "P_before = D(K - 1)."),
}


def named(random: Random, difficulty: int) -> Task:
    """Zeros before and after, for a kind of padding."""
    kind = random.choice({1: ("valid", "same", "full"), 2: ("same", "full", "causal"), 3: ("same", "causal", "full")}[difficulty])
    kernel = random.choice({1: (3, 5, 7, 9), 2: (3, 4, 5, 6, 7, 8), 3: (2, 3, 4, 5, 6, 7, 9, 11)}[difficulty])
    given = Padded(kind, kernel, random.randint(1, 2 * difficulty - 1) if difficulty > 1 else 1)
    text = (
        f"A convolution along one axis has kernel {kernel}, dilation {given.dilation} and stride 1. "
        f"How many zeros stand before and after the input with {WORDS[kind]}?"
    )
    derivation = zeros(given)
    right = derivation.value if isinstance(derivation.value, tuple) else (derivation.value,)
    expected = Expected(right, "px", ("before", "after"))
    return Task(text, given, expected, HINTS[kind], (derivation,), mistakes(WRONGS, given, right))


def zeros(given: Padded) -> Derivation:
    """Zeros (before, after) with the working."""
    numbers: dict[str, int | float] = {"K": given.kernel, "D": given.dilation}
    steps = [solve("P_total", REACH, numbers, "pixels that the map would lose")] if given.kind == "same" else []
    numbers["P_total"] = given.reach
    steps += [solve(f"P_{end}", formula, numbers) for end, formula in zip(("before", "after"), SIDES[given.kind], strict=True)]
    value = (steps[-2].value, steps[-1].value)
    return Derivation(f"{given.kind} padding (before, after)", value, "px", tuple(steps), SOURCE)


TEMPLATES = (Template("padding.kinds", "output-size", "kinds of padding", named),)
