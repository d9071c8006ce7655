"""How fast this machine trains a given module, and in which number format; measured once and remembered by the journal."""

import copy
from collections.abc import Callable

from torch import Tensor, nn

from receptron.training.context import Ground
from receptron.training.hardware.device import Engine
from receptron.training.hardware.trial_steps import candidates, choose
from receptron.training.records import Trial


def fastest_for_training(module: nn.Module, sample: Tensor, name: str, ground: Ground, trials: list[Trial]) -> tuple[Engine, float]:
    """The fastest engine to train `module` on batches like `sample`, and its images per second; an earlier sitting's choice stands."""
    engines = [engine for engine in candidates(ground.device, ground.precision) if engine.channels_last]
    known = ground.around.journal.recall(f"{name} engine", list[Trial])
    if known is None:
        _, known = choose(engines, lambda engine: _training_step(copy.deepcopy(module), sample, engine), len(sample))
        ground.around.journal.note(f"{name} engine", known)
    trials.extend(known)
    chosen = next(i for i, trial in enumerate(known) if trial.chosen)
    return engines[chosen], known[chosen].images_per_second


def _training_step(module: nn.Module, sample: Tensor, engine: Engine) -> Callable[[], None]:
    engine.arrange(module.to(engine.device)).train()

    def step() -> None:
        with engine.fabric.autocast():
            loss = module(engine.place(sample)).float().square().mean()
        loss.backward()

    return step
