"""The ladder: from the majority class to a network fine-tuned throughout, climbing only while the gain is sure and time is left."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from receptron.blocks.classifier import Classifier
from receptron.evaluation import baselines
from receptron.evaluation.grouped_intervals import numbered, paired_gain, share
from receptron.training.balancing.balance_choice import choose_balance
from receptron.training.balancing.records import BalanceRecord
from receptron.training.batches.sources import Source, ViewSource
from receptron.training.checkpointing.time_budget import rounded_up
from receptron.training.context import TrainingContext, canvas_source
from receptron.training.features.extraction import TIME_SHARE, Features, compute, pool
from receptron.training.features.frozen_backbone import Tail
from receptron.training.hardware.autotune import fastest_for_training
from receptron.training.hardware.device import Engine
from receptron.training.inference import answers, answers_on_canvases, embeddings
from receptron.training.ladder.baseline_rungs import baseline_rungs
from receptron.training.ladder.cross_validation import CrossValidated, TrainableRung, cross_validate, finish
from receptron.training.ladder.hidden_rung import Head, climb_to_hidden
from receptron.training.ladder.linear_probe import Chosen, choose_head
from receptron.training.ladder.outcome import Embeddings, LadderOutcome
from receptron.training.loop.hyperparameters import Hyperparameters
from receptron.training.records import EpochRecord, RungRecord, Trial

BATCH = 32
VISITS = 12_000  # image visits that fine-tuning needs at least, so few images are visited for more epochs
LAST_STAGE_RATE, EVERYTHING_RATE = 0.03, 0.01
LAYER_DECAY = 0.7  # each stage towards the image learns at this share of the next one's rate


@dataclass
class _Notes:
    """What is written down on the way up."""

    rungs: list[RungRecord]
    points: list[EpochRecord]
    trials: list[Trial]


@dataclass(frozen=True)
class Ladder:
    """The ladder's outcome, and what its lower rungs say of other images."""

    outcome: LadderOutcome
    rungs: tuple[RungRecord, ...]
    trials: tuple[Trial, ...]
    features: Features
    head_logits: NDArray[np.float64]  # (N, classes) of the linear head, out of fold
    head_strength: float
    context: TrainingContext  # as it came, with how classes are weighed
    balance: BalanceRecord | None


def run_ladder(net: Classifier, context: TrainingContext) -> Ladder:
    """Adapt a pretrained network, whose head already has `context.classes`, to the images of the training side."""
    notes = _Notes([], [], [])
    truth = context.images.targets.numpy()
    features = compute(net, context, notes.trials)
    below = _rung_0(features, context, notes)
    weighed, balance = choose_balance(features, context)
    context = replace(context, balance=weighed)
    chosen = _rung_1(features, context, below, notes)
    chosen.head.put_into(net)
    outcome = LadderOutcome(net, "linear head", "", np.arange(len(truth)), chosen.logits, (), features.engine, _frozen(features, context))
    heads, climbing = chosen.folds, features
    if context.recipe.hidden:
        hidden = climb_to_hidden(net, outcome, features, context)
        notes.rungs.append(hidden.rung)
        notes.points.extend(hidden.points)
        net, outcome, heads, climbing = hidden.net, hidden.outcome, hidden.heads or heads, hidden.features
    if features.maps.shape[1] > 1:
        outcome = _climb(net, outcome, climbing, heads, context, notes)
    else:
        notes.rungs.append(RungRecord("last stage", None, None, 0.0, False, _no_views(features, context), short_of_time=True))
    done = replace(outcome, stopped=_why_stopped(notes.rungs, context.environment.signals.stop), points=tuple(notes.points))
    return Ladder(
        done, tuple(notes.rungs), tuple(notes.trials), features, chosen.logits, chosen.head.strength, context, balance
    )  # fmt: skip


def _climb(
    net: Classifier, start: LadderOutcome, features: Features, heads: Sequence[Head], context: TrainingContext, notes: _Notes
) -> LadderOutcome:
    """From the linear head to the last stage, and from there to everything, while each is surely better; the network changes in place."""
    truth = context.images.targets.numpy()
    right = start.logits.argmax(1) == truth
    step = _last_stage(features, context, heads, notes)
    validated = _try(step, context, right, len(context.folds), notes)
    if not validated.taken:
        return start
    module = _finish(step, context, validated, notes)
    net.load_state_dict(_from_tail(net, module, features.divided.boundary))
    tails = validated.modules
    seen = Embeddings(_through(module, features), tuple([_through(tail, features) for tail in tails]))
    outcome = LadderOutcome(net, step.name, "", validated.rows, validated.logits, (), step.engine, seen)
    if context.environment.signals.stop:
        return outcome
    right[validated.rows] = validated.logits.argmax(1) == truth[validated.rows]
    step = _everything(net, features, context, validated, notes)
    above = _try(step, context, right, len(validated.modules), notes)
    if not above.taken:
        return outcome
    net.load_state_dict(_finish(step, context, above, notes).state_dict())
    nets = tuple([module for module in above.modules if isinstance(module, Classifier)])
    seen = Embeddings(embeddings(net, context, step.engine.device), tuple([embeddings(one, context, step.engine.device) for one in nets]))
    return LadderOutcome(net, step.name, "", above.rows, above.logits, (), step.engine, seen)


def _frozen(features: Features, context: TrainingContext) -> Embeddings:
    """Nothing before the class layer learns, so that one network never saw any fold."""
    seen = features.pooled[:, 0].numpy()
    return Embeddings(seen, (seen,) * len(context.folds))


def _through(tail: nn.Module, features: Features) -> NDArray[np.float32]:
    """What the class layer of a tail sees of every training image (N, D)."""
    if not isinstance(tail, Tail):
        raise TypeError(f"{type(tail).__name__} is no tail of a network")
    return pool(tail, features.maps[:, :1], Engine(features.engine.device))[:, 0].numpy()


def _no_views(features: Features, context: TrainingContext) -> str:
    least = context.environment.time_budget.spent + 2 * len(context.images) / features.speed
    return f"there was no time to look at the images in more than one way: give it --time {rounded_up(least / TIME_SHARE)} or more"


def last_layer(net: nn.Module) -> nn.Linear:
    """The layer that names the classes."""
    return net.get_submodule("head.fc")  # type: ignore[return-value]


def _rung_0(features: Features, context: TrainingContext, notes: _Notes) -> NDArray[np.bool_]:
    """Majority and nearest neighbour; returns which images the nearest neighbour gets right."""
    began, truth = context.environment.time_budget.spent, context.images.targets
    common = (truth == baselines.majority(truth, len(context.classes))).numpy()
    near = baselines.nearest_out_of_fold(features.pooled[:, 0], truth, context.folds) == truth.numpy()
    notes.rungs.extend(baseline_rungs(common, near, context.images.groups, context.environment.time_budget.spent - began))
    return near


def _rung_1(features: Features, context: TrainingContext, below: NDArray[np.bool_], notes: _Notes) -> Chosen:
    began, truth = context.environment.time_budget.spent, context.images.targets
    chosen = choose_head(features.pooled, truth, len(context.classes), context.folds, context.environment.progress, context.balance)
    right = chosen.logits.argmax(1) == truth.numpy()
    units = numbered(context.images.groups)
    gain = paired_gain(right, below, units)
    sure = "" if gain.low > 0 else "; it is not surely better than the nearest neighbour, but it is the first rung that is a network"
    why = f"regularisation {chosen.head.strength:g} chosen by {len(context.folds)}-fold cross-validation{sure}"
    seconds = context.environment.time_budget.spent - began
    accuracy = share(right, np.ones(len(right), bool), units, len(context.folds))
    notes.rungs.append(RungRecord("linear head", accuracy, gain, seconds, True, why))
    return chosen


def _try(step: TrainableRung, context: TrainingContext, below: NDArray[np.bool_], looks: int, notes: _Notes) -> CrossValidated:
    validated = cross_validate(step, context, below, looks)
    notes.rungs.append(validated.rung)
    notes.points.extend(validated.points)
    return validated


def _finish(step: TrainableRung, context: TrainingContext, validated: CrossValidated, notes: _Notes) -> nn.Module:
    """Go on with all training images; after a Ctrl-C the module of the first fold, which was judged as it is, stands in."""
    first = validated.modules[0]
    if context.environment.signals.stop:
        return first
    module, fitted = finish(step, context, first)
    notes.points.extend(fitted.points)
    return first if context.environment.signals.stop or fitted.out_of_time else module


def _last_stage(features: Features, context: TrainingContext, heads: Sequence[Head], notes: _Notes) -> TrainableRung:
    """Rung 2: the tail, from cached activations, starting with the head of rung 1."""
    plan = _plan(context, LAST_STAGE_RATE)
    engine, speed = fastest_for_training(features.divided.tail, features.maps[:BATCH, 0], "last stage", context, notes.trials)
    augmented = features.maps[:, 1:]

    def start(fold: int) -> nn.Module:
        tail = copy.deepcopy(features.divided.tail)
        heads[fold].put_into(tail)
        return tail

    def source(rows: NDArray[np.int64]) -> Source:
        part = context.images.part(rows)
        return ViewSource(augmented[torch.from_numpy(rows)], part.names, part.targets)

    def judge(module: nn.Module, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        return answers(module, features.maps[torch.from_numpy(rows), 0], engine)

    return TrainableRung("last stage", plan, engine, speed, start, source, judge)


def _everything(net: Classifier, features: Features, context: TrainingContext, below: CrossValidated, notes: _Notes) -> TrainableRung:
    """Rung 3: the whole network on pixels, starting from rung 2."""
    plan = _plan(context, EVERYTHING_RATE, layer_decay=LAYER_DECAY)
    sample = torch.zeros(BATCH // 2, context.channels, context.spec.pixels, context.spec.pixels)
    engine, speed = fastest_for_training(net, sample, "everything", context, notes.trials)

    def start(fold: int) -> nn.Module:
        twin = copy.deepcopy(net)
        twin.load_state_dict(_from_tail(net, below.modules[fold], features.divided.boundary))
        return twin

    def source(rows: NDArray[np.int64]) -> Source:
        part = context.images.part(rows)
        return canvas_source(context, part)

    def judge(module: nn.Module, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        return answers_on_canvases(module, context, context.images.part(rows), engine)

    return TrainableRung("everything", plan, engine, speed, start, source, judge)


def _plan(context: TrainingContext, rate: float, layer_decay: float = 1.0) -> Hyperparameters:
    count = len(context.images)
    epochs = min(40, max(8, round(VISITS / count)))
    plan = Hyperparameters(epochs, min(BATCH, max(2, count // 4)), rate, layer_decay=layer_decay, seed=context.seed)
    return context.recipe.applied(plan)


def _from_tail(net: Classifier, tail: nn.Module, boundary: int) -> dict[str, Tensor]:
    """The network's state with the tail's weights in their places."""
    twin = copy.deepcopy(net)
    Tail(twin, boundary).load_state_dict(tail.state_dict())
    return twin.state_dict()


def _why_stopped(rungs: list[RungRecord], interrupted: bool) -> str:
    top = rungs[-1]
    if interrupted:
        return "it was interrupted"
    if top.taken:
        return f"{top.name} is the top of the ladder"
    return f"{top.name} was left: {top.why}"
