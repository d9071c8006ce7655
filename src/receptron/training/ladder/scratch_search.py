"""Which rate and weight decay to train from scratch with: a table of points, halved in rounds, each judged by images set aside for that.

The default is left only for a point that is better by more than one standard error, and with many images it is not looked for another:
measured, a search gained nothing that could be told from chance, for 1.3 to 3.4 times the time (benchmarks/scratch_search.py).

Source: Jamieson & Talwalkar 2016, arXiv:1502.07943 (successive halving); Brigato & Iocchi 2021, arXiv:2109.00885: on few images tuned
cross-entropy beats nearly all methods made for few images, and untuned it is no fair rival; Breiman et al. 1984, Classification and
Regression Trees, section 3.4.3 (the rule of one standard error).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from receptron.blocks.classifier import Classifier
from receptron.data.stateless_random import keyed
from receptron.errors import NonFinite
from receptron.evaluation import temperature_scaling
from receptron.evaluation.grouped_intervals import Groups
from receptron.training.balancing.learning import objective_of, visits_of
from receptron.training.checkpointing.time_budget import rounded_up
from receptron.training.context import TrainingContext, canvas_source
from receptron.training.hardware.device import Engine
from receptron.training.inference import answers_on_canvases
from receptron.training.loop.hyperparameters import Hyperparameters
from receptron.training.loop.loop import Phase, fit
from receptron.training.loop.recipe import FIND
from receptron.training.records import PhaseName, ScratchSearch, TriedPoint

RATES, DECAYS = (0.1, 0.3, 0.03, 0.01), (5e-4, 5e-3, 2e-2)  # of SGD for batches of 64; the first of each is the default
SHORTER = 3  # each round trains so many times longer than the one before, the last a third of the training itself
ROUNDS, FINALISTS = 2, 4
LEAST_EPOCHS = 2 * SHORTER**ROUNDS  # of the training itself: with fewer the first round would see each image once
HELD_OUT = 3  # of so many folds that are not judged, one is set aside for choosing
FEW = 1_000  # training images up to which it acts by itself; Brigato & Iocchi tuned on sets of up to about so many
SHARE = 0.7  # of the time that is left may go into training, the search included
CLOCK = "time for the search of a rate"


@dataclass(frozen=True)
class Search:
    """What a search stands on: how a network is made, the plan that it is to better, the machine."""

    make: Callable[[], Classifier]
    context: TrainingContext
    plan: Hyperparameters  # of the training itself, at the default point
    engine: Engine
    speed: float  # training images per second
    networks: int = 1  # that are judged, each of which has a search of its own
    itself: float = 0.0  # seconds of the training itself

    def points(self) -> list[tuple[float, float]]:
        """(rate, decay) to try, the default first; what the user set is not varied."""
        recipe = self.context.recipe
        rates = RATES if recipe.rate is None else (self.plan.rate,)
        decays = DECAYS if recipe.decay is None else (recipe.decay,)
        return [(rate, decay) for rate in rates for decay in decays]

    @property
    def seconds(self) -> float:
        """How long the searches of all networks take together."""
        images = sum(len(_sides(self.context, judged)[0]) + self.context.extra for judged in range(self.networks))
        return images * sum(count * epochs for count, epochs in self.rounds()) / self.speed

    def rounds(self) -> list[tuple[int, int]]:
        """(points, epochs) of each round."""
        counts = [len(self.points()), min(FINALISTS, len(self.points()))]
        return [(count, self.plan.epochs // SHORTER ** (ROUNDS - i)) for i, count in enumerate(counts)]


@dataclass(frozen=True)
class Result:
    """A point that was tried, and its log-loss on each image set aside (N,); None where it diverged."""

    point: TriedPoint
    losses: NDArray[np.float64] | None = None


def foreseen(search: Search) -> tuple[float, str]:
    """Seconds that the search will take before all the networks, and why there will be none, if there will not."""
    why = _why_not(search, len(_sides(search.context, 0)[1]))
    return (0.0 if why else search.seconds), why


def searched(search: Search, judged: int) -> ScratchSearch:
    """The best point for the network that fold `judged` judges, which the search never sees.

    What was found is remembered, so that a resumed run and one that is `--like` it go on from the same point.
    """
    decisions = search.context.environment.decisions
    known = decisions.recall(_key(judged), ScratchSearch)
    if known is not None and decisions.is_given(_key(judged)) and not known.tried and decisions.recall(CLOCK, str):
        return replace(known, unknown="there was no time for it in the run that this one is like; leave --like out to try it")
    if known is not None:
        return known
    learning, asked = _sides(search.context, judged)
    if why := _why_not(search, len(asked)):
        return decisions.note(_key(judged), _default(search, len(asked), why))
    if judged == 0:
        told = f"A search of rate and decay takes about {search.seconds:.0f} s more: --rate with --decay spares it."
        search.context.environment.progress.tell(told)
    found = _halved(search, judged, learning, asked)
    if search.context.environment.signals.stop:
        return _default(search, len(asked), "it was interrupted")  # and not remembered: a later sitting searches on
    return decisions.note(_key(judged), found)


def _halved(search: Search, judged: int, learning: NDArray[np.int64], asked: NDArray[np.int64]) -> ScratchSearch:
    points, tried, results = search.points(), list[TriedPoint](), list[Result]()
    default = points[0]
    for number, (count, epochs) in enumerate(search.rounds()):
        points = points[:count]
        if default not in points:
            points[-1] = default  # the default is always a finalist, so that what is chosen beat it
        results = []
        for rate, decay in points:
            name = PhaseName(f"search {number + 1}, rate {rate:g}, decay {decay:g}", judged)
            plan = replace(search.plan, epochs=epochs, rate=rate, decay=decay)
            result = _tried(search, name, plan, learning, asked)
            if search.context.environment.signals.stop:
                return _default(search, len(asked), "it was interrupted")
            if result is None:
                return _default(search, len(asked), "the time was up in it", (*tried, *(one.point for one in results)))
            results.append(result)
        tried += [one.point for one in results]
        points = [(one.point.rate, one.point.decay) for one in sorted(results, key=_worth)]
    best, usual = min(results, key=_worth), next(one for one in results if (one.point.rate, one.point.decay) == default)
    gain, error = _gain(best, usual, search.context.groups_of(asked))
    sure = usual.losses is None or (gain is not None and error is not None and gain > error)
    rate, decay = (best.point.rate, best.point.decay) if best.losses is not None and sure else default
    return ScratchSearch(rate, decay, default, len(learning), len(asked), tuple(tried), "", gain, error)


def _gain(best: Result, usual: Result, groups: Groups | None) -> tuple[float | None, float | None]:
    """By how much the log-loss of `best` is less, paired image by image, and the standard error of that; None: not to be told.

    Images of one group are not independent, so that their residuals are summed before they are squared.
    """
    if best.losses is None or usual.losses is None or best is usual:
        return None, None
    differences = usual.losses - best.losses
    count = len(differences)
    sums = np.bincount(np.arange(count) if groups is None else groups, weights=differences - differences.mean())
    if len(sums) < 2:
        return float(differences.mean()), None
    return float(differences.mean()), float(np.sqrt(len(sums) / (len(sums) - 1) * (sums**2).sum()) / count)


def _tried(search: Search, name: PhaseName, plan: Hyperparameters, learning: NDArray[np.int64], asked: NDArray[np.int64]) -> Result | None:
    """How one point does on the images set aside; None if the time was up."""
    context = search.context
    torch.manual_seed(int(keyed(context.seed, "initial weights", name.fold or 0).integers(2**63)))
    net, held_out = search.make(), context.images.part(asked)
    source = canvas_source(context, context.learnt_from(learning))
    phase = Phase(name, net, source, plan, objective_of(context, plan), visits=visits_of(context, learning, plan))
    try:
        fitted = fit(phase, search.engine, context.environment.hooks(name))
    except NonFinite:
        return Result(TriedPoint(plan.rate, plan.decay, plan.epochs, None, None))
    if fitted.out_of_time:
        return None
    logits, truth = answers_on_canvases(net, context, held_out, search.engine), held_out.targets.numpy()
    if not np.isfinite(logits).all():
        return Result(TriedPoint(plan.rate, plan.decay, plan.epochs, None, None))
    offsets = context.balance.offsets
    chances = temperature_scaling.probabilities(logits, temperature_scaling.temperature(logits, truth, offsets), offsets)
    losses = -np.log(np.maximum(chances[np.arange(len(truth)), truth], 1e-12))
    right = float((logits.argmax(1) == truth).mean())
    return Result(TriedPoint(plan.rate, plan.decay, plan.epochs, float(losses.mean()), right), losses)


def _worth(result: Result) -> float:
    """Log-loss, less is better; accuracy of a few dozen images would hardly tell points apart."""
    return float("inf") if result.point.loss is None else result.point.loss


def _sides(context: TrainingContext, judged: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows to learn from and rows to choose by: whole folds, none of them `judged`."""
    others = context.folds[judged + 1 :] + context.folds[:judged]
    aside = max(1, len(others) // HELD_OUT) if len(others) > 1 else 0
    none = np.zeros(0, np.int64)
    return np.sort(np.concatenate([none, *others[aside:]])), np.sort(np.concatenate([none, *others[:aside]]))


def _why_not(search: Search, asked: int) -> str:
    """Why the default is taken without a search, or nothing; what hangs on the clock is decided once, for all folds."""
    recipe, environment = search.context.recipe, search.context.environment
    if len(search.points()) == 1:
        return "both were set"
    if recipe.rate == FIND:
        return "the rate is found by a range test"
    if recipe.optimiser not in (None, "sgd"):
        return f"the table of rates is for sgd, not for {recipe.optimiser}"
    if len(search.context.images) > FEW:
        return f"it acts by itself up to {FEW:,} training images, and here are {len(search.context.images):,}"
    if not asked:
        return "two folds leave no images to choose by"
    if search.plan.epochs < LEAST_EPOCHS:
        return f"{search.plan.epochs} epochs are too few to halve: {LEAST_EPOCHS} or more are needed"
    known = environment.decisions.recall(CLOCK, str)
    if known is not None:
        return known
    needed = search.seconds
    left, spent = environment.time_budget.left, environment.time_budget.spent
    wanted = rounded_up(spent + (needed + search.itself) / SHARE)
    short = needed + search.itself > SHARE * left
    return environment.decisions.note(CLOCK, f"it would take about {needed:.0f} s more: give it --time {wanted}" if short else "")


def _default(search: Search, asked: int, why: str, tried: tuple[TriedPoint, ...] = ()) -> ScratchSearch:
    return ScratchSearch(search.plan.rate, search.plan.decay, (search.plan.rate, search.plan.decay), 0, asked, tried, why)


def _key(judged: int) -> str:
    return f"rate and decay without fold {judged + 1}"
