"""The search of rate and decay from scratch: what it may look at, what it chooses, what it remembers, when it leaves off."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import sem
from small import context

from receptron.errors import NonFinite
from receptron.training.checkpointing.decision_log import DecisionLog
from receptron.training.context import TrainingContext
from receptron.training.hardware.device import Engine
from receptron.training.ladder import from_scratch, scratch_search
from receptron.training.ladder.from_scratch import train_from_scratch
from receptron.training.ladder.scratch_search import DECAYS, FEW, RATES, Result, Search, foreseen, searched
from receptron.training.loop.hyperparameters import Hyperparameters
from receptron.training.loop.recipe import Recipe
from receptron.training.records import TriedPoint
from receptron.zoo import build

PLAN = Hyperparameters(18, 15, RATES[0], decay=DECAYS[0])
NONE: dict[tuple[float, float], float] = {}
ALL = tuple(itertools.product(RATES, DECAYS))


def make():
    return build("lenet5", classes=3, channels=3)


def search(place: TrainingContext, speed: float = 1e9, plan: Hyperparameters = PLAN) -> Search:
    return Search(make, place, plan, Engine(), speed)


def losses(monkeypatch: pytest.MonkeyPatch, table: dict[tuple[float, float], float | None], later: dict[tuple[float, float], float] = NONE):
    """What each point reaches on every image, in the first round and, where it differs, in the second; and the rows that were seen."""
    seen: list[tuple[np.ndarray, np.ndarray]] = []

    def tried(_: Search, name: object, plan: Hyperparameters, learning: np.ndarray, asked: np.ndarray) -> Result:
        seen.append((learning, asked))
        point = plan.rate, plan.decay
        loss = later.get(point, table[point]) if plan.epochs == 6 else table[point]
        if loss is None:
            return Result(TriedPoint(*point, plan.epochs, None, None))
        return Result(TriedPoint(*point, plan.epochs, loss, 0.5), np.full(len(asked), loss))

    monkeypatch.setattr(scratch_search, "_tried", tried)
    return seen


@pytest.mark.parametrize("seed", range(12))
def test_the_choice_is_that_of_halving_by_hand(seed: int, monkeypatch: pytest.MonkeyPatch):
    """The four best of twelve short trainings and the default go on; the best of these longer ones is chosen."""
    rng = np.random.default_rng(seed)
    first, second = ({point: float(loss) for point, loss in zip(ALL, rng.random(12), strict=True)} for _ in range(2))
    losses(monkeypatch, first, second)
    ordered = sorted(ALL, key=lambda point: first[point])[:4]
    finalists = ordered if ALL[0] in ordered else [*ordered[:3], ALL[0]]
    found = searched(search(context(60, folds=5)), 0)
    assert (found.rate, found.decay) == min(finalists, key=lambda point: second[point])
    assert [(one.rate, one.decay) for one in found.tried] == [*ALL, *finalists]
    assert [one.epochs for one in found.tried] == [2] * 12 + [6] * 4
    assert f"{second[found.rate, found.decay]:.3f}" in found.words and not found.unknown


@pytest.mark.parametrize(("folds", "judged", "aside"), [(10, 0, 3), (5, 0, 1), (5, 4, 1), (3, 1, 1), (4, 3, 1)])
def test_the_fold_that_judges_takes_no_part_in_the_choice(folds: int, judged: int, aside: int, monkeypatch: pytest.MonkeyPatch):
    place = context(90, folds=folds)
    seen = losses(monkeypatch, dict.fromkeys(ALL, 1.0))
    found = searched(search(place), judged)
    for learning, asked in seen:
        parts = [set(learning.tolist()), set(asked.tolist()), set(place.folds[judged].tolist())]
        assert sorted(itertools.chain(*parts)) == list(range(90)), "all images, each in one part"
    assert found.chosen_by == sum(len(place.folds[(judged + 1 + i) % folds]) for i in range(aside))


def test_equal_points_leave_the_default(monkeypatch: pytest.MonkeyPatch):
    losses(monkeypatch, dict.fromkeys(ALL, 1.0))
    found = searched(search(context(60, folds=5)), 0)
    assert (found.rate, found.decay) == found.default == ALL[0] and "it is the default" in found.words


def drawn(monkeypatch: pytest.MonkeyPatch, usual: np.ndarray, best: np.ndarray):
    """One point has the losses `best` on the images set aside, the default has `usual`, all others are far worse."""

    def tried(_: Search, name: object, plan: Hyperparameters, learning: np.ndarray, asked: np.ndarray) -> Result:
        point = plan.rate, plan.decay
        found = {ALL[0]: usual, ALL[7]: best}.get(point, np.full(len(asked), 99.0))
        assert len(found) == len(asked)
        return Result(TriedPoint(*point, plan.epochs, float(found.mean()), 0.5), found)

    monkeypatch.setattr(scratch_search, "_tried", tried)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("size", [1, 3])
def test_the_default_is_left_only_for_a_point_that_is_better_by_more_than_one_standard_error(
    seed: int, size: int, monkeypatch: pytest.MonkeyPatch
):
    """The standard error as scipy has it: of the paired differences of images, or of their means in groups of equal size."""
    rng, place = np.random.default_rng(seed), context(60, folds=5)
    usual = rng.random(12) + 0.5
    best = usual - rng.normal(0.1, 0.3, 12)
    if size > 1:
        aside = np.sort(place.folds[1])
        numbers = np.arange(60) + 100
        numbers[aside] = np.arange(12) // size
        place = replace(place, images=replace(place.images, groups=numbers))
    drawn(monkeypatch, usual, best)
    found, differences = searched(search(place), 0), (usual - best).reshape(-1, size).mean(1)
    gain, error = differences.mean(), sem(differences)
    if gain <= 0:
        assert (found.rate, found.decay) == ALL[0] and found.gain is None and "it is the default" in found.words
        return
    assert (found.gain, found.error) == (pytest.approx(gain), pytest.approx(error))
    assert (found.rate, found.decay) == (ALL[7] if gain > error else ALL[0])
    assert ("which is more than one" in found.words) == (gain > error) and ("stay, the default" in found.words) == (gain <= error)
    assert f"{error:.3f}" in found.words and f"{gain:.3f}" in found.words


def test_one_group_alone_cannot_tell_an_error_and_leaves_the_default(monkeypatch: pytest.MonkeyPatch):
    place, numbers = context(60, folds=5), np.arange(60) + 100
    numbers[place.folds[1]] = 0
    drawn(monkeypatch, np.full(12, 2.0), np.full(12, 1.0))
    found = searched(search(replace(place, images=replace(place.images, groups=numbers))), 0)
    assert (found.rate, found.decay) == ALL[0] and found.gain == 1.0 and found.error is None and "cannot be told" in found.words


@pytest.mark.parametrize("more", [0, 1])
def test_it_acts_by_itself_up_to_so_many_training_images(more: int, monkeypatch: pytest.MonkeyPatch):
    seen, place = losses(monkeypatch, dict.fromkeys(ALL, 1.0)), context(60, folds=5)
    monkeypatch.setattr(scratch_search, "FEW", 60 - more)
    found = searched(search(place), 0)
    assert bool(seen) == (not more) and ("59 training images, and here are 60" in found.unknown) == bool(more)
    assert FEW == 1000, "the regime of Brigato & Iocchi 2021"


@pytest.mark.parametrize(("folds", "full", "epochs"), [(5, False, 18), (3, True, 20), (10, False, 36)])
def test_its_time_is_foreseen_by_the_images_that_it_then_shows(folds: int, full: bool, epochs: int, monkeypatch: pytest.MonkeyPatch):
    """Counted where they are shown: epochs times images of each phase, at the speed given; and told before the first."""
    shown, told, place, own = [], [], context(60, folds=folds, full=full), scratch_search.fit
    monkeypatch.setattr(scratch_search, "DECAYS", (5e-4, 5e-3))

    def fit(phase, *rest):
        shown.append(phase.plan.epochs * len(phase.source.names))
        return own(replace(phase, plan=replace(phase.plan, epochs=1)), *rest)

    monkeypatch.setattr(scratch_search, "fit", fit)
    monkeypatch.setattr(place.environment.progress, "tell", lambda line: told.append((len(shown), line)))
    asked = replace(search(place, 10.0, replace(PLAN, epochs=epochs)), networks=folds if full else 1)
    seconds, why = foreseen(asked)
    for judged in range(asked.networks):
        searched(asked, judged)
    assert not why and seconds == pytest.approx(sum(shown) / 10.0)
    assert told == [(0, f"A search of rate and decay takes about {seconds:.0f} s more: --rate with --decay spares it.")]


def test_points_that_diverge_are_never_chosen_and_told(monkeypatch: pytest.MonkeyPatch):
    losses(monkeypatch, {point: 0.7 if point == ALL[5] else None for point in ALL})
    found = searched(search(context(60, folds=5)), 0)
    assert (found.rate, found.decay) == ALL[5] and "the default diverged" in found.words
    losses(monkeypatch, dict.fromkeys(ALL, None))
    none = searched(search(context(60, folds=5)), 0)
    assert (none.rate, none.decay) == ALL[0] and "every one of 12 tried diverged" in none.words


def test_a_training_that_diverges_is_a_point_that_failed(monkeypatch: pytest.MonkeyPatch):
    own = scratch_search.fit

    def fit(phase, *rest):
        if phase.plan.rate > 0.05:
            raise NonFinite("the loss became NaN")
        return own(phase, *rest)

    monkeypatch.setattr(scratch_search, "fit", fit)
    found = searched(search(context(60, folds=5)), 0)
    assert found.rate < 0.05 and {one.rate for one in found.tried if one.loss is None} == {0.1, 0.3}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"speed": 1.0}, "give it --time"),
        ({"plan": replace(PLAN, epochs=17)}, "17 epochs are too few to halve: 18"),
        ({"recipe": Recipe(rate=0.1, decay=0.0)}, "both were set"),
        ({"recipe": Recipe(optimiser="adamw")}, "not for adamw"),
        ({"recipe": Recipe(rate="find")}, "a range test"),
        ({"folds": 2}, "two folds leave no images"),
    ],
)
def test_where_no_search_is_possible_the_default_is_taken_and_told(change: dict, why: str, monkeypatch: pytest.MonkeyPatch):
    seen = losses(monkeypatch, {})
    place = replace(context(60, folds=change.get("folds", 5), seconds=60), recipe=change.get("recipe", Recipe()))
    found = searched(search(place, change.get("speed", 1e9), change.get("plan", PLAN)), 0)
    assert not seen and not found.tried and (found.rate, found.decay) == (PLAN.rate, PLAN.decay)
    assert why in found.unknown and why in found.words
    assert foreseen(search(place, change.get("speed", 1e9), change.get("plan", PLAN))) == (0.0, found.unknown)


def test_what_is_set_is_not_varied(monkeypatch: pytest.MonkeyPatch):
    table = {(0.07, decay): 1 - decay for decay in DECAYS}
    losses(monkeypatch, table)
    place = replace(context(60, folds=5), recipe=Recipe(rate=0.07))
    found = searched(search(place, plan=replace(PLAN, rate=0.07)), 0)
    assert (found.rate, found.decay) == (0.07, max(DECAYS)) and {one.rate for one in found.tried} == {0.07}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(from_scratch, "EPOCHS", (18, 18))
    monkeypatch.setattr(scratch_search, "RATES", (0.1, 0.01))
    monkeypatch.setattr(scratch_search, "DECAYS", (5e-4, 5e-3))


@pytest.mark.usefixtures("small")
def test_a_search_broken_off_anywhere_ends_in_the_same_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A process that dies after so many phases, and another that goes on from its checkpoints and decisions."""
    whole = train_from_scratch(make, context(60, tmp_path / "whole", folds=5))
    own = scratch_search.fit
    for last in (0, 3, 5):
        count, work = itertools.count(), tmp_path / str(last)

        def dying(phase, engine, hooks, last=last, count=count):
            if next(count) == last:
                raise KeyboardInterrupt
            return own(phase, engine, hooks)

        monkeypatch.setattr(scratch_search, "fit", dying)
        with pytest.raises(KeyboardInterrupt):
            train_from_scratch(make, context(60, work, folds=5))
        monkeypatch.setattr(scratch_search, "fit", own)
        again = train_from_scratch(make, context(60, work, folds=5))
        assert again.searches == whole.searches and len(whole.searches[0].tried) == 8
        states = whole.outcome.net.state_dict(), again.outcome.net.state_dict()
        assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


@pytest.mark.usefixtures("small")
def test_a_ctrl_c_in_the_search_leaves_a_network_and_a_later_sitting_searches_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    whole = train_from_scratch(make, context(60, tmp_path / "whole", folds=5))
    place, own = context(60, tmp_path / "cut", folds=5), scratch_search.fit

    def stopping(phase, engine, hooks):
        place.environment.signals.stop = True
        return own(phase, engine, hooks)

    monkeypatch.setattr(scratch_search, "fit", stopping)
    cut = train_from_scratch(make, place)
    assert cut.searches[0].unknown == "it was interrupted" and "interrupted" in cut.rungs[-1].why
    monkeypatch.setattr(scratch_search, "fit", own)
    again = train_from_scratch(make, context(60, tmp_path / "cut", folds=5))
    assert again.searches == whole.searches
    states = whole.outcome.net.state_dict(), again.outcome.net.state_dict()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


@pytest.mark.usefixtures("small")
def test_a_run_like_another_takes_its_choice_without_a_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    first = context(60, tmp_path / "first", folds=5)
    whole = train_from_scratch(make, first)
    monkeypatch.setattr(scratch_search, "fit", None)
    place = context(60, folds=5)
    place = replace(place, environment=replace(place.environment, decisions=DecisionLog(None, first.environment.decisions.timed)))
    again = train_from_scratch(make, place)
    assert again.searches == whole.searches
    assert all(
        torch.equal(a, b) for a, b in zip(whole.outcome.net.state_dict().values(), again.outcome.net.state_dict().values(), strict=True)
    )


@pytest.mark.usefixtures("small")
def test_where_every_fold_judges_each_network_has_a_choice_of_its_own():
    place = context(60, folds=3, full=True)
    found, sizes = train_from_scratch(make, place), [len(fold) for fold in place.folds]
    told = [(one.chosen_by, one.learnt_from) for one in found.searches]
    assert told == [(sizes[1], sizes[2]), (sizes[2], sizes[0]), (sizes[0], sizes[1])]


def test_a_run_like_one_without_time_is_not_told_to_ask_for_more(monkeypatch: pytest.MonkeyPatch):
    losses(monkeypatch, {})
    first = context(60, folds=5, seconds=60)
    assert "--time" in searched(search(first, 1.0), 0).unknown
    place = context(60, folds=5)
    place = replace(place, environment=replace(place.environment, decisions=DecisionLog(None, first.environment.decisions.timed)))
    found = searched(search(place, 1.0), 0)
    assert "--time" not in found.words and "leave --like out" in found.unknown and found.rate == PLAN.rate
