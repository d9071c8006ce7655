"""How far a phase is, and keeping it: resume, checkpoint, the best weights so far."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from torch import Tensor, nn
from torch.optim import Optimizer

from receptron.errors import BundleCorrupt
from receptron.printable import told
from receptron.training.callbacks.signals import StopSignals
from receptron.training.checkpointing import optimiser_state
from receptron.training.checkpointing.checkpoint import Checkpoints
from receptron.training.checkpointing.optimiser_state import OptimiserState
from receptron.training.loop.weight_average import WeightAverage
from receptron.training.records import EpochRecord


@dataclass(frozen=True)
class Position:
    """With the weights and the optimiser, all that resuming needs."""

    epoch: int = 0
    step: int = 0  # steps done in this epoch
    loss: float = 0.0  # sum over the images of this epoch
    images: int = 0  # seen in this epoch
    best: float = -1.0
    points: tuple[EpochRecord, ...] = ()
    finished: bool = False


@dataclass(frozen=True)
class Snapshot:
    """What a checkpoint holds besides tensors."""

    position: Position
    optimiser: OptimiserState


class Keeper:
    """Saves and restores one phase; without checkpoints it only remembers the best weights."""

    def __init__(
        self,
        net: nn.Module,
        optimiser: Optimizer,
        checkpoints: Checkpoints | None,
        every: float,
        signals: StopSignals,
        saved: Callable[[], object] | None = None,
        average: WeightAverage | None = None,
    ) -> None:
        self.net, self.optimiser, self.saved = net, optimiser, saved
        self.average = average or WeightAverage(net, 0.0)
        self.checkpoints, self.every, self.signals = checkpoints, every, signals
        self.best: dict[str, Tensor] = {}
        self.saved_at = time.monotonic()

    def restore(self) -> Position:
        """The newest checkpoint that verifies goes into network and optimiser; none means the start."""
        found = self.checkpoints.newest() if self.checkpoints else None
        if found is None:
            return Position()
        try:
            snapshot = found.record(Snapshot)
            self.net.load_state_dict(found.tensors["net"])
            self.best = dict(found.tensors.get("best", {}))
            self.average.restore(found.tensors.get("average", {}))
            optimiser_state.restore(self.optimiser, found.tensors["optimiser"], snapshot.optimiser)
        except (LookupError, RuntimeError, ValueError, TypeError) as error:
            raise BundleCorrupt(
                f"{found.path} does not fit this run.", why=told(error), mend="begin anew with --overwrite, or write elsewhere with --out"
            ) from error
        return snapshot.position

    def save(self, at: Position, step: int) -> None:
        """Write a checkpoint under the phase's step number. Raises: StorageFault, NonFinite."""
        if self.checkpoints:
            tensors, rest = optimiser_state.flatten(self.optimiser)
            groups = {"net": copy_state(self.net), "optimiser": tensors}
            groups |= {name: kept for name, kept in (("best", self.best), ("average", on_cpu(self.average.state))) if kept}
            self.checkpoints.save(step, groups, Snapshot(at, rest))
            self.saved_at = time.monotonic()
            if self.saved:
                self.saved()

    def after_step(self, at: Position, number: int) -> None:
        """Save when the time has come or SIGTERM asks for it. Raises: SystemExit(143) after a SIGTERM."""
        if self.signals.terminate or time.monotonic() - self.saved_at >= self.every:
            self.save(at, number)
        self.signals.leave_if_told()

    def after_epoch(self, at: Position, number: int) -> None:
        """Save at the phase's end, or when the time has come. Raises: SystemExit(143) after a SIGTERM."""
        if at.finished or self.signals.terminate or time.monotonic() - self.saved_at >= self.every:
            self.save(at, number)
        self.signals.leave_if_told()

    def remember(self, at: Position, accuracy: float) -> Position:
        """Keep the weights if `accuracy` is the best so far; an equal one is taken too, because it is trained for longer."""
        if accuracy < at.best:
            return at
        self.best = copy_state(self.net)
        return replace(at, best=accuracy)

    def take_best(self) -> None:
        """Put the best weights, where something was held out, back into the network."""
        if self.best:
            self.net.load_state_dict(self.best)


def copy_state(net: nn.Module) -> dict[str, Tensor]:
    """The state dict copied to main memory."""
    return on_cpu(net.state_dict())


def on_cpu(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies in main memory."""
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in state.items()}
