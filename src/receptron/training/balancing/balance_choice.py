"""`--balance auto`: whether weighing the classes raises balanced accuracy, asked of linear heads on the folds."""

import numpy as np
from numpy.typing import NDArray

from receptron.evaluation.grouped_intervals import Groups, mean_share, numbered
from receptron.training.balancing.balanced_gain import balanced_gain
from receptron.training.balancing.class_balance import METHODS, ClassBalance, class_balance
from receptron.training.balancing.records import BalanceRecord, TriedBalance
from receptron.training.context import TrainingContext
from receptron.training.features.extraction import Features
from receptron.training.ladder.linear_probe import best_strength

IMBALANCED = 1.5  # times as many images of the largest class as of the smallest, from which on classes are worth balancing
LEVEL = 0.05 / (len(METHODS) - 1)  # three ways are held against none: Bonferroni


def asked_balance(context: TrainingContext) -> tuple[ClassBalance, BalanceRecord | None]:
    """What was asked for, where that needs no trial; from scratch and for classes of like size auto weighs nothing."""
    asked = context.recipe.balance
    if asked is None:
        return ClassBalance(), None
    method, why = asked, "asked for"
    if asked == "auto":
        method, why = "none", "from scratch there are no fixed features to try it on: name sampler, weights or focal to train with one"
    return _settled(context, method, why)


def choose_balance(features: Features, context: TrainingContext) -> tuple[ClassBalance, BalanceRecord | None]:
    """What was asked for, or the way of the highest balanced accuracy out of fold, if it is surely better than weighing nothing."""
    if context.recipe.balance != "auto":
        return asked_balance(context)
    counts = np.bincount(context.images.targets.numpy(), minlength=len(context.classes))
    if counts.max() < IMBALANCED * counts.min():
        return _settled(
            context, "none", f"the largest class has {counts.max() / counts.min():.2f} times the images of the smallest, under {IMBALANCED}"
        )
    said = {method: _out_of_fold(method, features, context) for method in METHODS}
    truth, units = context.images.targets.numpy(), numbered(context.images.groups)
    tried = [_tried(method, right, said["none"], truth, units) for method, right in said.items()]
    best = max(tried, key=lambda one: one.balanced_accuracy.value)
    sure = best.gain is not None and best.gain.low > 0
    method = best.method if sure else "none"
    if sure and best.gain:
        why = f"it raises balanced accuracy by {100 * best.gain.value:.1f} points out of fold, surely more than chance"
    else:
        why = "no way to weigh classes is surely better in balanced accuracy than none"
    return _settled(context, method, why, tuple(_marked(one, method) for one in tried))


def _out_of_fold(method: str, features: Features, context: TrainingContext) -> NDArray[np.bool_]:
    """Which training images a linear head that weighs classes by `method` gets right, from centre views."""
    targets, told = context.images.targets, context.environment.progress
    balance = class_balance(method, targets, len(context.classes))
    told.start(f"linear head, balance {method}", 1, "ways")
    _, logits = best_strength(features.pooled[:, :1], targets, len(context.classes), context.folds, balance)
    told.advance()
    told.done()
    return logits.argmax(1) == targets.numpy()


def _tried(method: str, right: NDArray[np.bool_], plain: NDArray[np.bool_], truth: NDArray[np.int64], units: Groups | None) -> TriedBalance:
    reached = mean_share(right, [truth == number for number in np.unique(truth)], units)
    gain = None if method == "none" else balanced_gain(right, plain, truth, units, LEVEL)
    return TriedBalance(method, reached, gain, chosen=False)


def _marked(one: TriedBalance, method: str) -> TriedBalance:
    return TriedBalance(one.method, one.balanced_accuracy, one.gain, one.method == method)


def _settled(context: TrainingContext, method: str, why: str, tried: tuple[TriedBalance, ...] = ()) -> tuple[ClassBalance, BalanceRecord]:
    balance = class_balance(method, context.images.targets, len(context.classes))
    weights = dict(zip(context.classes, balance.weights, strict=False))
    return balance, BalanceRecord(context.recipe.balance or "none", method, why, weights, tried)
