"""Which number format and memory layout this machine runs fastest, and how fast: measured once, and remembered by the decision log."""

import copy
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from receptron.training.checkpointing.decision_log import ENGINE
from receptron.training.context import TrainingContext
from receptron.training.hardware.device import Engine
from receptron.training.loop.objective import Supervised
from receptron.training.records import Trial

WORTH = 1.15  # another format must be so many times faster than plain float32 to be chosen
REPEATS = 2


def candidates(device: str, wanted: str = "auto") -> list[Engine]:
    """Formats worth trying on `device`, plain float32 first. Where the user `wanted` "float32" or "bfloat16", nothing is left to a trial,
    whose outcome may differ from run to run: it is that one, channels last.
    """
    every = [Engine(device, "float32", channels_last=False), Engine(device, "float32"), Engine(device, "bfloat16")]
    return every if wanted == "auto" else [engine for engine in every[1:] if engine.precision == wanted]


def choose(
    stage: str, engines: list[Engine], context: TrainingContext, step: Callable[[Engine], Callable[[], object]], images: int
) -> tuple[Engine, float, list[Trial]]:
    """The fastest engine for a stage, its images per second, and all figures; an earlier decision stands.

    `step(engine)()`, one step of `images` images, is timed once to warm up and a few times to count.
    """
    key = f"{ENGINE}{stage}"
    known = context.environment.decisions.recall(key, list[Trial])
    if known is None or len(known) != len(engines):
        speeds = list[float]()
        context.environment.progress.start(f"timing number formats for {stage}", len(engines), "formats")
        for engine in engines:
            speeds.append(images / _seconds(step(engine)))
            context.environment.progress.advance()
        context.environment.progress.done()
        best = max(range(len(engines)), key=lambda i: speeds[i] if i == 0 else speeds[i] / WORTH)
        known = [
            Trial(stage, engine.precision, engine.layout, speed, i == best)
            for i, (engine, speed) in enumerate(zip(engines, speeds, strict=True))
        ]
        context.environment.decisions.note(key, known)
    chosen = next(i for i, trial in enumerate(known) if trial.chosen)
    return engines[chosen], known[chosen].images_per_second, known


def fastest_for_training(
    module: nn.Module, sample: Tensor, name: str, context: TrainingContext, trials: list[Trial]
) -> tuple[Engine, float]:
    """The fastest engine to train `module` on batches like `sample`, and its images per second; an earlier sitting's choice stands."""
    engines = [engine for engine in candidates(context.device, context.precision) if engine.channels_last]
    engine, speed, figures = choose(
        name, engines, context, lambda engine: _training_step(copy.deepcopy(module), sample, engine), len(sample)
    )
    trials.extend(figures)
    return engine, speed


def _training_step(module: nn.Module, sample: Tensor, engine: Engine) -> Callable[[], None]:
    engine.arrange(module.to(engine.device)).train()
    first_class = torch.zeros(len(sample), dtype=torch.long, device=engine.device)

    def step() -> None:
        with engine.autocast():
            loss = Supervised()(module, engine.place(sample), first_class).mean()
        loss.backward()

    return step


def _seconds(step: Callable[[], object]) -> float:
    step()
    taken: list[float] = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        step()
        taken.append(time.perf_counter() - began)
    return min(taken)
