"""Training from scratch, where there are no pretrained weights or the images are too small for them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from receptron.blocks.classifier import Classifier
from receptron.data.preprocessing.normalize import prepare
from receptron.data.stateless_random import keyed
from receptron.evaluation import baselines
from receptron.evaluation.finite_checks import check_finite
from receptron.evaluation.grouped_intervals import paired_gain, share
from receptron.training.balancing.learning import objective_of, visits_of
from receptron.training.context import Images, TrainingContext, canvas_source, learning_rows
from receptron.training.found_rate import with_rate
from receptron.training.hardware.autotune import fastest_for_training
from receptron.training.hardware.device import Engine
from receptron.training.inference import answers, answers_on_canvases, embeddings
from receptron.training.inner_split import inner_split, stopping_in_words, stops_early
from receptron.training.ladder.baseline_rungs import baseline_rungs
from receptron.training.ladder.outcome import Embeddings, LadderOutcome
from receptron.training.loop.hyperparameters import Hyperparameters
from receptron.training.loop.loop import Fitted, Phase, fit
from receptron.training.records import EpochRecord, PhaseName, RungRecord, Trial
from receptron.wording import counted

NAME = "from scratch"
BATCH = 64
RATE = 0.1  # of SGD, for a batch of 64 under BatchNorm
DECAY = 5e-4
EPOCHS = (6, 80)  # at least and at most
VISITS = 40_000  # image visits wanted in all
SHARE = 0.7  # of the time that is left may go into training


@dataclass(frozen=True)
class Scratch:
    """The outcome of training from scratch."""

    outcome: LadderOutcome
    rungs: tuple[RungRecord, ...]
    trials: tuple[Trial, ...]


def train_from_scratch(make: Callable[[], Classifier], context: TrainingContext) -> Scratch:
    """Train a fresh network without the first fold, whose images tell which epoch was best and how sure its answers are.

    With `context.full_folds` every fold is held out once, so that each image gets an honest answer.
    """
    trials: list[Trial] = []
    sample = torch.zeros(BATCH, context.channels, context.spec.pixels, context.spec.pixels)
    engine, speed = fastest_for_training(make(), sample, NAME, context, trials)
    trained = len(context.folds) if context.full_folds else 1
    plan = _plan(context, speed, trained)
    near, rungs = _rung_0(context)
    began, points = context.environment.time_budget.spent, list[EpochRecord]()
    nets, stalled = list[Classifier](), False
    for number in range(trained):
        net, fitted = _without(make, context, plan, engine, number)
        nets.append(net)
        points.extend(fitted.points)
        stalled = stalled or fitted.stalled
        if context.environment.signals.stop:
            break
    rows = np.concatenate(context.folds[: len(nets)])
    logits = np.concatenate(
        [answers_on_canvases(net, context, context.images.part(fold), engine) for net, fold in zip(nets, context.folds, strict=False)]
    )
    kept = f"the best by the {len(rows):,} images held out was kept, so what it reaches on them says nothing; the test side does"
    accuracy = gain = None
    if context.full_folds:
        right, units = logits.argmax(1) == context.images.targets.numpy()[rows], context.groups_of(rows)
        gain = paired_gain(right, near[rows], units)
        accuracy = share(right, np.ones(len(right), bool), units, len(nets))
        kept = "the last was kept" + stopping_in_words(context)
        if stops_early(context):
            kept = "the best by the images of the next fold was kept, which it did not learn from"
    done = len(nets) and len([point for point in points if point.phase == points[0].phase])
    ended = f"no better accuracy in {counted(plan.patience, 'epoch')}, so it ended" if stalled else "the time was up"
    short = f"; {ended} after {done}" if done < plan.epochs and not context.environment.signals.stop else ""
    why = f"{plan.epochs} epochs{short}; {kept}" + ("; interrupted" if context.environment.signals.stop else "")
    rung = RungRecord(NAME, accuracy, gain, context.environment.time_budget.spent - began, True, why)
    stopped = "without pretrained weights there is one rung"
    seen = tuple(embeddings(net, context, engine.device) for net in nets)
    outcome = LadderOutcome(nets[0], NAME, stopped, rows, logits, tuple(points), engine, Embeddings(seen[0], seen))
    return Scratch(outcome, (*rungs, rung), tuple(trials))


def pixels_of(context: TrainingContext, images: Images) -> Tensor:
    """What the nearest neighbour compares without a network: float32 (N, D), each picture averaged down to 16x16 and centred."""
    pictures = prepare(context.pictures(images), context.spec, context.channels)
    small = functional.adaptive_avg_pool2d(pictures, min(16, context.spec.pixels)).flatten(1)
    return small - small.mean(1, keepdim=True)


def _without(
    make: Callable[[], Classifier], context: TrainingContext, plan: Hyperparameters, engine: Engine, fold: int
) -> tuple[Classifier, Fitted]:
    """A fresh network trained on all folds but one, with the weights of its best epoch on that one."""
    torch.manual_seed(int(keyed(context.seed, "initial weights", fold).integers(2**63)))
    net, rows, aside = make(), learning_rows(len(context.images), context.folds[fold]), context.folds[fold]
    if context.full_folds:  # where the folds are the only honest figure there is, they must not choose the epoch; another fold may
        rows, aside = inner_split(context, fold)
    source = canvas_source(context, context.images.part(rows))
    judged = None if aside is None else _accuracy_on(context.images.part(aside), context, engine)
    name = PhaseName(NAME, fold)
    phase = Phase(name, net, source, plan, objective_of(context, plan), judged, visits_of(context, rows, plan))
    return net, fit(replace(phase, plan=with_rate(phase, engine, context)), engine, context.environment.hooks(name))


def _accuracy_on(images: Images, context: TrainingContext, engine: Engine) -> Callable[[nn.Module], float]:
    asked = prepare(context.pictures(images), context.spec, context.channels)

    def accuracy(current: nn.Module) -> float:
        said = answers(current, asked, engine, batch=256)
        check_finite(said, images.names)
        return float((said.argmax(1) == images.targets.numpy()).mean())

    return accuracy


def _plan(context: TrainingContext, speed: float, trained: int) -> Hyperparameters:
    """As many epochs as the images want and the time allows; decided once, and remembered."""
    count = len(context.images) - len(context.folds[0])
    epochs = context.environment.decisions.recall("epochs", int)
    if epochs is None:
        allowed = SHARE * context.environment.time_budget.left * speed / (count * trained)
        epochs = context.environment.decisions.note("epochs", max(EPOCHS[0], int(min(VISITS / count, EPOCHS[1], allowed))))
    plan = Hyperparameters(epochs, min(BATCH, max(2, count // 4)), RATE, decay=DECAY, warmup=0.2, smoothing=0.0, seed=context.seed)
    return context.recipe.applied(plan)


def _rung_0(context: TrainingContext) -> tuple[NDArray[np.bool_], list[RungRecord]]:
    """Majority and nearest neighbour on pixels, out of fold; and which images the latter gets right."""
    began, truth = context.environment.time_budget.spent, context.images.targets
    common = (truth == baselines.majority(truth, len(context.classes))).numpy()
    near = baselines.nearest_out_of_fold(pixels_of(context, context.images), truth, context.folds) == truth.numpy()
    return near, baseline_rungs(common, near, context.images.groups, context.environment.time_budget.spent - began)
