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
from receptron.evaluation.temperature_scaling import mean_logits
from receptron.training.balancing.learning import objective_of, visits_of
from receptron.training.context import Images, TrainingContext, canvas_source, learning_rows
from receptron.training.found_rate import with_rate
from receptron.training.hardware.autotune import fastest_for_training
from receptron.training.hardware.device import Engine
from receptron.training.inference import answers, answers_on_canvases, embeddings
from receptron.training.inner_split import inner_split, stopping_in_words, stops_early
from receptron.training.ladder.baseline_rungs import baseline_rungs
from receptron.training.ladder.outcome import Embeddings, LadderOutcome
from receptron.training.ladder.scratch_search import DECAYS, RATES, SHARE, Search, searched
from receptron.training.ladder.synthetic_effect import effect_of, without_synthetic
from receptron.training.layers.rung_learning import rung_learning
from receptron.training.loop.hyperparameters import Hyperparameters
from receptron.training.loop.loop import Fitted, Phase, fit
from receptron.training.records import EpochRecord, PhaseName, RungRecord, ScratchSearch, SyntheticEffect, Trial
from receptron.wording import counted

NAME = "from scratch"
ALONE = "from scratch, real images alone"  # beside one that learns from synthetic images too
BATCH = 64
EPOCHS = (6, 80)  # at least and at most
VISITS = 40_000  # image visits wanted in all


@dataclass(frozen=True)
class Scratch:
    """The outcome of training from scratch."""

    outcome: LadderOutcome
    rungs: tuple[RungRecord, ...]
    trials: tuple[Trial, ...]
    context: TrainingContext  # without synthetic images, if they surely hurt
    synthetic: SyntheticEffect | None = None
    searches: tuple[ScratchSearch, ...] = ()  # one for each network that is judged


def train_from_scratch(make: Callable[[], Classifier], context: TrainingContext) -> Scratch:
    """Train a fresh network without the first fold, whose images tell which epoch was best and how sure its answers are.

    With `context.full_folds` every fold is held out once, so that each image gets an honest answer.
    """
    intended = intend(make, context)
    trials, trained, plan, engine = intended.trials, intended.networks, intended.plan, intended.engine
    near, rungs = rung_0(context)
    began, points = context.environment.time_budget.spent, list[EpochRecord]()
    nets, stalled = list[Classifier](), False
    searches, effect = list[ScratchSearch](), None
    for number in range(trained):
        found = searched(intended.search(make, context), number)
        searches.append(found)
        context.environment.progress.tell(f"Network {number + 1}: {found.words}." if trained > 1 else f"From scratch: {found.words}.")
        plan = replace(plan, rate=found.rate, decay=found.decay)
        if context.synthetic and not nets:
            net, effect, fitted = _weighed(make, context, plan, engine)
            context = context if effect.used else without_synthetic(context)
        else:
            net, fitted = _without(make, context, plan, engine, number)
        nets.append(net)
        points.extend(fitted.points)
        stalled = stalled or fitted.stalled
        if context.environment.signals.stop:
            break
    others = nets[1:] if context.ensembling.kind == "folds" else []
    for draw in range(1, context.ensembling.count):
        if context.environment.signals.stop:
            break
        net, fitted = _of_seed(make, context, plan, engine, draw)
        others.append(net)
        points.extend(fitted.points)
    rows = np.concatenate(context.folds[: len(nets)])
    logits = np.concatenate(
        [answers_on_canvases(net, context, context.images.part(fold), engine) for net, fold in zip(nets, context.folds, strict=False)]
    )
    if context.ensembling.count:
        held_out = context.images.part(rows)
        views = [logits, *(answers_on_canvases(net, context, held_out, engine) for net in others)]
        logits = mean_logits(np.stack(views), 1.0)
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
    why += f"; {searches[0].words}"
    learning = rung_learning(NAME, nets[0], plan, context)
    rung = RungRecord(NAME, accuracy, gain, context.environment.time_budget.spent - began, True, why, learning=learning)
    stopped = "without pretrained weights there is one rung"
    seen = tuple(embeddings(net, context, engine.device) for net in nets)
    outcome = LadderOutcome(nets[0], NAME, stopped, rows, logits, tuple(points), engine, Embeddings(seen[0], seen), tuple(others))
    return Scratch(outcome, (*rungs, rung), tuple(trials), context, effect, tuple(searches))


def _weighed(
    make: Callable[[], Classifier], context: TrainingContext, plan: Hyperparameters, engine: Engine
) -> tuple[Classifier, SyntheticEffect, Fitted]:
    """Two networks without the first fold, one with synthetic images and one without them: the one to keep, and why."""
    ours, fitted = _without(make, context, plan, engine, 0)
    alone, other = _without(make, without_synthetic(context), plan, engine, 0, ALONE)
    if context.environment.signals.stop or fitted.out_of_time or other.out_of_time:
        cut = "the training was ended early" if context.environment.signals.stop else "the time was up: give it a longer --time"
        return ours, SyntheticEffect(NAME, None, None, None, True, cut), fitted
    held_out = context.images.part(context.folds[0])
    right = [answers_on_canvases(net, context, held_out, engine).argmax(1) == held_out.targets.numpy() for net in (ours, alone)]
    effect = effect_of(right[0], right[1], context.groups_of(context.folds[0]), NAME, 1)
    return (ours, effect, fitted) if effect.used else (alone, effect, other)


@dataclass(frozen=True)
class Intended:
    """What training from scratch is going to do."""

    engine: Engine
    speed: float  # training images per second
    plan: Hyperparameters
    networks: int  # one for each fold that is held out
    trials: list[Trial]

    def search(self, make: Callable[[], Classifier], context: TrainingContext) -> Search:
        """The search of rate and decay that comes before each of the networks."""
        return Search(make, context, self.plan, self.engine, self.speed, self.networks, self.seconds(context))

    def seconds(self, context: TrainingContext) -> float:
        """How long all of it takes at this speed, without the search."""
        count, first = len(context.images), len(context.images) - len(context.folds[0])
        visits = sum(count + context.extra - len(fold) for fold in context.folds[: self.networks])
        visits += first if context.synthetic else 0  # once more without them, to tell what they bring
        visits += max(0, context.ensembling.count - 1) * (first + context.extra)
        return self.plan.epochs * visits / self.speed


def intend(make: Callable[[], Classifier], context: TrainingContext) -> Intended:
    """Number format by trial, and as many epochs as the images want and the time allows."""
    trials: list[Trial] = []
    sample = torch.zeros(BATCH, context.channels, context.spec.pixels, context.spec.pixels)
    engine, speed = fastest_for_training(make(), sample, NAME, context, trials)
    networks = len(context.folds) if context.full_folds else 1
    trained = networks * max(1, context.ensembling.count) + bool(context.synthetic)
    return Intended(engine, speed, _plan(context, speed, trained), networks, trials)


def pixels_of(context: TrainingContext, images: Images) -> Tensor:
    """What the nearest neighbour compares without a network: float32 (N, D), each picture averaged down to 16x16 and centred."""
    pictures = prepare(context.pictures(images), context.spec, context.channels)
    small = functional.adaptive_avg_pool2d(pictures, min(16, context.spec.pixels)).flatten(1)
    return small - small.mean(1, keepdim=True)


def _without(
    make: Callable[[], Classifier], context: TrainingContext, plan: Hyperparameters, engine: Engine, fold: int, rung: str = NAME
) -> tuple[Classifier, Fitted]:
    """A fresh network trained on all folds but one, with the weights of its best epoch on that one."""
    torch.manual_seed(int(keyed(context.seed, "initial weights", fold).integers(2**63)))
    net, rows, aside = make(), learning_rows(len(context.images), context.folds[fold]), context.folds[fold]
    if context.full_folds:  # where the folds are the only honest figure there is, they must not choose the epoch; another fold may
        rows, aside = inner_split(context, fold)
    source = canvas_source(context, context.learnt_from(rows))
    judged = None if aside is None else _accuracy_on(context.images.part(aside), context, engine)
    name = PhaseName(rung, fold)
    phase = Phase(name, net, source, plan, objective_of(context, plan), judged, visits_of(context, rows, plan))
    hooks = context.environment.hooks(name)
    if context.environment.signals.stop:  # the search was broken off: what is trained now is no part of the run when it goes on
        hooks = replace(hooks, checkpoints=None)
    return net, fit(replace(phase, plan=with_rate(phase, engine, context)), engine, hooks)


def _of_seed(
    make: Callable[[], Classifier], context: TrainingContext, plan: Hyperparameters, engine: Engine, draw: int
) -> tuple[Classifier, Fitted]:
    """The network of another seed, with everything else as it is; `draw` 1 is the second."""
    seed = int(keyed(context.seed, "seed of an ensemble", draw).integers(2**62))
    return _without(make, replace(context, seed=seed), replace(plan, seed=seed), engine, 0, f"{NAME}, seed {draw + 1}")


def _accuracy_on(images: Images, context: TrainingContext, engine: Engine) -> Callable[[nn.Module], float]:
    asked = prepare(context.pictures(images), context.spec, context.channels)

    def accuracy(current: nn.Module) -> float:
        said = answers(current, asked, engine, batch=256)
        check_finite(said, images.names)
        return float((said.argmax(1) == images.targets.numpy()).mean())

    return accuracy


def _plan(context: TrainingContext, speed: float, trained: int) -> Hyperparameters:
    """As many epochs as the images want and the time allows; decided once, and remembered."""
    count = len(context.images) - len(context.folds[0]) + context.extra
    epochs = context.environment.decisions.recall("epochs", int)
    if epochs is None:
        allowed = SHARE * context.environment.time_budget.left * speed / (count * trained)
        epochs = context.environment.decisions.note("epochs", max(EPOCHS[0], int(min(VISITS / count, EPOCHS[1], allowed))))
    plan = Hyperparameters(epochs, min(BATCH, max(2, count // 4)), RATES[0], decay=DECAYS[0], warmup=0.2, smoothing=0.0, seed=context.seed)
    return context.recipe.on_pixels(plan)


def rung_0(context: TrainingContext) -> tuple[NDArray[np.bool_], list[RungRecord]]:
    """Majority and nearest neighbour on pixels, out of fold; and which images the latter gets right."""
    began, truth = context.environment.time_budget.spent, context.images.targets
    common = (truth == baselines.majority(truth, len(context.classes))).numpy()
    near = baselines.nearest_out_of_fold(pixels_of(context, context.images), truth, context.folds) == truth.numpy()
    return near, baseline_rungs(common, near, context.images.groups, context.environment.time_budget.spent - began)
