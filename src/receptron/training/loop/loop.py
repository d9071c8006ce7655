"""The one training loop. What is learnt is an objective, where images come from is a source, how long and how fast is a plan."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from receptron.data.stateless_random import keyed
from receptron.training.batches.prefetch import ahead
from receptron.training.batches.sources import Source
from receptron.training.callbacks.nan_guard import NanGuard
from receptron.training.checkpointing.training_state import Keeper, Position
from receptron.training.hardware.device import Engine
from receptron.training.layers.batchnorm import learn, re_estimate
from receptron.training.layers.scales import at_scale, scale_at
from receptron.training.layers.unfreezing import Unfreezing
from receptron.training.loop.early_stopping import has_stalled
from receptron.training.loop.hooks import Hooks
from receptron.training.loop.hyperparameters import Hyperparameters
from receptron.training.loop.lr_schedule import pace
from receptron.training.loop.objective import Objective, Supervised
from receptron.training.loop.optimiser import make_optimiser, set_rate
from receptron.training.loop.visits import Visits, batch_of, shuffled
from receptron.training.loop.weight_average import WeightAverage
from receptron.training.records import EpochRecord, PhaseName
from receptron.wording import counted


@dataclass(frozen=True)
class Phase:
    """One network, learning from one source until its plan is done."""

    name: PhaseName
    net: nn.Module
    source: Source
    plan: Hyperparameters
    objective: Objective = field(default_factory=Supervised)
    held_out: Callable[[nn.Module], float] | None = None  # accuracy on images that the phase does not learn from
    visits: Callable[[int], Visits] | None = None  # epoch -> which images it shows in which order; None: each once, shuffled


@dataclass(frozen=True)
class Fitted:
    """A phase that ended; the network holds its best weights, or its last where nothing was held out."""

    points: tuple[EpochRecord, ...]
    best: float | None
    interrupted: bool
    out_of_time: bool = False  # it ended before its last epoch, because the time was used up
    stalled: bool = False  # it ended before its last epoch, because the accuracy on images held out rose no more


def fit(phase: Phase, engine: Engine, hooks: Hooks) -> Fitted:
    """Train `phase.net` in place.

    Bit-identical on one CPU for the same seed and threads, also when killed and resumed from `hooks.checkpoints`: order, views
    and dropout depend on (seed, epoch, step) alone. Raises: NonFinite within one step; StorageFault; SystemExit(143) on SIGTERM.
    """
    plan, count, told = phase.plan, len(phase.source.names), hooks.progress
    per_epoch, steps = plan.steps_per_epoch(count), plan.steps(count)
    engine.arrange(phase.net.to(engine.device))
    guard, optimiser = NanGuard(phase.net, str(phase.name)), make_optimiser(phase.net, plan)
    average, opening = WeightAverage(phase.net, plan.ema), Unfreezing(phase.net, plan)
    keeper = Keeper(phase.net, optimiser, hooks.checkpoints, hooks.every, hooks.signals, hooks.saved, average)
    at = keeper.restore()
    for passed_over in hooks.checkpoints.skipped if hooks.checkpoints else ():
        told.tell(passed_over)
    if at == Position() and hooks.checkpoints and hooks.checkpoints.skipped:
        told.tell(f"No sound checkpoint of {phase.name} is left: it starts from its beginning.")
    told.start(str(phase.name), steps, "steps")
    told.advance(at.epoch * per_epoch + at.step)
    while not at.finished:
        began, seen, rate = time.perf_counter(), at.images, pace(plan, at.epoch * per_epoch + at.step - 1, steps).rate
        learn(phase.net, plan.batchnorm)
        opening.at(at.epoch)
        for step, (inputs, targets, names) in ahead(batches(phase, at.epoch), range(at.step, per_epoch)):
            number = at.epoch * per_epoch + step
            torch.manual_seed(int(keyed(plan.seed, str(phase.name), number).integers(2**63)))  # for dropout
            now = pace(plan, number, steps)
            rate = set_rate(optimiser, now.rate, now.momentum)
            with engine.autocast():
                losses = phase.objective(phase.net, engine.place(inputs), targets.to(engine.device))
            guard.losses(losses, names, number)
            losses.mean().backward()  # pyright: ignore[reportUnknownMemberType]
            guard.gradient(clip_grad_norm_(phase.net.parameters(), plan.clip), names, number)
            optimiser.step()
            optimiser.zero_grad()
            guard.buffers(names, number)
            average.update(number)
            at = replace(at, step=step + 1, loss=at.loss + float(losses.detach().sum()), images=at.images + len(names))
            told.advance(1, f"loss {at.loss / at.images:.3f}")
            keeper.after_step(at, number + 1)
            if hooks.signals.stop:
                break
        stopped = hooks.signals.stop
        if stopped:  # a later sitting goes on from here, as if nobody had stopped this one
            keeper.save(at, at.epoch * per_epoch + at.step)
        speed = (at.images - seen) / (time.perf_counter() - began)
        loss = at.loss / max(1, at.images)
        with average.shown():
            accuracy = phase.held_out(phase.net) if phase.held_out else None
            at = _end_epoch(at, EpochRecord(phase.name, at.epoch, loss, accuracy, rate, speed), guard, keeper)
        if hooks.log:
            hooks.log(at.points[-1])
        if stopped:
            break
        stalled = has_stalled([point.accuracy for point in at.points[opening.whole :]], plan.patience)
        at = replace(at, finished=at.epoch >= plan.epochs or stalled or hooks.is_over(at.epoch))
        keeper.after_epoch(at, at.epoch * per_epoch)
    average.settle()
    keeper.take_best()
    opening.end()
    if plan.batchnorm == "re-estimated" and not hooks.signals.stop:
        shown = batches(replace(phase, plan=replace(plan, scales=())), plan.epochs)
        re_estimate(phase.net, (engine.place(shown(step)[0]) for step in range(per_epoch)), engine, plan.seed)
    told.done(
        f"{counted(len(at.points), 'epoch')}, loss {at.points[-1].loss:.3f}" + (f", held out {at.best:.1%}" if phase.held_out else "")
    )
    short = len(at.points) < plan.epochs and not hooks.signals.stop
    stalled = short and has_stalled([point.accuracy for point in at.points[opening.whole :]], plan.patience)
    return Fitted(at.points, at.best if phase.held_out else None, hooks.signals.stop, short and not stalled, stalled)


def batches(phase: Phase, epoch: int) -> Callable[[int], tuple[Tensor, Tensor, list[str]]]:
    """Step number in `epoch` -> inputs, targets and names of its batch."""
    count, size = len(phase.source.names), phase.plan.batch
    visits = phase.visits(epoch) if phase.visits else shuffled(count, phase.plan.seed, epoch)

    def make(step: int) -> tuple[Tensor, Tensor, list[str]]:
        part = visits.part(step * size, (step + 1) * size)
        picked: list[int] = part.rows.tolist()
        inputs, targets = batch_of(phase.source, part, epoch, phase.plan.epochs)
        return at_scale(inputs, scale_at(phase.plan, epoch, step)), targets, [phase.source.names[i] for i in picked]

    return make


def _end_epoch(at: Position, point: EpochRecord, guard: NanGuard, keeper: Keeper) -> Position:
    """Write the epoch down; a metric that is not finite stops here and never becomes the best."""
    guard.metric("loss", point.loss, at.epoch)
    if point.accuracy is not None:
        guard.metric("accuracy", point.accuracy, at.epoch)
        at = keeper.remember(at, point.accuracy)
    return replace(at, epoch=at.epoch + 1, step=0, loss=0.0, images=0, points=(*at.points, point))
