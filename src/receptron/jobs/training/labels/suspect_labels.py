"""Which training images may be mislabelled: from out-of-fold answers, where nearly all images have one and the judge knows the classes.

A judge that is not surely better than the commonest class doubts labels by chance, and is not heard.
"""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from receptron.evaluation import temperature_scaling
from receptron.evaluation.label_issues import label_issues, thresholds
from receptron.evaluation.metrics import compare
from receptron.evaluation.records import SuspectLabel, SuspectLabels
from receptron.jobs.training.fit import FittedNetwork
from receptron.jobs.training.labels.confirmed_examples import with_examples

NEARLY_ALL = 0.95  # of the training images must have an out-of-fold answer
HEAD = "linear head"


def suspect_labels(learnt: FittedNetwork, root: Path, decided: frozenset[str] = frozenset()) -> SuspectLabels:
    """By the rung that was taken if it answered nearly all images, else by the linear head; paths are told relative to `root`.

    `decided` images (sha256), whose class a person said, are counted and not listed.
    """
    count, outcome = len(learnt.context.images), learnt.outcome
    if len(learnt.context.classes) < 2:
        return SuspectLabels((), 0, "", "there is one class only")
    if len(outcome.rows) >= NEARLY_ALL * count:
        return _found(learnt, outcome.rows, outcome.logits, outcome.rung, root, decided)
    if learnt.head_logits is not None:
        return _found(learnt, np.arange(count), learnt.head_logits, HEAD, root, decided)
    why = f"only {len(outcome.rows):,} of {count:,} training images were held out once; --test-size 0 holds out each"
    return SuspectLabels((), len(outcome.rows), outcome.rung, why)


def _found(
    learnt: FittedNetwork, rows: NDArray[np.int64], logits: NDArray[np.float64], rung: str, root: Path, decided: frozenset[str]
) -> SuspectLabels:
    images, classes = learnt.context.images.part(rows), learnt.context.classes
    given = images.targets.numpy()
    if ignorance := _ignorance(logits.argmax(axis=1) == given, given, images.groups):
        return SuspectLabels((), len(rows), rung, f"out of fold, {rung} {ignorance}")
    offsets = learnt.context.balance.offsets
    scale = temperature_scaling.sure_temperature(logits, given, images.groups, offsets)
    chances = temperature_scaling.probabilities(logits, scale, offsets)
    usual, (odd, likelier) = thresholds(chances, given), label_issues(chances, given)
    suspects = tuple(
        SuspectLabel(
            os.path.relpath(images.names[row], root), classes[given[row]], float(chances[row, given[row]]), float(usual[given[row]]),
            classes[other], float(chances[row, other]),
        )
        for row, other in zip(odd.tolist(), likelier.tolist(), strict=True)
        if images.digests[row] not in decided
    )  # fmt: skip
    believed = np.setdiff1d(np.flatnonzero(logits.argmax(1) == given), odd)
    return with_examples(SuspectLabels(suspects, len(rows), rung, decided=len(odd) - len(suspects)), learnt, rows[believed], root)


def _ignorance(right: NDArray[np.bool_], given: NDArray[np.int64], groups: NDArray[np.int64] | None) -> str:
    """Why answers, of which some are `right` out of fold, say nothing about labels; empty where they do."""
    commonest = given == np.bincount(given).argmax()
    found = compare(right, commonest, "majority class", groups)
    if found.better:
        return ""
    return f"is right on {right.mean():.0%}, not surely more than the commonest class is ({commonest.mean():.0%})"
