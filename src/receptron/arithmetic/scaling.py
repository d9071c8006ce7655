"""EfficientNet's compound scaling: depth, width and resolution grow together."""

from dataclasses import dataclass

from receptron.arithmetic.derivation import Derivation, solve
from receptron.arithmetic.expression import symbols
from receptron.errors import BadValue

ALPHA, BETA, GAMMA, PHI, R = symbols("alpha beta gamma phi R")
SOURCE = "Tan and Le 2019, EfficientNet, arXiv:1905.11946, eq. 3 and section 4.2"


@dataclass(frozen=True)
class Coefficients:
    """Bases of depth, width and resolution; the defaults are what the paper's grid search at phi = 1 gave.

    Args:
        alpha: Base of the depth.
        beta: Base of the width.
        gamma: Base of the resolution.

    Source: Tan and Le 2019, EfficientNet, arXiv:1905.11946, section 4.2.

    Example:
        >>> Coefficients().alpha
        1.2
    """

    alpha: float = 1.2
    beta: float = 1.1
    gamma: float = 1.15


def compound_scaling(phi: float, coefficients: Coefficients = Coefficients(), pixels: int = 224) -> Derivation:
    """Multipliers (depth, width, resolution) for a phi, and the resolution and cost that follow.

    The published B1 to B7 round these by hand: B1 has depth 1.1, width 1.0 and 240 pixels.

    Args:
        phi: How far to scale; 0 is the baseline.
        coefficients: What is taken to the power of phi.
        pixels: px of the baseline's images.

    Returns:
        Three multipliers; the steps go on to pixels and FLOPs.

    Source: Tan and Le 2019, EfficientNet, arXiv:1905.11946, eq. 3.

    Example:
        >>> compound_scaling(1).value
        (1.2, 1.1, 1.15)
    """
    numbers = _numbers(coefficients) | {"phi": phi, "R": pixels}
    steps = (
        solve("depth", ALPHA**PHI, numbers),
        solve("width", BETA**PHI, numbers),
        solve("resolution", GAMMA**PHI, numbers),
        solve("pixels", R * GAMMA**PHI, numbers, "before rounding"),
        solve("FLOPs", (ALPHA * BETA**2 * GAMMA**2) ** PHI, numbers, "times those of the baseline"),
    )
    value = tuple(step.value for step in steps[:3])
    return Derivation("compound scaling (depth, width, resolution)", value, "", steps, SOURCE)


def constraint(coefficients: Coefficients = Coefficients()) -> Derivation:
    """alpha * beta^2 * gamma^2, which the paper holds near 2, so that FLOPs grow by about 2^phi.

    Depth counts once; width and resolution count squared, since both extents of a map and both channel counts grow.

    Args:
        coefficients: The three bases.

    Returns:
        By what FLOPs are multiplied for each step of phi.

    Raises:
        BadValue: For a base below 1.

    Source: Tan and Le 2019, EfficientNet, arXiv:1905.11946, eq. 3.

    Example:
        >>> round(float(constraint().value), 2)
        1.92
    """
    if min(coefficients.alpha, coefficients.beta, coefficients.gamma) < 1:
        raise BadValue("a base below 1 would shrink the network as phi grows.", mend="give alpha, beta and gamma of 1 or more")
    step = solve("growth", ALPHA * BETA**2 * GAMMA**2, _numbers(coefficients))
    remark = f"The paper asks for about 2; this is {abs(step.value - 2) / 2:.0%} off."
    return Derivation("EfficientNet's constraint", step.value, "", (step,), SOURCE, remark)


def _numbers(coefficients: Coefficients) -> dict[str, float]:
    return {"alpha": coefficients.alpha, "beta": coefficients.beta, "gamma": coefficients.gamma}
