"""Where the ladder ended."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

from receptron.blocks.classifier import Classifier
from receptron.training.hardware.device import Engine
from receptron.training.records import EpochRecord


@dataclass(frozen=True)
class Embeddings:
    """What the class layer sees of every training image (N, D), in the network that is kept and in those that never saw a fold."""

    kept: NDArray[np.float32]
    without: tuple[NDArray[np.float32], ...]  # number i never saw fold i; later folds had no network of their own


@dataclass(frozen=True)
class LadderOutcome:
    """Where the ladder ended: the trained network and everything that was learnt on the way."""

    net: nn.Module
    rung: str
    stopped: str
    rows: NDArray[np.int64]  # training images that the rung was cross-validated on
    logits: NDArray[np.float64]  # (rows, classes), out of fold
    points: tuple[EpochRecord, ...]
    engine: Engine  # that the rung was trained on
    embeddings: Embeddings
    others: tuple[Classifier, ...] = ()  # that answer together with `net`, where an ensemble was asked for
