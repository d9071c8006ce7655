"""The ladder: from the majority class to a network fine-tuned throughout, climbing only while the gain is sure and time is left."""

import copy
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from receptron.blocks.classifier import Classifier
from receptron.evaluation import baselines
from receptron.evaluation.confidence_intervals import out_of_fold, paired_gain
from receptron.training.batches.sources import CanvasSource, Source, ViewSource
from receptron.training.context import Climbed, Ground, answers, answers_on_canvases
from receptron.training.features.extraction import Features, compute
from receptron.training.features.frozen_backbone import Tail
from receptron.training.hardware.autotune import fastest_for_training
from receptron.training.ladder.baseline_rungs import baseline_rungs
from receptron.training.ladder.cross_validation import Step, Weighed, finish, weigh
from receptron.training.ladder.linear_probe import Chosen, choose_head
from receptron.training.loop.hyperparameters import Plan
from receptron.training.records import Point, Rung, Trial

BATCH = 32
VISITS = 12_000  # image visits that fine-tuning needs at least, so few images are visited for more epochs
LAST_STAGE_RATE, EVERYTHING_RATE = 0.03, 0.01
LAYER_DECAY = 0.7  # each stage towards the image learns at this share of the next one's rate


@dataclass
class _Notes:
    """What is written down on the way up."""

    rungs: list[Rung]
    points: list[Point]
    trials: list[Trial]


@dataclass(frozen=True)
class Ladder:
    """The climb's outcome, and what its lower rungs say of other images."""

    climbed: Climbed
    rungs: tuple[Rung, ...]
    trials: tuple[Trial, ...]
    features: Features


def climb(net: Classifier, ground: Ground) -> Ladder:
    """Adapt a pretrained network, whose head already has `ground.classes`, to the images of the training side."""
    notes = _Notes([], [], [])
    truth = ground.images.targets.numpy()
    features = compute(net, ground, notes.trials)
    below = _rung_0(features, ground, notes)
    chosen = _rung_1(features, ground, below, notes)
    chosen.head.put_into(last_layer(net))
    everyone = np.arange(len(truth))
    climbed = Climbed(net, "linear head", "", everyone, chosen.logits, ())
    right = chosen.logits.argmax(1) == truth
    step = _last_stage(features, ground, chosen, notes)
    weighed = _try(step, ground, right, len(ground.folds), notes)
    if weighed.taken:
        module = _finish(step, ground, weighed, notes)
        net.load_state_dict(_from_tail(net, module, features.divided.boundary))
        climbed = Climbed(net, step.name, "", weighed.rows, weighed.logits, ())
        right[weighed.rows] = weighed.logits.argmax(1) == truth[weighed.rows]
    if weighed.taken and not ground.around.watch.stop:
        step = _everything(net, features, ground, weighed, notes)
        above = _try(step, ground, right, len(weighed.modules), notes)
        if above.taken:
            net.load_state_dict(_finish(step, ground, above, notes).state_dict())
            climbed = Climbed(net, step.name, "", above.rows, above.logits, ())
    stopped = _why_stopped(notes.rungs, ground.around.watch.stop)
    done = Climbed(net, climbed.rung, stopped, climbed.rows, climbed.logits, tuple(notes.points))
    return Ladder(done, tuple(notes.rungs), tuple(notes.trials), features)


def last_layer(net: nn.Module) -> nn.Linear:
    """The layer that names the classes."""
    return net.get_submodule("head.fc")  # type: ignore[return-value]


def _rung_0(features: Features, ground: Ground, notes: _Notes) -> NDArray[np.bool_]:
    """Majority and nearest neighbour; returns which images the nearest neighbour gets right."""
    began, truth = ground.around.clock.spent, ground.images.targets
    common = (truth == baselines.majority(truth, len(ground.classes))).numpy()
    near = baselines.nearest_out_of_fold(features.pooled[:, 0], truth, ground.folds) == truth.numpy()
    notes.rungs.extend(baseline_rungs(common, near, ground.around.clock.spent - began))
    return near


def _rung_1(features: Features, ground: Ground, below: NDArray[np.bool_], notes: _Notes) -> Chosen:
    began, truth = ground.around.clock.spent, ground.images.targets
    chosen = choose_head(features.pooled, truth, len(ground.classes), ground.folds)
    right = chosen.logits.argmax(1) == truth.numpy()
    gain = paired_gain(right, below)
    sure = "" if gain.low > 0 else "; it is not surely better than the nearest neighbour, but it is the first rung that is a network"
    why = f"regularisation {chosen.head.strength:g} chosen by {len(ground.folds)}-fold cross-validation{sure}"
    seconds = ground.around.clock.spent - began
    notes.rungs.append(Rung("linear head", out_of_fold(int(right.sum()), len(right), len(ground.folds)), gain, seconds, True, why))
    return chosen


def _try(step: Step, ground: Ground, below: NDArray[np.bool_], looks: int, notes: _Notes) -> Weighed:
    weighed = weigh(step, ground, below, looks)
    notes.rungs.append(weighed.rung)
    notes.points.extend(weighed.points)
    return weighed


def _finish(step: Step, ground: Ground, weighed: Weighed, notes: _Notes) -> nn.Module:
    """Go on with all training images; after a Ctrl-C the module of the first fold, which was judged as it is, stands in."""
    first = weighed.modules[0]
    if ground.around.watch.stop:
        return first
    module, points = finish(step, ground, first)
    notes.points.extend(points)
    return first if ground.around.watch.stop else module


def _last_stage(features: Features, ground: Ground, chosen: Chosen, notes: _Notes) -> Step:
    """Rung 2: the tail, from cached activations, starting with the head of rung 1."""
    plan = _plan(ground, LAST_STAGE_RATE)
    engine, speed = fastest_for_training(features.divided.tail, features.maps[:BATCH, 0], "last stage", ground, notes.trials)
    augmented = features.maps[:, 1:]

    def start(fold: int) -> nn.Module:
        tail = copy.deepcopy(features.divided.tail)
        chosen.folds[fold].put_into(last_layer(tail))
        return tail

    def source(rows: NDArray[np.int64]) -> Source:
        part = ground.images.part(rows)
        return ViewSource(augmented[torch.from_numpy(rows)], part.names, part.targets)

    def judge(module: nn.Module, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        return answers(module, features.maps[torch.from_numpy(rows), 0], engine)

    return Step("last stage", plan, engine, speed, start, source, judge)


def _everything(net: Classifier, features: Features, ground: Ground, below: Weighed, notes: _Notes) -> Step:
    """Rung 3: the whole network on pixels, starting from rung 2."""
    plan = _plan(ground, EVERYTHING_RATE, layer_decay=LAYER_DECAY)
    sample = torch.zeros(BATCH // 2, ground.channels, ground.spec.pixels, ground.spec.pixels)
    engine, speed = fastest_for_training(net, sample, "everything", ground, notes.trials)

    def start(fold: int) -> nn.Module:
        twin = copy.deepcopy(net)
        twin.load_state_dict(_from_tail(net, below.modules[fold], features.divided.boundary))
        return twin

    def source(rows: NDArray[np.int64]) -> Source:
        part = ground.images.part(rows)
        return CanvasSource(ground.pictures(part), part.names, part.targets, ground.spec, ground.channels, ground.recipe, ground.seed)

    def judge(module: nn.Module, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        return answers_on_canvases(module, ground, ground.images.part(rows), engine)

    return Step("everything", plan, engine, speed, start, source, judge)


def _plan(ground: Ground, rate: float, layer_decay: float = 1.0) -> Plan:
    count = len(ground.images)
    epochs = min(40, max(8, round(VISITS / count)))
    return Plan(epochs, min(BATCH, max(2, count // 4)), rate, layer_decay=layer_decay, seed=ground.seed)


def _from_tail(net: Classifier, tail: nn.Module, boundary: int) -> dict[str, Tensor]:
    """The network's state with the tail's weights in their places."""
    twin = copy.deepcopy(net)
    Tail(twin, boundary).load_state_dict(tail.state_dict())
    return twin.state_dict()


def _why_stopped(rungs: list[Rung], interrupted: bool) -> str:
    top = rungs[-1]
    if interrupted:
        return "it was interrupted"
    if top.taken:
        return f"{top.name} is the top of the ladder"
    return f"{top.name} was left: {top.why}"
