"""One number as it is printed, beside what arithmetic and the zoo compute."""

from collections.abc import Callable
from dataclasses import dataclass

from receptron.arithmetic.derivation import Answer, shown


@dataclass(frozen=True)
class Claim:
    """One number as it is printed. `within` is the relative error that its rounding ('about', '~', '8-9x') allows."""

    topic: str
    says: str
    printed: Answer
    compute: Callable[[], Answer]
    within: float = 0.0
    lesson: str = ""


@dataclass(frozen=True)
class CheckedClaim:
    """A claim held against its computation; `told` is the lesson where it is wrong or loose."""

    topic: str
    says: str
    printed: str
    computed: str
    agrees: bool
    lesson: str


def check(claim: Claim) -> CheckedClaim:
    """Compute and compare."""
    computed = claim.compute()
    ours, theirs = (value if isinstance(value, tuple) else (value,) for value in (computed, claim.printed))
    agrees = len(ours) == len(theirs) and all(abs(a - b) <= claim.within * abs(a) for a, b in zip(ours, theirs, strict=True))
    return CheckedClaim(claim.topic, claim.says, shown(claim.printed), shown(computed), agrees, claim.lesson)
