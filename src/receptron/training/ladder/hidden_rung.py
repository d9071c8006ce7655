"""The rung that `--head hidden:256` puts after the linear head: a hidden layer with dropout on the very features that the head saw."""

import copy
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from receptron.blocks.before_classes import add_hidden, hidden_layers
from receptron.blocks.chain import chain
from receptron.blocks.classifier import Classifier
from receptron.data.stateless_random import keyed
from receptron.evaluation.finite_checks import check_finite
from receptron.evaluation.grouped_intervals import numbered, paired_gain, share
from receptron.training.batches.sources import Source, ViewSource
from receptron.training.context import TrainingContext
from receptron.training.features.extraction import Features
from receptron.training.features.frozen_backbone import Tail
from receptron.training.hardware.device import Engine
from receptron.training.inference import answers
from receptron.training.inner_split import stopping_in_words
from receptron.training.ladder.cross_validation import TrainableRung, finish, train
from receptron.training.ladder.outcome import Embeddings, LadderOutcome
from receptron.training.loop.hyperparameters import Hyperparameters
from receptron.training.records import EpochRecord, RungRecord

NAME = "hidden head"
EPOCHS, BATCH, RATE, DECAY = 40, 32, 1e-3, 1e-2  # AdamW's own defaults for rate and decay
DROPOUT = 0.2  # unless --dropout says otherwise


class Head(Protocol):
    """What can be put before the scores of a network or of its tail."""

    def put_into(self, net: nn.Module) -> None:
        """Change the head of `net`, in place."""
        ...


@dataclass(frozen=True)
class HiddenHead:
    """Weights of a hidden layer and of the class layer after it, for a network that has both."""

    module: nn.Sequential

    def put_into(self, net: nn.Module) -> None:
        """Make them the network's, in place."""
        places = net.get_submodule("head").state_dict()
        for name, tensor in self.module.state_dict().items():
            places[name].copy_(tensor)


@dataclass(frozen=True)
class HiddenRung:
    """What became of it: the network with the head that it goes on from, and a start for each fold."""

    rung: RungRecord
    net: Classifier
    outcome: LadderOutcome
    heads: tuple[Head, ...]  # number i never saw fold i; none where there was no time, and the linear head stays
    features: Features
    points: tuple[EpochRecord, ...]


def climb_to_hidden(net: Classifier, below: LadderOutcome, features: Features, context: TrainingContext) -> HiddenRung:
    """Train it on every fold and then on all images; it is taken because it was asked for, and its gain is told.

    The network given stays as it is, and so does what `features` say of pretrained features.
    """
    clock, step, truth = context.environment.time_budget, _step(features, context), context.images.targets.numpy()
    began, modules, points = clock.spent, list[nn.Module](), list[EpochRecord]()
    logits = np.zeros((len(truth), len(context.classes)))
    for number, held_out in enumerate(context.folds):
        module, fitted = train(step, context, number)
        points.extend(fitted.points)
        if fitted.out_of_time or fitted.interrupted:
            why = "it was interrupted" if fitted.interrupted else f"the time was up in fold {number + 1}"
            rung = RungRecord(NAME, None, None, clock.spent - began, False, f"{why}: the linear head stays", not fitted.interrupted)
            return HiddenRung(rung, net, below, (), features, tuple(points))
        modules.append(module)
        logits[held_out] = step.judge(module, held_out)
    check_finite(logits, context.images.names)
    last, fitted = finish(step, context, modules[0])
    points.extend(fitted.points)
    if fitted.interrupted or fitted.out_of_time:
        last = modules[0]
    made = copy.deepcopy(net)
    add_hidden(made, context.recipe.hidden, _dropout(context))
    HiddenHead(_sequential(last)).put_into(made)
    seen = Embeddings(_hidden(last, features), tuple(_hidden(module, features) for module in modules))
    outcome = LadderOutcome(made, NAME, "", np.arange(len(truth)), logits, (), step.engine, seen)
    heads = tuple(HiddenHead(_sequential(module)) for module in modules)
    divided = replace(features.divided, tail=Tail(made, features.divided.boundary))
    rung = _rung(logits, below.logits, context, clock.spent - began)
    return HiddenRung(rung, made, outcome, heads, replace(features, divided=divided), tuple(points))


def _step(features: Features, context: TrainingContext) -> TrainableRung:
    pooled = features.pooled[:, 1:] if features.pooled.shape[1] > 1 else features.pooled
    width, classes, engine = pooled.shape[2], len(context.classes), Engine(features.engine.device)

    def start(fold: int) -> nn.Module:
        torch.manual_seed(int(keyed(context.seed, NAME, fold).integers(2**63)))
        middle, spread = features.pooled[:, 0].mean(0), features.pooled[:, 0].std(0) + 1e-6
        made = chain(**hidden_layers(width, context.recipe.hidden, _dropout(context)), fc=nn.Linear(context.recipe.hidden, classes))
        return _standardised(made, middle, spread)

    def source(rows: NDArray[np.int64]) -> Source:
        part, seen = context.learnt_from(rows), pooled[torch.from_numpy(rows)]
        if context.synthetic and features.synthetic_pooled is not None:
            seen = torch.cat([seen, features.synthetic_pooled[:, -pooled.shape[1] :]])
        return ViewSource(seen, part.names, part.targets)

    def judge(module: nn.Module, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        return answers(module, features.pooled[torch.from_numpy(rows), 0], engine)

    count = len(context.images)
    plan = Hyperparameters(EPOCHS, min(BATCH, max(2, count // 4)), RATE, "adamw", decay=DECAY, seed=context.seed)
    return TrainableRung(NAME, context.recipe.applied(plan), engine, features.speed, start, source, judge)


def _standardised(made: nn.Sequential, middle: Tensor, spread: Tensor) -> nn.Sequential:
    """A start that answers to features as they are as it would to standardised ones."""
    layer: nn.Linear = made.get_submodule("hidden")  # type: ignore[assignment]
    with torch.no_grad():
        layer.weight.div_(spread)
        layer.bias.sub_(layer.weight @ middle)
    return made


def _rung(logits: NDArray[np.float64], below: NDArray[np.float64], context: TrainingContext, seconds: float) -> RungRecord:
    truth, units = context.images.targets.numpy(), numbered(context.images.groups)
    right = logits.argmax(1) == truth
    gain = paired_gain(right, below.argmax(1) == truth, units)
    accuracy = share(right, np.ones(len(right), bool), units, len(context.folds))
    sure = "surely better" if gain.low > 0 else "surely worse" if gain.high < 0 else "not surely different"
    why = f"asked for: {context.recipe.hidden} units with dropout {_dropout(context):g}, {sure} than the linear head"
    return RungRecord(NAME, accuracy, gain, seconds, True, why + stopping_in_words(context))


def _dropout(context: TrainingContext) -> float:
    return DROPOUT if context.recipe.dropout is None else context.recipe.dropout


def _hidden(module: nn.Module, features: Features) -> NDArray[np.float32]:
    """What the class layer sees of every training image (N, units)."""
    with torch.inference_mode():
        return _sequential(module).cpu().eval()[:-1](features.pooled[:, 0]).numpy()


def _sequential(module: nn.Module) -> nn.Sequential:
    if not isinstance(module, nn.Sequential):
        raise TypeError(f"{type(module).__name__} is no head")
    return module
