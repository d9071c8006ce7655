"""Every metric of a classifier on one set of images, each with its interval, and the paired comparison with a baseline."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from receptron.errors import BadValue, NoImages
from receptron.evaluation import confidence_intervals, temperature_scaling
from receptron.evaluation.finite_checks import check_finite
from receptron.evaluation.records import BaselineComparison, ClassScore, Evaluation


def evaluate(
    logits: ArrayLike,
    labels: ArrayLike,
    classes: Sequence[str],
    temperature: float,
    source: str,
    names: Sequence[str] = (),
    *,
    networks: int = 1,
) -> Evaluation:
    """Judge `logits` (N, K) of images whose true classes are `labels` (N,), numbers into `classes` (K).

    `source` says which images they are ("240 test images"); `names` (N) are their files, for errors. Answers of several
    `networks`, out of fold, widen the interval of the accuracy.
    Raises: NoImages; NonFinite naming the images with NaN or infinite logits; BadValue if shapes or labels do not fit.
    """
    scores, truth = np.asarray(logits, np.float64), np.asarray(labels, np.int64)
    _check(scores, truth, classes, temperature)
    check_finite(scores, names)
    answers = scores.argmax(axis=1)
    table = confusion(truth, answers, len(classes))
    rows = tuple(_row(label, table, i) for i, label in enumerate(classes))
    correct = answers == truth
    before, after = (temperature_scaling.probabilities(scores, t).max(axis=1) for t in (1.0, temperature))
    return Evaluation(
        count=len(truth),
        source=source,
        accuracy=confidence_intervals.out_of_fold(int(correct.sum()), len(truth), networks),
        balanced_accuracy=confidence_intervals.mean_of_proportions([row.recall for row in rows]),
        classes=rows,
        confusion=tuple(tuple(int(n) for n in row) for row in table),
        ece_before=temperature_scaling.calibration_error(before, correct),
        ece_after=temperature_scaling.calibration_error(after, correct),
        reliability_before=temperature_scaling.reliability(before, correct),
        reliability_after=temperature_scaling.reliability(after, correct),
    )


def compare(ours: ArrayLike, baseline: ArrayLike, name: str) -> BaselineComparison:
    """Which images each got right, two arrays of booleans (N,) over the same images -> the gain in accuracy, paired.

    Raises: BadValue if the lengths differ or there are no images.
    """
    theirs = np.asarray(baseline, bool)
    gain = confidence_intervals.paired_gain(ours, theirs)
    return BaselineComparison(name, confidence_intervals.wilson(int(theirs.sum()), len(theirs)), gain, better=gain.low > 0)


def confusion(labels: NDArray[np.int64], answers: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Counts (classes, classes): rows are the truth, columns the answer."""
    return np.bincount(labels * classes + answers, minlength=classes * classes).reshape(classes, classes)


def _row(label: str, table: NDArray[np.int64], i: int) -> ClassScore:
    hits, support, called = int(table[i, i]), int(table[i].sum()), int(table[:, i].sum())
    return ClassScore(
        label=label,
        support=support,
        precision=confidence_intervals.wilson(hits, called),
        recall=confidence_intervals.wilson(hits, support),
        f1=confidence_intervals.f1(hits, support - hits, called - hits),
    )


def _check(scores: NDArray[np.float64], truth: NDArray[np.int64], classes: Sequence[str], temperature: float) -> None:
    if not len(truth):
        raise NoImages("there are no images to evaluate on.", mend="name a folder with images of the classes that the network knows")
    if scores.shape != (len(truth), len(classes)):
        raise BadValue(f"{len(truth)} labels and {len(classes)} classes need logits {(len(truth), len(classes))}, got {scores.shape}.")
    if truth.min() < 0 or truth.max() >= len(classes):
        raise BadValue(f"labels must lie in 0..{len(classes) - 1}, got {truth.min()}..{truth.max()}.")
    if not (np.isfinite(temperature) and temperature > 0):
        raise BadValue(f"a temperature must be a finite number above 0, got {temperature}.")
