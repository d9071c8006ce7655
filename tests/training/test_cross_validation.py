"""Whether a rung is climbed: only for a gain that is sure, never longer than time allows, and with the same answer after a restart."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import binomtest
from small import context
from torch import nn

from receptron.errors import NonFinite
from receptron.training.batches.sources import ViewSource
from receptron.training.checkpointing.decision_log import DecisionLog
from receptron.training.checkpointing.time_budget import TimeBudget
from receptron.training.context import TrainingContext
from receptron.training.hardware.device import Engine
from receptron.training.ladder import cross_validation as weighing
from receptron.training.ladder.cross_validation import TrainableRung, cross_validate, finish
from receptron.training.loop.hyperparameters import Hyperparameters

COUNT, FOLDS = 120, 4


def step(place: TrainingContext, right: NDArray[np.bool_], speed: float = 1e9) -> TrainableRung:
    """A rung that trains a tiny layer for show, and answers rightly exactly where `right` says."""
    truth = place.images.targets.numpy()

    def judge(_: nn.Module, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        answer = np.where(right[rows], truth[rows], (truth[rows] + 1) % 3)
        return np.eye(3)[answer]

    def source(rows: NDArray[np.int64]) -> ViewSource:
        part = place.images.part(rows)
        return ViewSource(torch.zeros(len(rows), 1, 4), part.names, part.targets)

    return TrainableRung("a rung", Hyperparameters(1, 64, 0.1), Engine(), speed, lambda _: nn.Linear(4, 3), source, judge)


def patterns(won: int, lost: int, seed: int = 0) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """What each rung gets right, where ours wins and loses so many images, spread at random."""
    order = np.random.default_rng(seed).permutation(COUNT)
    ours, theirs = np.zeros(COUNT, bool), np.zeros(COUNT, bool)
    ours[order[:won]] = theirs[order[won : won + lost]] = True
    ours[order[won + lost : won + lost + 30]] = theirs[order[won + lost : won + lost + 30]] = True
    return ours, theirs


@pytest.mark.parametrize(("won", "lost", "taken"), [(60, 0, True), (60, 10, True), (20, 18, False), (0, 0, False), (5, 60, False)])
def test_a_rung_is_taken_only_for_a_sure_gain(won: int, lost: int, taken: bool):
    place, (ours, theirs) = context(COUNT, folds=FOLDS), patterns(won, lost)
    found = cross_validate(step(place, ours), place, theirs, FOLDS)
    assert found.taken == taken and found.rung.taken == taken
    rows = found.rows
    assert found.rung.gain and found.rung.gain.value == pytest.approx((ours[rows].sum() - theirs[rows].sum()) / len(rows))
    assert found.rung.accuracy and found.rung.accuracy.value == pytest.approx(ours[rows].mean())
    assert len(found.modules) == found.rows.size // 30
    assert taken or len(found.modules) == (FOLDS if (won, lost) == (20, 18) else 1 if lost else FOLDS), "a lost cause is left early"
    assert np.array_equal(found.rows, np.concatenate(place.folds[: len(found.modules)]))


def test_chance_alone_climbs_in_less_than_five_per_cent():
    """Two rungs of the same skill, looked at after every fold: the stricter level of each look must keep the whole below 5 %."""
    outcome, looser, draw = 0, 0, np.random.default_rng(0)
    for _ in range(2000):
        ours, theirs = draw.random((2, 250)) < 0.85
        counts = [(int((ours & ~theirs)[:n].sum()), int((~ours & theirs)[:n].sum())) for n in (50, 100, 150, 200, 250)]
        outcome += any(weighing._sure(ours[:n], theirs[:n], None, 5) for n in (50, 100, 150, 200, 250))
        looser += any(won > lost and binomtest(won, won + lost).pvalue <= 0.10 for won, lost in counts)
    assert outcome / 2000 < 0.05
    assert looser / 2000 > 0.05, "the mutated twin: a looser level would let chance through"


def test_a_sure_gain_stops_looking_early_unless_every_fold_is_wanted():
    ours, theirs = patterns(90, 0)
    early, full = context(COUNT, folds=FOLDS), context(COUNT, folds=FOLDS, full=True)
    assert len(cross_validate(step(early, ours), early, theirs, FOLDS).modules) == 1
    assert len(cross_validate(step(full, ours), full, theirs, FOLDS).modules) == FOLDS


def test_no_rung_starts_that_would_not_end_in_time():
    place, (ours, theirs) = context(COUNT, folds=FOLDS, seconds=100), patterns(60, 0)
    slow = step(place, ours, speed=1.0)  # one epoch of a fold's 90 and then all 120 images: 210 s
    found = cross_validate(slow, place, theirs, FOLDS)
    assert not found.taken and not found.modules and found.rung.accuracy is None
    assert "3.5 min" in found.rung.why and "100 s are left" in found.rung.why and found.rung.short_of_time
    enough = context(COUNT, folds=FOLDS, seconds=230)
    assert cross_validate(step(enough, ours, speed=1.0), enough, theirs, FOLDS).taken


def test_a_decision_about_time_stands_after_a_restart(tmp_path: Path):
    ours, theirs = patterns(20, 18)
    first = context(COUNT, tmp_path, folds=FOLDS, seconds=1000)
    assert len(cross_validate(step(first, ours, 10.0), first, theirs, FOLDS).modules) == FOLDS
    late = context(COUNT, tmp_path, folds=FOLDS)
    late = replace(
        late, environment=replace(late.environment, time_budget=TimeBudget(1.0), decisions=DecisionLog(tmp_path / "decisions.json"))
    )
    assert len(cross_validate(step(late, ours, 10.0), late, theirs, FOLDS).modules) == FOLDS
    anew = context(COUNT, folds=FOLDS, seconds=1.0)
    assert not cross_validate(step(anew, ours, 10.0), anew, theirs, FOLDS).modules


def test_after_a_ctrl_c_no_fold_is_begun():
    place, (ours, theirs) = context(COUNT, folds=FOLDS), patterns(60, 0)
    place.environment.signals.stop = True
    found = cross_validate(step(place, ours), place, theirs, FOLDS)
    assert not found.modules and found.rung.why == "it was interrupted" and not found.rung.short_of_time


def test_after_a_sigterm_no_fold_is_begun_and_the_run_leaves():
    place, (ours, theirs) = context(COUNT, folds=FOLDS), patterns(60, 0)
    place.environment.signals.terminate = True
    with pytest.raises(SystemExit) as left:
        cross_validate(step(place, ours), place, theirs, FOLDS)
    assert left.value.code == 143


def test_a_fold_that_was_interrupted_is_judged_as_it_is():
    place, (ours, theirs) = context(COUNT, folds=FOLDS), patterns(60, 0)
    rung = step(place, ours)

    def interrupting(fold: int) -> nn.Module:
        place.environment.signals.stop = True
        return rung.start(fold)

    found = cross_validate(replace(rung, start=interrupting), place, theirs, FOLDS)
    assert found.taken and len(found.modules) == 1 and len(found.rows) == 30


def test_answers_that_are_not_finite_stop_and_name_the_images():
    place, (ours, theirs) = context(COUNT, folds=FOLDS), patterns(60, 0)
    rung = step(place, ours)

    def judge(module: nn.Module, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        said = rung.judge(module, rows)
        said[1] = np.nan
        return said

    with pytest.raises(NonFinite, match=place.images.names[place.folds[0][1]]):
        cross_validate(replace(rung, judge=judge), place, theirs, FOLDS)


def test_the_last_training_goes_on_from_a_copy_of_the_first_folds_network_for_half_the_epochs():
    place, (ours, _) = context(COUNT, folds=FOLDS), patterns(60, 0)
    seen: list[int] = []

    def source(rows: NDArray[np.int64]) -> ViewSource:
        seen.append(len(rows))
        part = place.images.part(rows)
        return ViewSource(torch.ones(len(rows), 1, 4), part.names, part.targets)

    rung = replace(step(place, ours), plan=Hyperparameters(6, 30, 0.1), source=source)
    first = nn.Linear(4, 3)
    before = {name: value.clone() for name, value in first.state_dict().items()}
    module, fitted = finish(rung, place, first)
    assert seen == [COUNT] and len(fitted.points) == 3
    assert all(torch.equal(value, before[name]) for name, value in first.state_dict().items()), "the fold's own network stays as judged"
    assert not torch.equal(module.weight, first.weight)
    still = replace(rung, plan=replace(rung.plan, rate=0.0, decay=0.0))
    assert torch.equal(finish(still, place, first)[0].weight, first.weight), "without a rate it ends where the fold's network stood"


def test_a_gain_that_can_hardly_be_shown_any_more_is_not_trained_for():
    """8 errors and five looks: 7 of them would have to be mended, which half a chance each brings about in 3.5 % of cases."""
    place, theirs = context(COUNT, folds=FOLDS), np.ones(COUNT, bool)
    theirs[:8] = False
    found = cross_validate(step(place, theirs), place, theirs, FOLDS)
    assert not found.modules and not found.taken and found.rung.accuracy is None
    assert "a sure gain would need 7 of the 8 errors left mended and none broken" in found.rung.why and not found.rung.short_of_time


@pytest.mark.parametrize(
    ("errors", "won", "lost", "goes_on"), [(40, 0, 0, True), (6, 0, 0, False), (5, 6, 0, True), (6, 3, 4, False), (0, 0, 0, False)]
)
def test_hope_is_what_the_binomial_says(errors: int, won: int, lost: int, goes_on: bool):
    """Against a count over all outcomes: each error that is left is mended with a chance of one half."""
    tried = won + lost
    below = np.ones(200, bool)
    below[:won] = False
    below[tried : tried + errors] = False
    right = np.ones(tried, bool)
    right[won:] = False
    sure = [n for n in range(errors + 1) if won + n > lost and binomtest(won + n, won + n + lost).pvalue <= weighing.LEVELS[4]]
    chance = sum(math.comb(errors, n) for n in sure) / 2**errors
    assert (chance >= weighing.HOPE) == goes_on
    assert (weighing._hopeless(right, below, np.arange(tried), context(len(below)), 4) == "") == goes_on


def test_a_fold_that_the_clock_cut_short_does_not_count(tmp_path: Path):
    ours, theirs = patterns(60, 0)
    place = context(COUNT, tmp_path, folds=FOLDS)
    slow = replace(step(place, ours), plan=Hyperparameters(3, 64, 0.1))
    place.environment.decisions.note("time was up in a rung, without fold 1, after epoch", 1)
    found = cross_validate(slow, place, theirs, FOLDS)
    assert not found.modules and found.rung.short_of_time and "the time was up in fold 1: give it --time" in found.rung.why
    assert len(found.points) == 1, "one epoch was trained, and is told"


@pytest.mark.parametrize(("groups", "hopeless"), [(4, True), (6, True), (12, False), (COUNT, False)])
def test_too_few_groups_for_a_sure_gain_are_told_before_anything_is_trained(groups: int, hopeless: bool):
    """Of four groups all can gain by chance in one case of eight; no number of images in them makes up for that."""
    place, (ours, theirs) = context(COUNT, folds=FOLDS), patterns(90, 0)
    place = replace(place, images=replace(place.images, groups=np.arange(COUNT) % groups))
    found = cross_validate(step(place, np.ones(COUNT, bool)), place, theirs, FOLDS)
    assert found.taken != hopeless and bool(found.modules) != hopeless
    assert ("no gain could be sure" in found.rung.why) == hopeless
    assert ours.any()


def test_a_gain_in_one_group_is_not_sure():
    place, theirs = context(COUNT, folds=FOLDS), np.zeros(COUNT, bool)
    theirs[60:] = True
    ours = np.r_[np.ones(40), np.zeros(20), np.ones(60)] > 0
    assert weighing._sure(ours, theirs, None, FOLDS)
    assert not weighing._sure(ours, theirs, np.r_[np.zeros(40), np.arange(1, 81)].astype(np.int64), FOLDS)
    assert place.groups_of(np.arange(4)) is None
