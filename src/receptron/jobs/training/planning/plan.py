"""`train PATH --plan`: the strategy before training. What can be measured without training is, by the steps of the training itself."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from receptron.blocks.classifier import Classifier
from receptron.data.dataset.scan import scan
from receptron.data.reading.file_bytes import within
from receptron.errors import BadValue, TooLittleTime
from receptron.given_path import check_given
from receptron.jobs.options import (
    Extras,
    cache_folder,
    check_augment,
    check_every,
    check_precision,
    check_seed,
    listed_weights,
    seconds,
)
from receptron.jobs.training.backbones.band_start import with_statistics
from receptron.jobs.training.backbones.ranking import ranked
from receptron.jobs.training.fit import FitOptions, context_of
from receptron.jobs.training.initial_weights import InitialWeights
from receptron.jobs.training.labels.relabelling import read_relabelling
from receptron.jobs.training.planning.reasons import Asked, images_seen, start_of
from receptron.jobs.training.sided_images import Placing, place_images
from receptron.jobs.training.synthetic.folder import look_into, read_synthetic
from receptron.jobs.training.train import check_kinds, keeps_test, starts_of, tell_table
from receptron.training.augmentation_sheet import augmentation_record
from receptron.training.checkpointing.decision_log import DecisionLog
from receptron.training.checkpointing.time_budget import TimeBudget
from receptron.training.context import RunEnvironment, TrainingContext
from receptron.training.ensembling import check_judged
from receptron.training.features.domain_distance import domain_distance
from receptron.training.features.input_check import check_input
from receptron.training.hardware.device import find_device
from receptron.training.ladder.cross_validation import TrainableRung, obstacle
from receptron.training.ladder.from_scratch import NAME, intend, rung_0
from receptron.training.ladder.ladder import LowerRungs, lower_rungs, no_views, rungs_ahead
from receptron.training.ladder.scratch_search import foreseen
from receptron.training.plan_record import DomainDistance, Plan, PlannedFeatures, PlannedRung
from receptron.training.recipe_shape import shaped
from receptron.training.records import InputCheck, RungRecord, SyntheticEffect, Trial
from receptron.wording import counted

_SCRATCH = "from scratch there are no features that know anything before training"


@dataclass(frozen=True)
class _Outlook:
    """What could be measured of the training to come."""

    trials: tuple[Trial, ...]
    measured: tuple[RungRecord, ...]
    rungs: tuple[PlannedRung, ...]
    unknown: str = ""  # why the accuracy to expect is not known
    input_check: InputCheck | None = None
    features: PlannedFeatures | None = None
    distance: DomainDistance | None = None
    synthetic: SyntheticEffect | None = None


def plan(
    path: str | Path,
    net: str | None = None,
    weights: str | Path | Sequence[str | Path] | None = None,
    time: str | float = "10m",
    seed: int = 0,
    device: str = "auto",
    test_size: float = 0.2,
    extras: Extras | None = None,
) -> Plan:
    """What `train` with these arguments would do. Nothing is trained, and nothing is written but features into the cache.

    Raises: as `train`, but TooLittleTime: then the plan says what is unknown.
    """
    check_kinds(net, weights, device, test_size, extras)
    extras, began = extras or Extras(), monotonic()
    _check_extras(extras)
    budget, where = seconds(time), find_device(device)
    catalog = scan(check_given(path), extras.images)
    if tell_table(catalog, extras.progress):
        test_size = 0
    relabelling = read_relabelling(extras.labels)
    sides = relabelling.sides if relabelling else {}
    check_judged(extras.ensembling, has_test=keeps_test(catalog, test_size, sides))
    starts, activations = starts_of(catalog, net, weights, extras), cache_folder(extras.cache)
    sided = place_images(catalog, starts[0], Placing(test_size, check_seed(seed), sides, relabelling), extras)
    begin = with_statistics(starts[0], sided, extras.progress)
    environment = RunEnvironment(None, activations, TimeBudget(budget), DecisionLog(None), progress=extras.progress)
    first = begin.policy(extras.augment)
    precision, has_test = begin.precision(extras.precision), bool(sided.split.test)
    fit_options = FitOptions(seed, where, precision, has_test, first, extras.recipe, extras.ensembling)
    start, sided, ranking = ranked((begin,) if len(starts) == 1 else starts, sided, fit_options, environment, within(extras.image_memory))
    augmentation = start.policy(extras.augment)
    context = context_of(sided.reading, sided.split, start, replace(fit_options, augmentation=augmentation), environment)
    limits, synthetic = within(extras.image_memory), None
    if made := look_into(extras.synthetic, catalog):
        images, synthetic = read_synthetic(made, sided, start, extras.progress, limits, allow_broken=extras.allow_broken)
        context = replace(context, synthetic=images)
    outlook = _from_scratch(start, context) if start.pretrained is None else _adapting(start, context)
    expected = next((rung.accuracy for rung in outlook.measured if rung.name == "linear head"), None)
    settings = (made.settings if made else {}) | extras.recipe.settings | extras.images.settings
    if extras.ensembling.kind:
        settings["ensemble"] = str(extras.ensembling)
    settings |= {"time": str(time), "seed": str(seed), "device": where, "test size": str(test_size), "precision": extras.precision}
    return Plan(
        path=str(path), images=images_seen(sided), audit=sided.audit, split=sided.split.summary, training=len(sided.split.train),
        test=len(sided.split.test), folds=tuple(map(len, context.folds)),
        start=start_of(start, len(context.classes), Asked(net, bool(listed_weights(weights))), sided), ranking=ranking,
        input_check=outlook.input_check, distance=outlook.distance,
        distance_unknown="" if outlook.distance else outlook.unknown,
        augmentation=augmentation_record(augmentation, NAME if start.pretrained is None else "last stage"),
        features=outlook.features, measured=outlook.measured, rungs=outlook.rungs, accuracy=expected,
        accuracy_unknown="" if expected else outlook.unknown, trials=outlook.trials, time=budget, seconds=monotonic() - began,
        synthetic=replace(synthetic, effect=outlook.synthetic) if synthetic else None,
        settings=settings, next=_next(extras.command, path),
    )  # fmt: skip


def _check_extras(extras: Extras) -> None:
    """Raises: BadValue for what concerns a run that is there already; BadValue, UnknownName for settings that `train` refuses."""
    for flag, given in (("--resume", extras.resume), ("--overwrite", extras.overwrite), ("--like", extras.like)):
        if given:
            why = "a plan is of a training that has not begun, by what can be measured now"
            raise BadValue(f"--plan and {flag} cannot be meant together.", why=why, mend=f"leave {flag} or --plan out")
    check_precision(extras.precision)
    check_every(extras.every)
    check_augment(extras.augment)
    within(extras.image_memory)


def _from_scratch(start: InitialWeights, context: TrainingContext) -> _Outlook:
    """The baselines, and how long training takes."""
    make = start.maker(len(context.classes))
    fresh = partial(_fresh, make, context)
    intended = intend(fresh, context)
    search, unsearched = foreseen(intended.search(fresh, context))
    needed = intended.seconds(context) + search
    networks = counted(intended.networks * max(1, context.ensembling.count), "network")
    visits = f"{counted(intended.plan.epochs, 'epoch')} of {context.spec.pixels} px at {intended.speed:.0f} images a second, {networks}"
    looked = f"rate and decay are not searched for: {unsearched}" if unsearched else f"{search:.0f} s of it to search rate and decay"
    rung = PlannedRung(NAME, True, needed, needed, f"{visits}; {looked}; the only rung without weights")
    return _Outlook(tuple(intended.trials), tuple(rung_0(context)[1]), (rung,), _SCRATCH)


def _fresh(make: Callable[[], Classifier], context: TrainingContext) -> Classifier:
    return shaped(make(), context.recipe, pretrained=False)


def _adapting(start: InitialWeights, context: TrainingContext) -> _Outlook:
    """The lower rungs themselves, and how long those above take."""
    net = shaped(start.make(len(context.classes)), context.recipe, pretrained=True)
    checked = check_input(net, context)
    try:
        lower = lower_rungs(net, context)
    except TooLittleTime as fault:
        return _Outlook((), (), (), f"{fault.what.rstrip('.')}: {fault.mend}", checked)
    features = lower.features
    seen = PlannedFeatures(features.maps.shape[1], features.speed, features.expected, features.took, features.cached)
    context = lower.context
    rungs = _ahead(net, lower, _with_features_there(context, features.took))
    distance = domain_distance(features.pooled[:, 0], context)
    return _Outlook(tuple(lower.notes.trials), tuple(lower.notes.rungs), rungs, "", checked, seen, distance, lower.synthetic)


def _with_features_there(context: TrainingContext, took: float) -> TrainingContext:
    """The same with as much time left as the training will have, which finds the features in the cache."""
    clock = context.environment.time_budget
    environment = replace(context.environment, time_budget=TimeBudget(clock.budget, max(0.0, clock.spent - took)))
    return replace(context, environment=environment)


def _ahead(net: Classifier, lower: LowerRungs, context: TrainingContext) -> tuple[PlannedRung, ...]:
    """The rungs above the linear head: whether each will be tried, and how long it takes."""
    right = lower.chosen.logits.argmax(1) == context.images.targets.numpy()
    left = context.environment.time_budget.left
    steps = rungs_ahead(net, lower, context)
    hidden = _hidden(context)
    if not steps:
        return (
            *hidden,
            PlannedRung("last stage", False, None, None, no_views(lower.features, context)),
        )
    first, *others = steps
    why = obstacle(first, context, right, len(context.folds))
    told = (
        why or f"the linear head leaves {counted(int((~right).sum()), 'error')} to mend; kept only if it surely mends more than it breaks"
    )
    planned = [*hidden, _planned(first, context, not why, told)]
    for step in others:
        before, least = planned[-1], step.needed(context, _least(context))
        if not before.tried:
            told = f"not reached: {before.name} is left"
        elif least > left - (before.least or 0):
            told = f"it needs {least:.0f} s, and {max(0.0, left - (before.least or 0)):.0f} s are left after {before.name}"
        else:
            told = f"only if {before.name} was surely better, and time is left"
        planned.append(_planned(step, context, told.startswith("only"), told))
    return tuple(planned)


def _hidden(context: TrainingContext) -> tuple[PlannedRung, ...]:
    """The hidden head, where one was asked for: how long it takes shows only when it learns, on features that are small."""
    if not context.recipe.hidden:
        return ()
    return (PlannedRung("hidden head", True, None, None, f"asked for: {context.recipe.hidden} units on the same features"),)


def _planned(step: TrainableRung, context: TrainingContext, tried: bool, why: str) -> PlannedRung:
    least, most = (step.needed(context, folds) for folds in (_least(context), context.folds))
    return PlannedRung(step.name, tried, least, most, why)


def _least(context: TrainingContext) -> tuple[NDArray[np.int64], ...]:
    """Folds that a rung learns without, one after another, before it can be taken: all, where each one has to be judged or to answer."""
    return context.folds if context.full_folds else context.folds[:1]


def _next(command: str, path: str | Path) -> str:
    """The command that trains as planned."""
    words = [word for word in shlex.split(command) if word not in ("--plan", "--json")]
    return shlex.join(words or ["receptron", "train", str(path)])
