"""What a phase learns by, and which images it shows: by how the classes are weighed."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from receptron.training.context import TrainingContext
from receptron.training.loop.hyperparameters import Hyperparameters
from receptron.training.loop.objective import Supervised
from receptron.training.loop.visits import Visits, balanced


def objective_of(context: TrainingContext, plan: Hyperparameters) -> Supervised:
    """Cross-entropy with what weighs classes, or the focal loss."""
    return Supervised(plan.smoothing, context.balance.in_loss, context.balance.focus)


def visits_of(context: TrainingContext, rows: NDArray[np.int64], plan: Hyperparameters) -> Callable[[int], Visits] | None:
    """Where a sampler was asked for, epoch -> visits to what a fit sees that learns from `rows`, by places among these; else None."""
    if context.balance.method != "sampler":
        return None
    return balanced(context.learnt_from(rows).targets, plan.seed)
