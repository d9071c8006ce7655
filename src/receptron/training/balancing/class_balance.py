"""How classes with few images are weighed in training, and what that does to probabilities.

Whoever shows rare classes more often, or counts them for more, learns the probabilities of a world in which they are as common as that.
Dividing by the weights gives those of the data's own shares again: Saerens, Latinne & Decaestecker 2002, Neural Comput. 14:21, Eq. 2.4.
A temperature cannot: it moves all classes alike. Answers stay those of the balanced world, in which each class counts alike.
"""

from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

FOCUS = 2.0  # exponent of the focal loss: Lin et al. 2017, arXiv:1708.02002, Section 3.2
BETA = 0.999  # of the effective number of images: Cui et al. 2019, arXiv:1901.05555, Section 4.1
METHODS = ("none", "sampler", "weights", "focal")


@dataclass(frozen=True)
class ClassBalance:
    """What a training image of each class counts, 1 on average over the images; and how that is brought about."""

    method: str = "none"
    weights: tuple[float, ...] = ()  # by class; empty where all count alike

    @property
    def in_loss(self) -> tuple[float, ...]:
        """Weights for the loss; the sampler shows images more often in their place."""
        return self.weights if self.method == "weights" else ()

    @property
    def focus(self) -> float:
        """Exponent of the focal loss; 0 for plain cross-entropy."""
        return FOCUS if self.method == "focal" else 0.0

    @property
    def offsets(self) -> tuple[float, ...] | None:
        """What to add to scaled logits for the probabilities of the data's own class shares; None where nothing was moved."""
        return tuple(-log(weight) for weight in self.weights) if self.weights else None


def class_balance(method: str, targets: Tensor, classes: int) -> ClassBalance:
    """`method` for images with class numbers (N,), each of the `classes` having one at least."""
    counts = np.bincount(targets.numpy(), minlength=classes).astype(np.float64)
    if method == "sampler":
        return ClassBalance(method, _normalised(1 / np.maximum(counts, 1), counts))
    if method == "weights":
        return ClassBalance(method, _normalised(1 / np.maximum(effective_number(counts), 1e-9), counts))
    return ClassBalance(method)


def effective_number(counts: NDArray[np.float64], beta: float = BETA) -> NDArray[np.float64]:
    """How many images of each class are worth something of their own, as each new one may resemble those before. Cui et al., Eq. 3.

    >>> effective_number(np.array([1.0, 100.0, 10000.0])).round(1).tolist()
    [1.0, 95.2, 1000.0]
    """
    return (1 - beta**counts) / (1 - beta)


def _normalised(weights: NDArray[np.float64], counts: NDArray[np.float64]) -> tuple[float, ...]:
    """So that the weights of all images have the mean 1, and rates and regularisation mean the same as without."""
    return tuple((weights * counts.sum() / (weights * counts).sum()).tolist())
