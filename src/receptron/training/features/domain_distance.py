"""How far images are from what weights know: what a linear head makes of the features, beside what it makes of the pixels themselves."""

import numpy as np
import torch
from torch import Tensor

from receptron.evaluation.baselines import majority
from receptron.evaluation.grouped_intervals import numbered, paired_gain, share
from receptron.training.context import TrainingContext
from receptron.training.ladder.backbone_ranking import sampled
from receptron.training.ladder.from_scratch import pixels_of
from receptron.training.ladder.linear_probe import choose_head
from receptron.training.plan_record import DomainDistance

_PART = 64  # images whose pixels are averaged down at a time


def domain_distance(pooled: Tensor, context: TrainingContext) -> DomainDistance:
    """From features (N, D) of the centre of each training image, on the same images and folds for both heads."""
    rows = sampled(len(context.images))
    images = context.images.part(rows)
    folds = [held_out for fold in context.folds if len(held_out := np.flatnonzero(np.isin(rows, fold)))]
    small = torch.cat([pixels_of(context, images.part(np.arange(len(rows))[at : at + _PART])) for at in range(0, len(rows), _PART)])
    truth, everyone, units = images.targets.numpy(), np.ones(len(rows), bool), numbered(images.groups)
    ours, theirs = (
        choose_head(seen[:, None], images.targets, len(context.classes), folds).logits.argmax(1) == truth
        for seen in (pooled[torch.from_numpy(rows)], small)
    )
    common = float((truth == majority(images.targets, len(context.classes))).mean())
    reached = share(ours, everyone, units, len(folds)), share(theirs, everyone, units, len(folds))
    return DomainDistance(*reached, paired_gain(ours, theirs, units), common, len(rows))
