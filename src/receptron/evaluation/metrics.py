"""Every metric of a classifier on one set of images, each with its interval, and the paired comparison with a baseline."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from receptron.errors import BadValue, NoImages
from receptron.evaluation import grouped_intervals, temperature_scaling
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
    groups: ArrayLike | None = None,
    offsets: ArrayLike | None = None,
) -> Evaluation:
    """Judge `logits` (N, K) of images whose true classes are `labels` (N,), numbers into `classes` (K).

    `source` says which images they are ("240 test images"); `names` (N) are their files, for errors. Answers of several
    `networks`, out of fold, widen the interval of the accuracy. Images of one of the `groups` (N,) are not independent: with them the
    group is the unit of every interval. `offsets` (K,) are what scaled logits want for the shares of the classes in the data, where these
    were balanced in training: answers go by the logits as they are, confidences by the probability of what was answered.
    Raises: NoImages; NonFinite naming the images with NaN or infinite logits; BadValue if shapes or labels do not fit.
    """
    scores, truth = np.asarray(logits, np.float64), np.asarray(labels, np.int64)
    _check(scores, truth, classes, temperature)
    check_finite(scores, names)
    answers = scores.argmax(axis=1)
    table = confusion(truth, answers, len(classes))
    units, correct = grouped_intervals.numbered(groups), answers == truth
    rows = tuple(_row(label, truth == i, answers == i, units) for i, label in enumerate(classes))
    chances = [temperature_scaling.probabilities(scores, t, offsets) for t in (1.0, temperature)]
    before, after = (found[np.arange(len(answers)), answers] for found in chances)
    return Evaluation(
        count=len(truth),
        source=source,
        accuracy=grouped_intervals.share(correct, np.ones(len(truth), bool), units, networks),
        balanced_accuracy=grouped_intervals.mean_share(correct, [truth == i for i in range(len(classes))], units),
        classes=rows,
        confusion=tuple(tuple(int(n) for n in row) for row in table),
        ece_before=temperature_scaling.calibration_error(before, correct, units),
        ece_after=temperature_scaling.calibration_error(after, correct, units),
        reliability_before=temperature_scaling.reliability(before, correct),
        reliability_after=temperature_scaling.reliability(after, correct),
    )


def compare(ours: ArrayLike, baseline: ArrayLike, name: str, groups: ArrayLike | None = None) -> BaselineComparison:
    """Which images each got right, two arrays of booleans (N,) over the same images -> the gain in accuracy, paired.

    Raises: BadValue if the lengths differ or there are no images.
    """
    mine, theirs, units = np.asarray(ours, bool), np.asarray(baseline, bool), grouped_intervals.numbered(groups)
    gain = grouped_intervals.paired_gain(mine, theirs, units)
    reached = grouped_intervals.share(theirs, np.ones(len(theirs), bool), units)
    return BaselineComparison(name, reached, gain, better=gain.low > 0)


def confusion(labels: NDArray[np.int64], answers: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Counts (classes, classes): rows are the truth, columns the answer."""
    return np.bincount(labels * classes + answers, minlength=classes * classes).reshape(classes, classes)


def _row(label: str, truth: NDArray[np.bool_], called: NDArray[np.bool_], groups: NDArray[np.int64] | None) -> ClassScore:
    """`truth` (N,): which images are of the class; `called` (N,): which are answered as it."""
    return ClassScore(
        label=label,
        support=int(truth.sum()),
        precision=grouped_intervals.share(truth, called, groups),
        recall=grouped_intervals.share(called, truth, groups),
        f1=grouped_intervals.f1(truth, called, groups),
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
