"""The ladder: from the majority class to a network fine-tuned throughout, climbing only while the gain is sure and time is left."""

import copy
from collections.abc import Callable, Sequence
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
from receptron.training.ladder.linear_probe import Chosen
from receptron.training.ladder.outcome import Embeddings, LadderOutcome
from receptron.training.ladder.synthetic_effect import head_of, without_synthetic
from receptron.training.layers.layer_rates import levels_of
from receptron.training.layers.rung_learning import rung_learning
from receptron.training.loop.hyperparameters import Hyperparameters
from receptron.training.records import EpochRecord, RungRecord, SyntheticEffect, Trial

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
class LowerRungs:
    """The rungs that need nothing but features: both baselines and the linear head."""

    features: Features
    chosen: Chosen
    notes: _Notes
    context: TrainingContext  # without synthetic images, if they surely hurt, and with how classes are weighed
    balance: BalanceRecord | None
    synthetic: SyntheticEffect | None


@dataclass(frozen=True)
class Ladder:
    """The ladder's outcome, and what its lower rungs say of other images."""

    outcome: LadderOutcome
    rungs: tuple[RungRecord, ...]
    trials: tuple[Trial, ...]
    features: Features
    head_logits: NDArray[np.float64]  # (N, classes) of the linear head, out of fold
    head_strength: float
    context: TrainingContext  # as it came, with how classes are weighed; without synthetic images, if they surely hurt
    balance: BalanceRecord | None
    synthetic: SyntheticEffect | None = None


def run_ladder(net: Classifier, context: TrainingContext) -> Ladder:
    """Adapt a pretrained network, whose head already has `context.classes`, to the images of the training side."""
    lower = lower_rungs(net, context)
    features, chosen, notes, context = lower.features, lower.chosen, lower.notes, lower.context
    truth = context.images.targets.numpy()
    chosen.head.put_into(net)
    seen, others = _frozen(features, context), _with_heads(net, chosen.folds) if context.ensembling.kind else ()
    outcome = LadderOutcome(net, "linear head", "", np.arange(len(truth)), chosen.logits, (), features.engine, seen, others)
    heads, climbing = chosen.folds, features
    if context.recipe.hidden:
        hidden = climb_to_hidden(net, outcome, features, context)
        notes.rungs.append(hidden.rung)
        notes.points.extend(hidden.points)
        net, outcome, heads, climbing = hidden.net, hidden.outcome, hidden.heads or heads, hidden.features
        if context.ensembling.kind and hidden.heads:
            outcome = replace(outcome, others=_with_heads(net, heads))
    if context.recipe.straight:
        outcome = _straight(net, outcome, climbing, heads, context, notes)
    elif features.maps.shape[1] > 1:
        outcome = _climb(net, outcome, climbing, heads, context, notes)
    else:
        notes.rungs.append(RungRecord("last stage", None, None, 0.0, False, no_views(features, context), short_of_time=True))
    done = replace(outcome, stopped=_why_stopped(notes.rungs, context.environment.signals.stop), points=tuple(notes.points))
    return Ladder(
        done, tuple(notes.rungs), tuple(notes.trials), features, chosen.logits, chosen.head.strength, context, lower.balance,
        lower.synthetic,
    )  # fmt: skip


def lower_rungs(net: Classifier, context: TrainingContext) -> LowerRungs:
    """Features through the cache, the baselines and the linear head on them; the network stays as it is. Raises: TooLittleTime."""
    notes = _Notes([], [], [])
    features = compute(net, context, notes.trials)
    below = _rung_0(features, context, notes)
    weighed, balance = choose_balance(features, context)
    context = replace(context, balance=weighed)
    chosen, effect = _rung_1(features, context, below, notes)
    context = context if effect is None or effect.used else without_synthetic(context)
    return LowerRungs(features, chosen, notes, context, balance, effect)


def rungs_ahead(net: Classifier, lower: LowerRungs, context: TrainingContext) -> tuple[TrainableRung, ...]:
    """The rungs above, timed by a step or two on this machine and not begun; none where images were seen in one way only."""
    if lower.features.maps.shape[1] == 1 and not context.recipe.straight:
        return ()
    everything = _everything(net, lower.features, context, lambda fold: _tail_with(lower.features, lower.chosen.folds[fold]), lower.notes)
    if context.recipe.straight or not len(net.stages):
        return (everything,)
    return _last_stage(lower.features, lower.context, lower.chosen.folds, lower.notes), everything


def _climb(
    net: Classifier, start: LadderOutcome, features: Features, heads: Sequence[Head], context: TrainingContext, notes: _Notes
) -> LadderOutcome:
    """From the linear head to the last stage, and from there to everything, while each is surely better; the network changes in place."""
    if not len(net.stages):
        return _unstaged(net, start, features, heads, context, notes)
    truth = context.images.targets.numpy()
    right = start.logits.argmax(1) == truth
    step = _last_stage(features, context, heads, notes)
    validated = _try(step, context, right, len(context.folds), notes)
    if not validated.taken:
        return start
    module = _finish(step, context, validated, notes)
    net.load_state_dict(_from_tail(net, module, features.divided.boundary))
    tails = validated.modules
    others = tuple([_with_tail(net, tail, features.divided.boundary) for tail in tails]) if context.ensembling.kind else ()
    seen = Embeddings(_through(module, features), tuple([_through(tail, features) for tail in tails]))
    outcome = LadderOutcome(net, step.name, "", validated.rows, validated.logits, (), step.engine, seen, others)
    if context.environment.signals.stop:
        return outcome
    right[validated.rows] = validated.logits.argmax(1) == truth[validated.rows]
    step = _everything(net, features, context, lambda fold: validated.modules[fold], notes)
    return _whole(net, outcome, step, context, _try(step, context, right, len(validated.modules), notes), notes)


def _straight(
    net: Classifier, start: LadderOutcome, features: Features, heads: Sequence[Head], context: TrainingContext, notes: _Notes
) -> LadderOutcome:
    """From the head to everything at once or gradually, because that was asked for; the network changes in place."""
    right = start.logits.argmax(1) == context.images.targets.numpy()
    step = replace(_everything(net, features, context, lambda fold: _tail_with(features, heads[fold]), notes), asked=True)
    looks = len(context.folds) if context.full_folds else 1
    return _whole(net, start, step, context, _try(step, context, right, looks, notes), notes)


def _unstaged(
    net: Classifier, start: LadderOutcome, features: Features, heads: Sequence[Head], context: TrainingContext, notes: _Notes
) -> LadderOutcome:
    """From the head to everything, if that is surely better, where a network has no stages that a last one could be told from."""
    right = start.logits.argmax(1) == context.images.targets.numpy()
    why = "the network has no stem, stages and head, so there is no last stage; everything is next"
    notes.rungs.append(RungRecord("last stage", None, None, 0.0, False, why))
    step = _everything(net, features, context, lambda fold: _tail_with(features, heads[fold]), notes)
    return _whole(net, start, step, context, _try(step, context, right, len(context.folds), notes), notes)


def _whole(
    net: Classifier, below: LadderOutcome, step: TrainableRung, context: TrainingContext, above: CrossValidated, notes: _Notes
) -> LadderOutcome:
    """The whole network trained, if that was taken; else what was reached `below`."""
    if not above.taken:
        return below
    net.load_state_dict(_finish(step, context, above, notes).state_dict())
    nets = tuple([module for module in above.modules if isinstance(module, Classifier)])
    seen = Embeddings(embeddings(net, context, step.engine.device), tuple([embeddings(one, context, step.engine.device) for one in nets]))
    others = nets if context.ensembling.kind else ()
    return LadderOutcome(net, step.name, "", above.rows, above.logits, (), step.engine, seen, others)


def _with_heads(net: Classifier, heads: Sequence[Head]) -> tuple[Classifier, ...]:
    """Copies of the network, each with one of the heads."""
    twins = tuple([copy.deepcopy(net) for _ in heads])
    for twin, head in zip(twins, heads, strict=True):
        head.put_into(twin)
    return twins


def _with_tail(net: Classifier, tail: nn.Module, boundary: int) -> Classifier:
    """A copy of the network with the weights of another tail."""
    twin = copy.deepcopy(net)
    twin.load_state_dict(_from_tail(net, tail, boundary))
    return twin


def _tail_with(features: Features, head: Head) -> Tail:
    tail = copy.deepcopy(features.divided.tail)
    head.put_into(tail)
    return tail


def _frozen(features: Features, context: TrainingContext) -> Embeddings:
    """Nothing before the class layer learns, so that one network never saw any fold."""
    seen = features.pooled[:, 0].numpy()
    return Embeddings(seen, (seen,) * len(context.folds))


def _through(tail: nn.Module, features: Features) -> NDArray[np.float32]:
    """What the class layer of a tail sees of every training image (N, D)."""
    if not isinstance(tail, Tail):
        raise TypeError(f"{type(tail).__name__} is no tail of a network")
    return pool(tail, features.maps[:, :1], Engine(features.engine.device))[:, 0].numpy()


def no_views(features: Features, context: TrainingContext) -> str:
    """Why the last stage cannot be tried where images were seen in one way only."""
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


def _rung_1(features: Features, context: TrainingContext, below: NDArray[np.bool_], notes: _Notes) -> tuple[Chosen, SyntheticEffect | None]:
    began, truth = context.environment.time_budget.spent, context.images.targets
    chosen, effect = head_of(features, context)
    right = chosen.logits.argmax(1) == truth.numpy()
    units = numbered(context.images.groups)
    gain = paired_gain(right, below, units)
    sure = "" if gain.low > 0 else "; it is not surely better than the nearest neighbour, but it is the first rung that is a network"
    why = f"regularisation {chosen.head.strength:g} chosen by {len(context.folds)}-fold cross-validation{sure}"
    seconds = context.environment.time_budget.spent - began
    accuracy = share(right, np.ones(len(right), bool), units, len(context.folds))
    notes.rungs.append(RungRecord("linear head", accuracy, gain, seconds, True, why))
    return chosen, effect


def _try(step: TrainableRung, context: TrainingContext, below: NDArray[np.bool_], looks: int, notes: _Notes) -> CrossValidated:
    validated = cross_validate(step, context, below, looks)
    notes.rungs.append(replace(validated.rung, learning=rung_learning(step.name, step.start(0), step.plan, context)))
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
    divided = features.divided
    levels = levels_of(divided.tail) + divided.boundary + any(True for _ in divided.front.stem.parameters())
    plan = replace(_plan(context, LAST_STAGE_RATE), levels=levels, before=divided.boundary)
    engine, speed = fastest_for_training(features.divided.tail, features.maps[:BATCH, 0], "last stage", context, notes.trials)
    augmented = features.maps[:, 1:]

    def start(fold: int) -> nn.Module:
        return _tail_with(features, heads[fold])

    def source(rows: NDArray[np.int64]) -> Source:
        part, seen = context.learnt_from(rows), augmented[torch.from_numpy(rows)]
        if context.synthetic and features.synthetic_maps is not None:
            seen = torch.cat([seen, features.synthetic_maps[:, 1:]])
        return ViewSource(seen, part.names, part.targets)

    def judge(module: nn.Module, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        return answers(module, features.maps[torch.from_numpy(rows), 0], engine)

    return TrainableRung("last stage", plan, engine, speed, start, source, judge)


def _everything(
    net: Classifier, features: Features, context: TrainingContext, tails: Callable[[int], nn.Module], notes: _Notes
) -> TrainableRung:
    """Rung 3: the whole network on pixels, starting from the tail of each fold."""
    plan = context.recipe.on_pixels(_plan(context, EVERYTHING_RATE, layer_decay=LAYER_DECAY))
    sample = torch.zeros(BATCH // 2, context.channels, context.spec.pixels, context.spec.pixels)
    engine, speed = fastest_for_training(net, sample, "everything", context, notes.trials)

    def start(fold: int) -> nn.Module:
        twin = copy.deepcopy(net)
        twin.load_state_dict(_from_tail(net, tails(fold), features.divided.boundary))
        return twin

    def source(rows: NDArray[np.int64]) -> Source:
        return canvas_source(context, context.learnt_from(rows))

    def judge(module: nn.Module, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        return answers_on_canvases(module, context, context.images.part(rows), engine)

    return TrainableRung("everything", plan, engine, speed, start, source, judge)


def _plan(context: TrainingContext, rate: float, layer_decay: float = 1.0) -> Hyperparameters:
    count = len(context.images) + context.extra
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
