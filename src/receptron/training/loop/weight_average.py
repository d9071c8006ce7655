"""An average of the weights over the steps of a phase: it is judged and kept in the place of the last weights.

Source: Polyak & Juditsky 1992, SIAM J. Control Optim. 30:838; Tarvainen & Valpola 2017, arXiv:1703.01780, for the exponential one. The
decay rises as (1 + t) / (10 + t) up to the one asked for, as in TensorFlow's ExponentialMovingAverage, so that short trainings are not
held at their beginning. Running statistics of norms are averaged alike; counts are those of the network.
"""

from collections.abc import Generator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class WeightAverage:
    """The average of a network's state, kept beside the network; a decay of 0 keeps none, and the network stands for itself."""

    def __init__(self, net: nn.Module, decay: float) -> None:
        self.net, self.decay = net, decay
        self.state: dict[str, Tensor] = {}

    def update(self, step: int) -> None:
        """Take the weights after `step`, from 0, in; the first are taken as they are."""
        if not self.decay:
            return
        if not self.state:
            self.state = {name: tensor.detach().clone() for name, tensor in self.net.state_dict().items()}
            return
        share = 1 - min(self.decay, (1 + step) / (10 + step))
        with torch.no_grad():
            for name, tensor in self.net.state_dict().items():
                if tensor.is_floating_point():
                    self.state[name].lerp_(tensor, share)
                else:
                    self.state[name].copy_(tensor)

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from an average that `state` was."""
        if self.decay:
            current = self.net.state_dict()
            self.state = {name: tensor.to(current[name].device).clone() for name, tensor in state.items()}

    @contextmanager
    def shown(self) -> Generator[None]:
        """While inside, the network holds the average; afterwards its own weights again."""
        if not self.state:
            yield
            return
        own = {name: tensor.detach().clone() for name, tensor in self.net.state_dict().items()}
        self.net.load_state_dict(self.state)
        try:
            yield
        finally:
            self.net.load_state_dict(own)

    def settle(self) -> None:
        """The network becomes the average."""
        if self.state:
            self.net.load_state_dict(self.state)
