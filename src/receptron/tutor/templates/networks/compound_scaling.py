"""Compound scaling: what depth, width, resolution and cost become for a phi."""

from dataclasses import dataclass
from random import Random

from receptron.arithmetic import Coefficients, compound_scaling
from receptron.tutor.problem import Expected, Task, Template, Wrong, mistakes

ASKED = {
    "depth": "By which factor does the depth grow?",
    "width": "By which factor does the width grow?",
    "pixels": "Which resolution follows, before rounding?",
    "FLOPs": "By which factor do the FLOPs grow?",
}


@dataclass(frozen=True)
class ScaledNet:
    """A network scaled by phi."""

    coefficients: Coefficients
    phi: int
    pixels: int
    asked: str

    @property
    def foundation(self) -> float:
        """The coefficient that the question is about."""
        c = self.coefficients
        return {"depth": c.alpha, "width": c.beta, "pixels": c.gamma}.get(self.asked, c.alpha * c.beta**2 * c.gamma**2)

    def scaled(self, factor: float) -> float:
        """`factor`, or the pixels that it gives."""
        return self.pixels * factor if self.asked == "pixels" else factor


WRONGS = (
    Wrong[ScaledNet](
        "multiplied by phi instead of raised to it",
        lambda g: g.scaled(g.foundation * g.phi),
        lambda g: f"Each step of phi multiplies once more: {g.foundation:.3g}^{g.phi}.",
    ),
    Wrong[ScaledNet](
        "phi ignored",
        lambda g: g.scaled(g.foundation) if g.phi > 1 else None,
        lambda g: f"That is phi = 1; asked was {g.phi}.",
    ),
    Wrong[ScaledNet](
        "width and resolution counted once",
        lambda g: (g.coefficients.alpha * g.coefficients.beta * g.coefficients.gamma) ** g.phi if g.asked == "FLOPs" else None,
        lambda g: "Twice as wide means twice the channels in and twice out; twice the pixels means twice along both axes.",
    ),
    Wrong[ScaledNet](
        "the constraint's round 2 used",
        lambda g: 2.0**g.phi if g.asked == "FLOPs" else None,
        lambda g: f"The coefficients give {g.foundation:.4g} per step, which is only about 2.",
    ),
)


def compound(random: Random, difficulty: int) -> Task:
    """Depth, width, pixels or FLOPs for a phi."""
    usual = difficulty < 3
    coefficients = Coefficients() if usual else Coefficients(*(round(random.uniform(1.05, 1.3), 2) for _ in range(3)))
    asked = random.choice(("depth", "width", "pixels") if difficulty == 1 else ("pixels", "FLOPs"))
    given = ScaledNet(coefficients, random.randint(2, 3 + difficulty), random.choice((192, 224, 240)), asked)
    c = coefficients
    text = (
        f"Compound scaling with alpha = {c.alpha} (depth), beta = {c.beta} (width), gamma = {c.gamma} (resolution) grows a network "
        f"for {given.pixels}-pixel images by phi = {given.phi}. {ASKED[asked]}"
    )
    derivation = compound_scaling(given.phi, coefficients, given.pixels)
    right = (next(step.value for step in derivation.steps if step.target == asked),)
    hints = (
        "Which coefficient belongs to the question, and how often is it applied?",
        "depth = alpha^phi, width = beta^phi, resolution = gamma^phi; cost grows with depth, width squared and resolution squared.",
    )
    expected = Expected(right, "px" if asked == "pixels" else "times", tolerance=0.01)
    return Task(text, given, expected, hints, (derivation,), mistakes(WRONGS, given, right))


TEMPLATES = (Template("scaling.compound", "architectures", "compound scaling", compound),)
