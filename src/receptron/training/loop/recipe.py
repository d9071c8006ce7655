"""How a network learns, as far as somebody set it: each field left at None stays with what each rung does by itself."""

from dataclasses import dataclass, fields, replace
from math import inf
from typing import Literal, cast

from receptron.errors import BadValue, UnknownName
from receptron.training.loop.hyperparameters import Hyperparameters

OPTIMISERS = ("sgd", "adamw")


@dataclass(frozen=True)
class Recipe:
    """What a user may set of training itself.

    Args:
        epochs: Times that each phase sees every image, 1 or more.
        rate: Highest learning rate, above 0.
        optimiser: "sgd" or "adamw".
        decay: Weight decay, 0 or more; norms and biases are spared.
        smoothing: Label smoothing, 0 to below 1.

    Example:
        >>> Recipe(rate=0.02).applied(Hyperparameters(8, 32, 0.1)).rate
        0.02
    """

    epochs: int | None = None
    rate: float | None = None
    optimiser: str | None = None
    decay: float | None = None
    smoothing: float | None = None

    def __post_init__(self) -> None:
        if self.optimiser is not None and self.optimiser not in OPTIMISERS:
            raise UnknownName("optimiser", self.optimiser, OPTIMISERS)
        _within("epochs", self.epochs, 1, 100_000, "each phase sees every image so many times")
        _within("rate", self.rate, 1e-9, 1e3, "it is the highest learning rate")
        _within("decay", self.decay, 0, 10, "it is the weight decay")
        _within("smoothing", self.smoothing, 0, 0.999, "it is the share of each label that goes to all classes")

    def applied(self, plan: Hyperparameters) -> Hyperparameters:
        """`plan` with what is set here."""
        optimiser = cast(Literal["sgd", "adamw"], self.optimiser or plan.optimiser)
        set_here = {name: getattr(self, name) for name in ("epochs", "rate", "decay", "smoothing") if getattr(self, name) is not None}
        return replace(plan, optimiser=optimiser, **set_here)

    @property
    def settings(self) -> dict[str, str]:
        """What is set, by the name of its flag, as the report shows it."""
        given = {one.name.replace("_", "-"): getattr(self, one.name) for one in fields(self)}
        return {name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in given.items() if value is not None}


def _within(flag: str, value: float | None, low: float, high: float, meaning: str) -> None:
    """Raises: BadValue for what is no number from `low` to `high`; none where nothing was said."""
    if value is None:
        return
    if (
        isinstance(cast(object, value), bool)
        or not isinstance(cast(object, value), (int, float))
        or not low <= value <= high
        or value == inf
    ):
        raise BadValue(f"--{flag} {value} is out of range.", why=meaning, mend=f"give a number from {low:g} to {high:g}")
