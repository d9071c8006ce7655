"""Rung 1's context: activations at the frozen boundary from the cache, and what the last layer sees of them."""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from receptron.blocks.classifier import Classifier
from receptron.errors import TooLittleTime
from receptron.evaluation.finite_checks import check_finite
from receptron.training.callbacks.signals import StopSignals
from receptron.training.checkpointing.decision_log import VIEWS
from receptron.training.checkpointing.time_budget import rounded_up
from receptron.training.context import Images, TrainingContext
from receptron.training.features.cache import CHUNK, FeatureCache, FeatureViews, cache_key
from receptron.training.features.frozen_backbone import Divided, Tail, divide, frozen
from receptron.training.hardware.autotune import candidates, choose
from receptron.training.hardware.device import Engine
from receptron.training.hardware.memory import available
from receptron.training.records import Trial

TIME_SHARE = 0.5  # of the time that is left may go into features of augmented views
SHARE = 0.35  # of the free memory may hold activations
FORWARDS = 6000  # augmented views to make, over all images; so few images are seen in more ways
VIEW_COUNTS = (4, 16)  # augmented views of one image, at least and at most
TRIAL_IMAGES = 16


@dataclass(frozen=True)
class Features:
    """The training side at the boundary: `maps` (N, views, C, H, W), and `pooled` (N, views, D) after the tail as it was pretrained."""

    divided: Divided
    engine: Engine
    speed: float  # images per second through the front, one view each
    views: FeatureViews
    maps: Tensor
    pooled: Tensor
    expected: float = 0.0  # seconds that the trial made expect of what was not in the cache
    took: float = 0.0  # seconds until all were there
    cached: int = 0  # images that were in the cache
    synthetic_maps: Tensor | None = None  # the same of synthetic images, of which `maps` and `pooled` have none
    synthetic_pooled: Tensor | None = None


def compute(net: Classifier, context: TrainingContext, trials: list[Trial]) -> Features:
    """Cut the network at its frozen boundary and bring every training image there, in several views, through the cache."""
    divided = divide(copy.deepcopy(net), context.channels, context.spec.pixels)  # `net` will learn; what describes images must not
    engine, speed = fastest(divided, context, trials)
    front, one = frozen(divided.front, engine), FeatureViews(context.spec, context.channels, context.policy, 1, context.depth)
    key = cache_key(divided.front.state_dict(), one, engine.precision)
    cache = FeatureCache(context.environment.cache / key if context.environment.cache else None)
    images = context.learnt_from(np.arange(len(context.images)))  # synthetic ones last
    kept = cache.read(set(images.digests))
    count = context.environment.decisions.recall(VIEWS, int)
    if count is None:
        there = [len(kept.get(digest, ())) for digest in images.digests]
        count = context.environment.decisions.note(VIEWS, _view_count(divided, context, engine, speed, there))
    views, began = replace(one, count=1 + count), time.monotonic()
    missing = sum(len(kept.get(digest, ())) <= count for digest in images.digests)
    maps = cache.gather(
        front, views, images.digests, context.canvases, _runner(engine, context.environment.signals),
        context.environment.progress, kept,
    )  # fmt: skip
    pooled = pool(divided.tail, maps, engine)
    took = time.monotonic() - began
    check_finite(pooled.flatten(1).numpy(), images.names)
    expected, cached, count = missing * views.count / speed, len(images) - missing, len(context.images)
    apart = (maps[count:], pooled[count:]) if context.synthetic else (None, None)
    return Features(divided, engine, speed, views, maps[:count], pooled[:count], expected, took, cached, *apart)


def pool(tail: Tail, maps: Tensor, engine: Engine) -> Tensor:
    """What the last linear layer of `tail`, as it stands, sees: (N, views, C, H, W) -> float32 (N, views, D)."""
    twin = frozen(tail, engine)
    columns: list[Tensor] = []
    for view in range(maps.shape[1]):
        with torch.inference_mode():
            parts = [twin.pooled(engine.place(maps[i : i + 128, view])).float().cpu() for i in range(0, len(maps), 128)]
        columns.append(torch.cat(parts))
    return torch.stack(columns, dim=1).clone()


def pooled_centres(features: Features, context: TrainingContext, images: Images) -> Tensor:
    """float32 (N, D) of the centre view of other images, for the nearest neighbour on the test side."""
    run, front = _runner(features.engine, context.environment.signals), frozen(features.divided.front, features.engine)
    rows = [features.views.of(context.pictures(images)[i : i + 64], images.digests[i : i + 64], 0) for i in range(0, len(images), 64)]
    maps = torch.cat([run(front, batch) for batch in rows])
    return pool(features.divided.tail, maps[:, None], features.engine)[:, 0]


def _runner(engine: Engine, signals: StopSignals) -> Callable[[nn.Module, Tensor], Tensor]:
    def run(front: nn.Module, batch: Tensor) -> Tensor:
        signals.leave_if_told()  # finished blocks are in the cache
        with torch.inference_mode():
            return torch.cat([front(engine.place(part).to(engine.dtype)).cpu() for part in batch.split(CHUNK)]).contiguous()

    return run


def fastest(divided: Divided, context: TrainingContext, trials: list[Trial], stage: str = "features") -> tuple[Engine, float]:
    """The engine that runs the frozen front fastest on this machine, and its images per second."""
    engines = candidates(context.device, context.precision)
    sample = torch.zeros(TRIAL_IMAGES, context.channels, context.spec.pixels, context.spec.pixels)

    def step(engine: Engine) -> Callable[[], object]:
        run, front = _runner(engine, context.environment.signals), frozen(divided.front, engine)
        return lambda: run(front, sample)

    engine, speed, figures = choose(stage, engines, context, step, TRIAL_IMAGES)
    trials.extend(figures)
    return engine, speed


def _view_count(divided: Divided, context: TrainingContext, engine: Engine, speed: float, there: list[int]) -> int:
    """Augmented views per image: many for few images, as many as memory and time allow; none where there is time for the centre only.

    `there`: views of each image that are in the cache. Raises: TooLittleTime if there is not even that.
    """
    images, (channels, height, width) = len(there), divided.shape
    fits = max(1, int(available() * SHARE / (images * channels * height * width * engine.dtype.itemsize)) - 1)
    wanted = min(max(FORWARDS // images, VIEW_COUNTS[0]), VIEW_COUNTS[1], fits) if context.policy.varies else 1
    left, spent = context.environment.time_budget.left, context.environment.time_budget.spent
    for count in range(wanted, 0, -1):
        if sum(views <= count for views in there) * (1 + count) / speed <= max(0.0, left) * TIME_SHARE:
            return count
    needed = there.count(0) / speed
    if needed <= max(0.0, left):
        return 0
    raise TooLittleTime(
        f"--time leaves {max(0.0, left):.0f} s, and the network has to see {images:,} images once, which takes about {needed:.0f} s here.",
        mend=f"give it --time {rounded_up((spent + needed) / TIME_SHARE)}, or a smaller network with --net",
    )
