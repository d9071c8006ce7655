"""`--rate find`: one range test for each rung, whose outcome is written down and stands for all its phases."""

from dataclasses import replace

from receptron.training.checkpointing.decision_log import DecisionLog
from receptron.training.context import TrainingContext
from receptron.training.hardware.device import Engine
from receptron.training.loop.hyperparameters import Hyperparameters
from receptron.training.loop.loop import Phase
from receptron.training.loop.rate_finder import find_rate
from receptron.training.loop.recipe import FIND
from receptron.training.rate_search import RateSearch

_KEY = "rate of "


def with_rate(phase: Phase, engine: Engine, context: TrainingContext) -> Hyperparameters:
    """The plan of `phase` with the rate of its rung: found now, or as an earlier sitting or the run that this one is like found it."""
    if context.recipe.rate != FIND:
        return phase.plan
    decisions, progress = context.environment.decisions, context.environment.progress
    key = f"{_KEY}{phase.name.rung}"
    found = decisions.recall(key, RateSearch)
    if found is None:
        progress.start(f"{phase.name.rung}: looking for a learning rate", 1, "tests")
        found = decisions.note(key, find_rate(phase, engine))
        progress.done(found.words)
    return replace(phase.plan, rate=found.rate)


def rate_searches(decisions: DecisionLog) -> tuple[RateSearch, ...]:
    """All that were made in this run, or were given to it."""
    return tuple(found for name in decisions.entries if name.startswith(_KEY) and (found := decisions.recall(name, RateSearch)))
