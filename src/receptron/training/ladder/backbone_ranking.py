"""Which pretrained weights to start from: a linear head on the frozen features of each, cross-validated on the same images, and timed.

The most accurate is taken, unless another is within one standard error of it (Breiman, Friedman, Olshen & Stone 1984, Classification and
Regression Trees, section 3.4.3) and spares much time.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from receptron.blocks.classifier import Classifier
from receptron.evaluation.confidence_intervals import Z
from receptron.evaluation.finite_checks import check_finite
from receptron.evaluation.grouped_intervals import Groups, numbered, paired_gain, share
from receptron.evaluation.records import Estimate
from receptron.training.context import TrainingContext
from receptron.training.features.cache import CHUNK, FeatureViews
from receptron.training.features.extraction import TIME_SHARE, fastest
from receptron.training.features.frozen_backbone import divide, frozen
from receptron.training.ladder.linear_probe import choose_head
from receptron.training.records import RankedWeights

MOST = 1000  # training images that a probe looks at
SPARED = 10.0  # seconds that a faster one must spare each time that it sees all training images


@dataclass(frozen=True)
class Backbone:
    """Weights at hand."""

    net: str
    reference: str
    make: Callable[[], Classifier]
    context: Callable[[], TrainingContext]  # the images to probe with, as these weights expect them


@dataclass(frozen=True)
class _Probed:
    """What one probe showed; nothing where there was no time."""

    right: NDArray[np.bool_]
    seconds: float  # for all training images
    groups: Groups | None
    networks: int

    @property
    def accuracy(self) -> Estimate:
        return share(self.right, np.ones(len(self.right), bool), self.groups, self.networks)


def sampled(count: int) -> NDArray[np.int64]:
    """The rows of `count` training images that a probe looks at: all, or `MOST` spread evenly."""
    return np.unique(np.linspace(0, count - 1, min(count, MOST)).round().astype(np.int64))


def rank_backbones(backbones: Sequence[Backbone], images: int) -> tuple[RankedWeights, ...]:
    """Every backbone, the chosen first, then by accuracy; `images` is how many training images there are in all."""
    probed = [_probe(backbone, images, len(backbones) - i) for i, backbone in enumerate(backbones)]
    tried = [i for i, one in enumerate(probed) if one is not None]
    if not tried:
        told = "taken unranked: there was no time for a probe, --time is too short"
        return tuple(
            RankedWeights(one.net, one.reference, None, None, None, i == 0, told if i == 0 else _NO_TIME) for i, one in enumerate(backbones)
        )
    known = {i: one for i, one in enumerate(probed) if one is not None}
    best = max(known, key=lambda i: (known[i].right.mean(), -known[i].seconds))
    chosen = _faster_alike(known, best)
    rows = [_row(backbone, known, i, chosen, best, backbones[best].net) for i, backbone in enumerate(backbones)]
    return tuple(sorted(rows, key=lambda row: (not row.chosen, -(row.accuracy.value if row.accuracy else -1.0))))


_NO_TIME = "not tried: there was no time for a probe"


def _faster_alike(known: dict[int, _Probed], best: int) -> int:
    """The fastest that is within one standard error of the best and spares `SPARED` seconds; else the best."""
    alike = [
        i for i, one in known.items()
        if known[best].seconds - one.seconds >= SPARED and _within_one_error(paired_gain(one.right, known[best].right, one.groups))
    ]  # fmt: skip
    return min(alike, key=lambda i: known[i].seconds, default=best)


def _within_one_error(gain: Estimate) -> bool:
    return not gain.unknown and gain.value >= -(gain.high - gain.low) / 2 / Z


def _row(backbone: Backbone, known: dict[int, _Probed], i: int, chosen: int, best: int, best_net: str) -> RankedWeights:
    if i not in known:
        return RankedWeights(backbone.net, backbone.reference, None, None, None, False, _NO_TIME)
    one = known[i]
    if i == chosen:
        spared = f"{known[best].seconds - one.seconds:.0f} s faster a pass than {best_net}, and within one standard error of it"
        why = "the most accurate" if i == best else spared
        return RankedWeights(backbone.net, backbone.reference, one.accuracy, None, one.seconds, True, why)
    gain = paired_gain(one.right, known[chosen].right, one.groups)
    return RankedWeights(backbone.net, backbone.reference, one.accuracy, gain, one.seconds, False, _why_not(gain, i == best))


def _why_not(gain: Estimate, most_accurate: bool) -> str:
    if gain.unknown:
        return "less accurate; how surely is unknown, of too few groups" if gain.value < 0 else "no more accurate; how surely is unknown"
    if most_accurate:
        return "the most accurate, but slower, and its lead is within one standard error"
    if gain.high < 0:
        return "surely less accurate"
    return (
        "less accurate, which may be chance" if gain.value < 0 else "as accurate, but slower" if gain.value == 0 else "slower for its gain"
    )


def _probe(backbone: Backbone, images: int, still: int) -> _Probed | None:
    """One probe, if what is left of the time, shared with the `still` - 1 others to come, suffices. Raises: NonFinite."""
    context = backbone.context()
    environment = context.environment
    net = backbone.make().eval()
    divided = divide(net, context.channels, context.spec.pixels)
    engine, speed = fastest(divided, context, [], f"features of {backbone.net}")
    if len(context.images) / speed > environment.time_budget.left * TIME_SHARE / still:
        environment.progress.tell(f"{backbone.net}: {_NO_TIME}")
        return None
    front, tail = frozen(divided.front, engine), frozen(divided.tail, engine)
    views, digests = FeatureViews(context.spec, context.channels, context.policy, 1, context.depth), context.images.digests
    rows, began = list[torch.Tensor](), time.perf_counter()
    environment.progress.start(f"probing {backbone.net}", len(digests), "images")
    for at in range(0, len(digests), CHUNK):
        environment.signals.leave_if_told()
        part = digests[at : at + CHUNK]
        batch = views.of([context.canvases[digest] for digest in part], part, 0)
        with torch.inference_mode():
            rows.append(tail.pooled(front(engine.place(batch).to(engine.dtype))).float().cpu())
        environment.progress.advance(len(part))
    environment.progress.done()
    seconds = (time.perf_counter() - began) * images / len(digests)
    features = torch.cat(rows).clone()
    check_finite(features.numpy(), context.images.names)
    head = choose_head(features[:, None], context.images.targets, len(context.classes), context.folds, environment.progress)
    right = head.logits.argmax(1) == context.images.targets.numpy()
    return _Probed(right, seconds, numbered(context.images.groups), len(context.folds))
