"""How long each part of a run took, over all its sittings."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from time import monotonic

from receptron.training.checkpointing.decision_log import DecisionLog
from receptron.training.records import Stage


class Stopwatch:
    """Seconds of each part of the run."""

    def __init__(self) -> None:
        self.stages: list[Stage] = []

    @contextmanager
    def stage(self, name: str, whole: Callable[[], float] | None = None) -> Generator[None]:
        """Time what happens inside; `whole` tells the seconds of all sittings, where that is known."""
        began = monotonic()
        yield
        self.stages.append(Stage(name, whole() if whole else monotonic() - began))

    def go_on(self, name: str, decisions: DecisionLog) -> None:
        """Add to the stage that has just ended what earlier sittings took for it, and write the sum down for later ones."""
        *others, last = self.stages
        self.stages = [*others, Stage(name, decisions.note(name, last.seconds + (decisions.recall(name, float) or 0.0)))]
