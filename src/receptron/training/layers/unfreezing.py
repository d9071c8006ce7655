"""Gradual unfreezing: level after level becomes trainable, from the head backward.

Source: Howard & Ruder 2018, arXiv:1801.06146, section 3.3.

What is still frozen runs without gradient and as it answers later: BatchNorm by its running statistics, nothing left out at random.
"""

from torch import nn

from receptron.blocks.parameter_groups import depth_of, distance_of
from receptron.training.loop.hyperparameters import Hyperparameters

SPAN = 0.5  # of the epochs, over which the levels open


def openings(levels: int, epochs: int) -> tuple[int, ...]:
    """The epoch, from 0, from which each level learns, the head's first.

    >>> openings(6, 12)
    (0, 1, 2, 3, 4, 6)
    """
    return tuple(int(level * epochs * SPAN / max(1, levels - 1)) for level in range(levels))


class Unfreezing:
    """Opens the levels of a network epoch by epoch; where nothing is gradual, everything learns from the first step."""

    def __init__(self, net: nn.Module, plan: Hyperparameters) -> None:
        self.net, self.gradual, self.depth = net, plan.gradual, depth_of(net)
        self.learning = [(name, parameter) for name, parameter in net.named_parameters() if parameter.requires_grad]
        present = max((distance_of(name, self.depth) for name, _ in self.learning), default=0)
        self.epochs = openings(present + 1, plan.epochs) if plan.gradual else (0,)

    @property
    def whole(self) -> int:
        """Epoch from which everything learns."""
        return self.epochs[-1]

    def at(self, epoch: int) -> None:
        """Open what learns in `epoch`, shut the rest; the network must be in training mode."""
        if not self.gradual:
            return
        for name, parameter in self.learning:
            parameter.requires_grad_(self._open(name, epoch))
        for name, module in self.net.named_modules():
            if name not in ("", "stages") and not self._open(f"{name}.", epoch):
                module.training = False

    def end(self) -> None:
        """Everything may learn again."""
        for _, parameter in self.learning:
            parameter.requires_grad_(True)

    def _open(self, name: str, epoch: int) -> bool:
        return epoch >= self.epochs[min(distance_of(name, self.depth), len(self.epochs) - 1)]
