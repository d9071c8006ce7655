"""What is learnt. The loop runs any objective: it hands over the network and a batch, and gets one loss per image back."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from receptron.blocks.auxiliary import AuxiliaryScores


class Objective(Protocol):
    """(network, inputs, targets) -> one loss per image (N,), float32, not yet averaged, so that a bad image can be named."""

    def __call__(self, net: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """Losses (N,) of a batch."""
        ...


@dataclass(frozen=True)
class Supervised:
    """Cross-entropy against class numbers (N,), or against shares (N, classes) of mixed images, with label smoothing.

    `weights` tell what each class counts, none: 1 each. With `focus` over 0 it is the focal loss, which counts what is answered rightly
    already for less: Lin et al. 2017, arXiv:1708.02002, Eq. 4. Auxiliary heads learn with the weight of their paper.
    """

    smoothing: float = 0.0
    weights: tuple[float, ...] = ()
    focus: float = 0.0

    def __call__(self, net: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """Losses (N,) of a batch."""
        counts = torch.tensor(self.weights, device=targets.device) if self.weights else None

        def losses(scores: Tensor) -> Tensor:
            if self.focus:
                return focal(scores.float(), targets, self.focus, self.smoothing, counts)
            return F.cross_entropy(scores.float(), targets, weight=counts, label_smoothing=self.smoothing, reduction="none")

        scores = net(inputs)
        return scores.total(losses) if isinstance(scores, AuxiliaryScores) else losses(scores)


def focal(scores: Tensor, targets: Tensor, focus: float, smoothing: float = 0.0, weights: Tensor | None = None) -> Tensor:
    """Focal losses (N,) of scores (N, K) against class numbers (N,) or shares (N, K): -(1 - p)^focus log p, summed by the shares."""
    classes = scores.shape[1]
    shares = F.one_hot(targets, classes).to(scores.dtype) if targets.ndim == 1 else targets.to(scores.dtype)
    shares = shares * (1 - smoothing) + smoothing / classes
    logs = scores.log_softmax(1)
    terms = shares * (1 - logs.exp()).clamp_min(1e-12) ** focus * -logs  # at p = 1 the slope of a root would be endless
    return (terms if weights is None else terms * weights).sum(1)
