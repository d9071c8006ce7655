"""What surrounds a phase of training: where it saves, who may stop it, who is told."""

from collections.abc import Callable
from dataclasses import dataclass, field

from receptron.progress import Progress, Silent
from receptron.training.callbacks.signals import StopSignals
from receptron.training.checkpointing.checkpoint import Checkpoints
from receptron.training.records import EpochRecord


@dataclass(frozen=True)
class Hooks:
    """What surrounds a phase: where it saves, who may stop it, who is told."""

    checkpoints: Checkpoints | None = None
    every: float = 15.0  # seconds between checkpoints at most
    signals: StopSignals = field(default_factory=StopSignals)
    progress: Progress = field(default_factory=Silent)
    log: Callable[[EpochRecord], None] | None = None
    saved: Callable[[], object] | None = None  # told of each checkpoint
    is_over: Callable[[int], bool] = lambda epochs: False  # asked after each epoch: whether the time is used up
