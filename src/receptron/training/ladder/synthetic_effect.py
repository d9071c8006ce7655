"""What synthetic images bring: the same linear head with and without them, on the same folds of real images, and never judged on them."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from receptron.evaluation.grouped_intervals import Groups, numbered, paired_gain, share
from receptron.training.context import TrainingContext
from receptron.training.features.extraction import Features
from receptron.training.ladder.linear_probe import Chosen, More, choose_head
from receptron.training.records import SyntheticEffect


def more_of(features: Features, context: TrainingContext) -> More | None:
    """The synthetic images as a head learns from them; None where there are none, or none that are used."""
    if context.synthetic is None or features.synthetic_pooled is None:
        return None
    return More(features.synthetic_pooled, context.synthetic.targets)


def without_synthetic(context: TrainingContext) -> TrainingContext:
    """The same with real images alone."""
    return replace(context, synthetic=None)


def head_of(features: Features, context: TrainingContext) -> tuple[Chosen, SyntheticEffect | None]:
    """The linear head that is kept: with synthetic images, unless they surely hurt; and what they bring, if there are any."""
    targets, progress, classes = context.images.targets, context.environment.progress, len(context.classes)
    more = more_of(features, context)
    chosen = choose_head(features.pooled, targets, classes, context.folds, progress, context.balance, more)
    if more is None:
        return chosen, None
    alone = choose_head(features.pooled, targets, classes, context.folds, progress, context.balance)
    truth, units = targets.numpy(), numbered(context.images.groups)
    effect = effect_of(chosen.logits.argmax(1) == truth, alone.logits.argmax(1) == truth, units, "linear head", len(context.folds))
    return (chosen if effect.used else alone), effect


def effect_of(ours: NDArray[np.bool_], alone: NDArray[np.bool_], units: Groups | None, judged: str, networks: int) -> SyntheticEffect:
    """From which real images were answered rightly with synthetic ones and without; they are used unless they surely hurt."""
    everyone, gain = np.ones(len(ours), bool), paired_gain(ours, alone, units)
    reached = share(alone, everyone, units, networks), share(ours, everyone, units, networks)
    return SyntheticEffect(judged, *reached, gain, used=gain.unknown or gain.high >= 0)
