"""What tells when to stop early, where the folds are the judge: images of another fold, which are learnt from no more."""

import numpy as np
from numpy.typing import NDArray

from receptron.training.context import TrainingContext, learning_rows

LEAST = 3  # folds: one is the judge, one says when to stop, and one is left to learn from


def inner_split(context: TrainingContext, fold: int) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
    """Rows to learn from without fold number `fold`, and those of the next fold where `--patience` needs images to stop by; else None.

    The fold that judges the phase never chooses its epoch. Groups stay whole, as folds keep them.
    """
    rows = learning_rows(len(context.images), context.folds[fold])
    if not stops_early(context):
        return rows, None
    aside = context.folds[(fold + 1) % len(context.folds)]
    return np.setdiff1d(rows, aside), aside


def stops_early(context: TrainingContext) -> bool:
    """Whether phases end early by images of another fold."""
    return context.recipe.patience is not None and len(context.folds) >= LEAST


def stopping_in_words(context: TrainingContext) -> str:
    """How phases end, to be said of a rung; empty where nothing was asked for."""
    if context.recipe.patience is None:
        return ""
    if not stops_early(context):
        return f"; no early stopping, as {len(context.folds)} folds leave no images to stop by"
    return "; early stopping by the next fold, whose images it did not learn from; the last training, on all images, has nothing to stop by"
