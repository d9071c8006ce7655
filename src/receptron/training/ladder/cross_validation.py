"""Whether a rung is worth climbing: trained on folds, one after another, against the rung below on the very same images.

It is left as soon as it could hardly be shown to gain any more: Lan, Simon & Halperin 1982, Commun. Stat. C 1:207, stochastic curtailment.
"""

import copy
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, binomtest
from torch import nn

from receptron.evaluation.finite_checks import check_finite
from receptron.evaluation.grouped_intervals import Groups, flipped_signs, paired_gain, share
from receptron.training.balancing.learning import objective_of, visits_of
from receptron.training.batches.sources import Source
from receptron.training.checkpointing.time_budget import rounded_up
from receptron.training.context import TrainingContext
from receptron.training.found_rate import with_rate
from receptron.training.hardware.device import Engine
from receptron.training.inner_split import inner_split, stopping_in_words
from receptron.training.loop.hyperparameters import Hyperparameters
from receptron.training.loop.loop import Fitted, Phase, fit
from receptron.training.records import EpochRecord, PhaseName, RungRecord
from receptron.wording import counted, plural

# Looking after every fold makes chance findings likelier; each of so many looks must pass this level, so that all together keep 5 %.
# Source: Pocock 1977, Biometrika 64:191, Table 1.
LEVELS = {1: 0.05, 2: 0.0294, 3: 0.0221, 4: 0.0182, 5: 0.0158}
MENDED, HOPE = 0.5, 0.05  # if so large a share of the errors that are left were mended and nothing broken, so likely must a sure gain be
FINISH = 0.5  # of the epochs, for all training images: it goes on from the first fold's network, which has seen most of them


@dataclass(frozen=True)
class TrainableRung:
    """A rung that trains: what it starts from, what it sees, how it is judged."""

    name: str
    plan: Hyperparameters
    engine: Engine
    speed: float  # training images per second on this machine
    start: Callable[[int], nn.Module]  # fold that is held out -> module to train
    source: Callable[[NDArray[np.int64]], Source]  # training rows -> batches
    judge: Callable[[nn.Module, NDArray[np.int64]], NDArray[np.float64]]  # module, rows -> class scores
    asked: bool = False  # it is taken whatever it gains, and the gain is told

    def seconds(self, images: int) -> float:
        """How long training on `images` images will take."""
        return self.plan.epochs * images / self.speed

    def needed(self, context: TrainingContext, folds: Sequence[NDArray[np.int64]]) -> float:
        """How long it takes without each of `folds` in turn, and the final training after that."""
        count = len(context.images)
        learning = sum(1 - len(fold) / count for fold in folds)
        final = _last_epochs(self.plan) / self.plan.epochs
        return self.seconds(round(count * (final + learning) + context.extra * (final + len(folds))))


@dataclass(frozen=True)
class CrossValidated:
    """What cross-validating a rung showed."""

    rung: RungRecord
    modules: tuple[nn.Module, ...]  # module i never saw fold i
    rows: NDArray[np.int64]
    logits: NDArray[np.float64]
    points: tuple[EpochRecord, ...]

    @property
    def taken(self) -> bool:
        """Whether the ladder goes on from here."""
        return self.rung.taken


def cross_validate(step: TrainableRung, context: TrainingContext, below: NDArray[np.bool_], looks: int) -> CrossValidated:
    """Train `step` fold by fold, on at most `looks` folds, until its gain over `below` is sure or the folds or the time run out.

    `below` (N,) tells which training images the rung below gets right, out of fold. Raises: SystemExit(143) after a SIGTERM.
    """
    time_budget, began = context.environment.time_budget, context.environment.time_budget.spent
    truth = context.images.targets.numpy()
    modules: list[nn.Module] = []
    rows, logits, points = np.zeros(0, np.int64), np.zeros((0, len(context.classes))), list[EpochRecord]()
    verdict, short = "", False
    for number in range(looks):
        context.environment.signals.leave_if_told()  # folds that are done have their checkpoints
        held_out = context.folds[number]
        if verdict := _halted(context) or (not step.asked and _hopeless(logits.argmax(1) == truth[rows], below, rows, context, looks)):
            break
        if verdict := _no_time(step, context, number):
            short = True
            break
        module, fitted = train(step, context, number)
        points.extend(fitted.points)
        if fitted.out_of_time:
            again = step.seconds(len(truth) - len(held_out) + context.extra)
            verdict, short = f"the time was up in fold {number + 1}{_longer(context, again)}", True
            break
        modules.append(module)
        said = step.judge(module, held_out)
        check_finite(said, context.images.part(held_out).names)
        rows, logits = np.concatenate([rows, held_out]), np.concatenate([logits, said])
        sure = _sure(logits.argmax(1) == truth[rows], below[rows], context.groups_of(rows), looks)
        if (verdict := _halted(context)) or (sure and not context.full_folds):
            break
    if not len(rows):
        rung = RungRecord(step.name, None, None, time_budget.spent - began, False, verdict, short)
        return CrossValidated(rung, (), rows, logits, tuple(points))
    right = logits.argmax(1) == truth[rows]
    units = context.groups_of(rows)
    gain = paired_gain(right, below[rows], units)
    sure = _sure(right, below[rows], units, looks) and gain.low > 0
    taken = sure or step.asked
    tested = f"{len(modules)} of {len(context.folds)} folds, {len(rows):,} images"
    why = ("asked for: " if step.asked else "") + _in_words(gain.value, sure, tested)
    why += (f"; {verdict}" if verdict and not taken else "") + stopping_in_words(context)
    accuracy = share(right, np.ones(len(right), bool), units, len(modules))
    rung = RungRecord(step.name, accuracy, gain, time_budget.spent - began, taken, why, short and not taken)
    return CrossValidated(rung, tuple(modules), rows, logits, tuple(points))


def obstacle(step: TrainableRung, context: TrainingContext, below: NDArray[np.bool_], looks: int) -> str:
    """Why `cross_validate` would not train even one fold of `step`, or nothing."""
    none = np.zeros(0, np.int64)
    return _hopeless(np.zeros(0, bool), below, none, context, looks) or _no_time(step, context, 0)


def _in_words(gain: float, taken: bool, tested: str) -> str:
    """What a rung gained, as a sentence's beginning."""
    if taken:
        return f"gains {gain:+.1%} on {tested}"
    if gain > 0:
        return f"its gain of {gain:+.1%} on {tested} may be chance"
    return f"it is {abs(gain):.1%} worse on {tested}" if gain < 0 else f"it gains nothing on {tested}"


def train(step: TrainableRung, context: TrainingContext, fold: int) -> tuple[nn.Module, Fitted]:
    """One training of `step` without the images of fold number `fold`."""
    rows, aside = inner_split(context, fold)
    judged = None if aside is None else _accuracy_on(aside, step, context)
    return _train(step, context, step.start(fold), rows, step.plan, fold, judged)


def _accuracy_on(rows: NDArray[np.int64], step: TrainableRung, context: TrainingContext) -> Callable[[nn.Module], float]:
    images = context.images.part(rows)

    def accuracy(module: nn.Module) -> float:
        said = step.judge(module, rows)
        check_finite(said, images.names)
        return float((said.argmax(1) == images.targets.numpy()).mean())

    return accuracy


def finish(step: TrainableRung, context: TrainingContext, first: nn.Module) -> tuple[nn.Module, Fitted]:
    """Train a copy of `first`, the network of one fold, on with all training images."""
    plan = replace(step.plan, epochs=_last_epochs(step.plan), seed=step.plan.seed + 1)  # another order than it has already seen
    plan = replace(plan, gradual=False, low=1.0)  # it has opened, and is at full size already
    return _train(step, context, copy.deepcopy(first), np.arange(len(context.images)), plan, None)


def _train(
    step: TrainableRung,
    context: TrainingContext,
    module: nn.Module,
    rows: NDArray[np.int64],
    plan: Hyperparameters,
    fold: int | None,
    judged: Callable[[nn.Module], float] | None = None,
) -> tuple[nn.Module, Fitted]:
    name = PhaseName(step.name, fold)
    objective, visits = objective_of(context, plan), visits_of(context, rows, plan)
    phase = Phase(name, module, step.source(rows), plan, objective, judged, visits)
    phase = replace(phase, plan=with_rate(phase, step.engine, context))
    return module, fit(phase, step.engine, context.environment.hooks(name))


def _last_epochs(plan: Hyperparameters) -> int:
    return max(1, round(plan.epochs * FINISH))


def _halted(context: TrainingContext) -> str:
    return "it was interrupted" if context.environment.signals.stop else ""


def _no_time(step: TrainableRung, context: TrainingContext, fold: int) -> str:
    """Why there is no time for another fold and the final training, or nothing; decided once, and remembered."""
    decisions = context.environment.decisions
    left = len(context.folds) - fold if context.full_folds else 1
    needed = step.needed(context, [context.folds[fold]] * left)
    key = f"time for {step.name}, fold {fold + 1}"
    known = decisions.recall(key, str)
    if known and decisions.is_given(key):
        return "there was no time for it in the run that this one is like; leave --like out to try it"
    if known is not None:
        return known
    over = needed > context.environment.time_budget.left
    left_over = _span(context.environment.time_budget.left)
    return decisions.note(key, f"it would take about {_span(needed)} and {left_over} are left{_longer(context, needed)}" if over else "")


def _longer(context: TrainingContext, needed: float) -> str:
    """What to ask for, so that there is time for `needed` seconds more."""
    return f": give it --time {rounded_up(context.environment.time_budget.spent + needed)}"


def _hopeless(right: NDArray[np.bool_], below: NDArray[np.bool_], rows: NDArray[np.int64], context: TrainingContext, looks: int) -> str:
    """Why a sure gain can hardly be reached any more, or nothing.

    `right` tells of the images `rows`, those tried so far, which the rung got right; `below` of all which the rung below does.
    """
    won, lost = int((right & ~below[rows]).sum()), int((~right & below[rows]).sum())
    errors = int((~below).sum()) - int((~below[rows]).sum())
    so_far = f"{won} mended and {lost} broken so far, " if len(rows) else ""
    best, groups = np.ones(len(below), bool), context.groups_of(np.arange(len(below)))
    best[rows] = right
    if groups is not None and errors and not _sure(best, below, groups, looks):
        where = plural(context.images.noun) if context.images.noun else "sets of copies"
        return f"{so_far}no gain could be sure, even with all {errors} errors left mended: they lie in too few {where}"
    needed = bisect_left(range(errors + 1), True, key=lambda more: _better(won + more, lost, looks))
    if float(binom.sf(needed - 1, errors, MENDED)) >= HOPE:
        return ""
    if needed > errors:
        return f"{so_far}no gain could be sure, even with all {counted(errors, 'error')} left mended and none broken"
    return f"{so_far}a sure gain would need {needed} of the {errors} errors left mended and none broken"


def _sure(ours: NDArray[np.bool_], theirs: NDArray[np.bool_], groups: Groups | None, looks: int) -> bool:
    """Whether ours is better by the exact test of flipped signs (McNemar's without groups) at the level of one among `looks` looks."""
    return bool(ours.sum() > theirs.sum()) and flipped_signs(ours, theirs, groups) <= LEVELS[looks]


def _better(won: int, lost: int, looks: int) -> bool:
    """The same from counts of independent images."""
    return won > lost and bool(binomtest(won, won + lost).pvalue <= LEVELS[looks])


def _span(seconds: float) -> str:
    return f"{max(0, seconds):.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"
