"""What is learnt. The loop runs any objective: it hands over the network and a batch, and gets one loss per image back."""

from dataclasses import dataclass
from typing import Protocol

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

    Auxiliary heads learn with the weight of their paper.
    """

    smoothing: float = 0.0

    def __call__(self, net: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """Losses (N,) of a batch."""

        def losses(scores: Tensor) -> Tensor:
            return F.cross_entropy(scores.float(), targets, label_smoothing=self.smoothing, reduction="none")

        scores = net(inputs)
        return scores.total(losses) if isinstance(scores, AuxiliaryScores) else losses(scores)
