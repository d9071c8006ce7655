"""Would more data help? The learning curve of the linear head: what was measured, what twice the images would bring, what to photograph."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from receptron.evaluation.confidence_intervals import FOLDED
from receptron.evaluation.grouped_intervals import LEAST
from receptron.evaluation.power_law import ErrorRange, Forecast, forecast
from receptron.evaluation.records import ClassCurve, CurvePoint, LearningCurve, PredictedShare
from receptron.training.context import TrainingContext
from receptron.training.ladder.linear_probe import More
from receptron.training.learning_curve.subset_accuracy import Measured, measure
from receptron.wording import counted

FEWEST, FEWEST_OF_CLASS = 40, 10  # images, and images or groups of a class, below which a curve says nothing


def learning_curve(pooled: Tensor, strength: float, context: TrainingContext, more: More | None = None) -> LearningCurve:
    """From pooled features (N, D) of the training images, as they were pretrained; unknown with the reason where there are too few.

    Every head learns from `more` besides, whatever its part of the images.
    """
    images, classes = context.images, context.classes
    truth = images.targets.numpy()
    units = np.arange(len(images)) if images.groups is None else images.groups
    if why := _too_few(units, truth, images.noun):
        return unknown(why, len(images))
    measured = measure(pooled, images.targets, len(classes), strength, context.folds, units, more)
    everyone = np.ones(len(images), bool)
    found = forecast_of(measured, everyone, units)
    rows = tuple(_class(name, measured, truth == number, units) for number, name in enumerate(classes))
    chosen, why_none = _next(rows)
    return LearningCurve(_points(measured, everyone), _told(found.now), _told(found.doubled), rows, chosen, why_none, len(images))


def unknown(why: str, images: int) -> LearningCurve:
    """A curve that cannot be had."""
    return LearningCurve((), None, None, (), images=images, unknown=why)


def _too_few(units: NDArray[np.int64], truth: NDArray[np.int64], noun: str) -> str:
    count, distinct = len(units), len(np.unique(units))
    if len(np.unique(truth)) < 2:
        return "there is one class only"
    if count < FEWEST:
        return f"{counted(count, 'training image')} are too few to learn from a part of them; {FEWEST} would do"
    if distinct < 2 * LEAST:
        return f"{counted(distinct, noun or 'group')} are too few to learn from a part of them; {2 * LEAST} would do"
    return ""


def _class(name: str, measured: Sequence[Measured], members: NDArray[np.bool_], units: NDArray[np.int64]) -> ClassCurve:
    count, points = int(members.sum()), _points(measured, members)
    if len(np.unique(units[members])) < FEWEST_OF_CLASS:
        return ClassCurve(name, count, points, None, None)
    found = forecast_of(measured, members, units)
    return ClassCurve(name, count, points, _told(found.now), _told(found.doubled))


def _points(measured: Sequence[Measured], members: NDArray[np.bool_]) -> tuple[CurvePoint, ...]:
    return tuple(CurvePoint(one.share, float(one.right[members].mean())) for one in measured)


def forecast_of(measured: Sequence[Measured], members: NDArray[np.bool_], units: NDArray[np.int64]) -> Forecast:
    """Of the errors on `members`; what they share varies over units, and never less than for as many independent images."""
    wrong = np.stack([1 - one.right[members] for one in measured], axis=1)  # (images, sizes)
    count = len(wrong)
    errors = (wrong.sum(0) + 0.5) / (count + 1)
    found, places = np.unique(units[members], return_inverse=True)
    parts = np.zeros((len(found), len(measured)))  # what each unit adds to the logarithm of each error
    np.add.at(parts, places, (wrong - wrong.mean(0)) / count / errors)
    scale = FOLDED * len(found) / (len(found) - 1)
    own = scale * ((parts - parts.mean(1, keepdims=True)) ** 2).sum(0)
    common = max(scale * float((parts[:, -1] ** 2).sum()), FOLDED * float((1 - errors[-1]) / errors[-1]) / count)
    return forecast(np.array([one.share for one in measured]), errors, common, own)


def _told(error: ErrorRange) -> PredictedShare:
    """As a share of right answers."""
    return PredictedShare(1 - error.middle, 1 - error.high, 1 - error.low)


def _next(rows: Sequence[ClassCurve]) -> tuple[str, str]:
    """The class whose share of right answers twice its images would raise most; or why none can be named."""
    gains = {row.label: row.doubled.value - row.now.value for row in rows if row.now and row.doubled}
    if not gains:
        return "", f"no class has {FEWEST_OF_CLASS} training images that are independent"
    return max(gains, key=lambda label: gains[label]), ""
