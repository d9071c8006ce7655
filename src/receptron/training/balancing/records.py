"""What was tried against classes with few images, as a run's record tells it."""

from dataclasses import dataclass

from receptron.evaluation.records import Estimate


@dataclass(frozen=True)
class TriedBalance:
    """One way to weigh classes, judged by a linear head out of fold."""

    method: str  # "none", "sampler", "weights" or "focal"
    balanced_accuracy: Estimate
    gain: Estimate | None  # in balanced accuracy over "none", paired on the same images; None for that itself
    chosen: bool


@dataclass(frozen=True)
class BalanceRecord:
    """How classes with few images were weighed, and why so."""

    asked: str
    method: str
    why: str
    weights: dict[str, float]  # what an image of each class counts; empty where all count alike
    tried: tuple[TriedBalance, ...] = ()
