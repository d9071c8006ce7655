"""Compound scaling of EfficientNet, with its working. Tan & Le 2019, arXiv:1905.11946, Eq. 3 and Section 3.3."""

from receptron.arithmetic.derivation import Derivation
from receptron.arithmetic.notation import TEXT
from receptron.arithmetic.scaling import compound_scaling
from receptron.zoo.efficientnet import TABLE


def scale(phi: float) -> Derivation:
    """B0 grown by `phi`, with the working: depth alpha^phi, width beta^phi, image 224 gamma^phi.

    The released rows of `efficientnet.TABLE` start from these and are rounded by hand; from B4 on they lie above them.
    """
    return compound_scaling(phi)


def working(name: str) -> tuple[str, ...]:
    """The formula's numbers for one of B0 to B7 beside the released ones."""
    row = TABLE[name]
    worked = "; ".join(step.written(TEXT) for step in scale(row.phi).steps)
    return (f"phi = {row.phi:g}: {worked}", f"released, rounded by hand: depth {row.depth:g}, width {row.width:g}, {row.pixels} pixels")
