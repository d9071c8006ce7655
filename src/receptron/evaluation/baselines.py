"""Rung 0: what anybody gets for nothing. A network that is not clearly better than these has learnt nothing."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

_ROWS = 1024


def majority(targets: Tensor, classes: int) -> int:
    """The class that most training images bear; the first of equals."""
    return int(torch.bincount(targets, minlength=classes).argmax())


def nearest(features: Tensor, targets: Tensor, questions: Tensor) -> NDArray[np.int64]:
    """Class of the training image (N, D) whose features have the smallest angle to each question (M, D)."""
    known, asked = F.normalize(features.float(), dim=1), F.normalize(questions.float(), dim=1)
    answers = [targets[(asked[i : i + _ROWS] @ known.T).argmax(1)] for i in range(0, len(asked), _ROWS)]
    return torch.cat(answers).numpy() if answers else np.zeros(0, np.int64)


def nearest_out_of_fold(features: Tensor, targets: Tensor, folds: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Nearest neighbour of each training image among those of the other folds."""
    answers = np.zeros(len(targets), np.int64)
    for held_out in folds:
        learning = np.setdiff1d(np.arange(len(targets)), held_out)
        answers[held_out] = nearest(features[learning], targets[learning], features[held_out])
    return answers
