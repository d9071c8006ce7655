"""Intervals against closed forms, exhaustive coverage and independent numerical solutions."""

import doctest
from math import comb, sqrt

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import binom, binomtest, bootstrap, multinomial

from receptron.errors import BadValue
from receptron.evaluation import confidence_intervals
from receptron.evaluation.records import Estimate


@pytest.mark.parametrize("right, count", [(0, 1), (1, 1), (9, 10), (0, 7), (216, 240), (240, 240), (1, 5000)])
def test_wilson_agrees_with_scipy(right: int, count: int):
    theirs = binomtest(right, count).proportion_ci(method="wilson")
    ours = confidence_intervals.wilson(right, count)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert ours.low <= ours.value <= ours.high


def test_a_cross_validated_share_is_told_as_if_fewer_images_had_been_seen():
    theirs = binomtest(50, 100).proportion_ci(method="wilson")
    ours = confidence_intervals.out_of_fold(70, 140, 5)
    assert (ours.value, ours.count) == (0.5, 140)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert confidence_intervals.out_of_fold(0, 0, 5) == confidence_intervals.wilson(0, 0)
    assert confidence_intervals.out_of_fold(70, 140, 1) == confidence_intervals.wilson(70, 140), "one network answers independently"


def test_wilson_of_a_perfect_score_is_not_certain():
    assert confidence_intervals.wilson(10, 10).low == pytest.approx(10 / (10 + confidence_intervals.Z**2))
    assert confidence_intervals.wilson(10, 10).high == 1.0


def test_no_images_say_nothing():
    nothing = confidence_intervals.wilson(0, 0)
    assert (nothing.low, nothing.high, nothing.count) == (0.0, 1.0, 0)


def test_the_doctests_hold():
    found = doctest.testmod(confidence_intervals, optionflags=doctest.ELLIPSIS)
    assert found.attempted and not found.failed


@pytest.mark.parametrize("right, count", [(-1, 3), (4, 3)])
def test_impossible_counts_are_refused(right: int, count: int):
    with pytest.raises(BadValue, match=f"got {right} of {count}"):
        confidence_intervals.wilson(right, count)


def score_by_likelihood(won: int, lost: int, count: int, delta: float) -> float:
    """Tango's statistic with the restricted estimate found by maximising the likelihood numerically, not by his formula."""
    even = count - won - lost

    def minus_log_likelihood(q: float) -> float:
        cells = ((won, q + delta), (lost, q), (even, 1 - 2 * q - delta))
        return -sum(n * np.log(max(p, 1e-300)) for n, p in cells)

    bounds = (max(0, -delta) + 1e-13, (1 - delta) / 2 - 1e-13)
    q = minimize_scalar(minus_log_likelihood, bounds=bounds, method="bounded", options={"xatol": 1e-12}).x
    return (won - lost - count * delta) / sqrt(count * (2 * q + delta * (1 - delta)))


@pytest.mark.parametrize("won, lost, count", [(9, 2, 30), (2, 9, 30), (25, 10, 240), (3, 3, 12)])
def test_the_paired_limits_solve_the_score_equation(won: int, lost: int, count: int):
    low, high = confidence_intervals.tango_limits(won, lost, count)
    assert score_by_likelihood(won, lost, count, low) == pytest.approx(confidence_intervals.Z, abs=2e-3)
    assert score_by_likelihood(won, lost, count, high) == pytest.approx(-confidence_intervals.Z, abs=2e-3)


def pairs(won: int, lost: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    ours = np.r_[np.ones(won), np.zeros(lost), np.ones(count - won - lost)]
    theirs = np.r_[np.zeros(won), np.ones(lost), np.ones(count - won - lost)]
    return ours, theirs


@pytest.mark.parametrize("count", [1, 2, 10, 240])
def test_no_discordant_pairs_still_leave_room_on_both_sides(count: int):
    gain = confidence_intervals.paired_gain(*pairs(0, 0, count))
    room = confidence_intervals.Z**2 / (count + confidence_intervals.Z**2)  # the score equation's closed form where nothing differs
    assert (gain.low, gain.value, gain.high) == pytest.approx((-room, 0, room))


@pytest.mark.parametrize("won, lost, count", [(1, 0, 1), (0, 1, 1), (5, 0, 5), (0, 8, 8), (6, 0, 6)])
def test_all_discordant_pairs_are_solved(won: int, lost: int, count: int):
    gain = confidence_intervals.paired_gain(*pairs(won, lost, count))
    assert -1 <= gain.low <= gain.value <= gain.high <= 1
    assert gain.low < 1 and gain.high > -1


def test_the_gain_excludes_zero_only_where_the_exact_test_rejects():
    for won in range(13):
        for lost in range(13):
            gain = confidence_intervals.paired_gain(*pairs(won, lost, 40))
            p = min(1.0, 2 * sum(comb(won + lost, k) for k in range(max(won, lost), won + lost + 1)) / 2 ** (won + lost))
            if gain.low > 0 or gain.high < 0:
                assert p <= 0.05, (won, lost)


def test_the_gain_is_antisymmetric():
    ours, theirs = pairs(11, 4, 60)
    one, other = confidence_intervals.paired_gain(ours, theirs), confidence_intervals.paired_gain(theirs, ours)
    assert (one.low, one.value, one.high) == pytest.approx((-other.high, -other.value, -other.low))


@pytest.mark.parametrize("count", [8, 25])
@pytest.mark.parametrize("p_won, p_lost", [(0.02, 0.02), (0.1, 0.1), (0.3, 0.05), (0.05, 0.3), (0.2, 0.0), (0.45, 0.45)])
def test_the_gain_covers_the_truth_over_every_possible_table(count: int, p_won: float, p_lost: float):
    covered = 0.0
    for won in range(count + 1):
        for lost in range(count - won + 1):
            chance = multinomial.pmf([won, lost, count - won - lost], count, [p_won, p_lost, 1 - p_won - p_lost])
            if chance > 1e-9:
                gain = confidence_intervals.paired_gain(*pairs(won, lost, count))
                covered += chance * (gain.low <= p_won - p_lost <= gain.high)
    assert covered >= 0.935


def test_unequal_lengths_are_refused():
    with pytest.raises(BadValue, match="shapes \\(3,\\) and \\(4,\\)"):
        confidence_intervals.paired_gain([1, 0, 1], [1, 0, 1, 1])
    with pytest.raises(BadValue, match="at least one image"):
        confidence_intervals.paired_gain([], [])


def interval_of_mean(values: np.ndarray, seed: int, resamples: int = 2_000) -> Estimate:
    return confidence_intervals.basic_bootstrap(lambda weights: weights @ values / len(values), len(values), seed=seed, resamples=resamples)


def test_the_bootstrap_of_a_mean_agrees_with_scipy():
    values = np.random.default_rng(1).gamma(2, size=120)
    ours = interval_of_mean(values, seed=3, resamples=20_000)
    theirs = bootstrap((values,), np.mean, n_resamples=20_000, method="basic", rng=5).confidence_interval
    assert ours.value == pytest.approx(values.mean())
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), rel=0.01)


def test_the_bootstrap_of_a_coin_is_the_binomial():
    draws = confidence_intervals.resample(lambda weights: weights[:, :30].sum(1), 100, seed=2, resamples=40_000)
    for quantile in (0.025, 0.5, 0.975):
        assert np.quantile(draws, quantile) == pytest.approx(binom.ppf(quantile, 100, 0.3), abs=1)


def test_the_bootstrap_gives_the_same_interval_for_the_same_seed_only():
    values = np.random.default_rng(1).normal(size=50)
    assert interval_of_mean(values, seed=4) == interval_of_mean(values, seed=4)
    assert interval_of_mean(values, seed=4) != interval_of_mean(values, seed=5)


def test_batches_of_resamples_hold_every_image(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(confidence_intervals, "_CELLS", 700)
    draws = confidence_intervals.resample(lambda weights: weights.sum(axis=1), 100, resamples=33)
    assert draws.tolist() == [100.0] * 33


@pytest.mark.parametrize("hits, misses, alarms", [(30, 5, 9), (10, 0, 0), (0, 4, 2), (0, 0, 0)])
def test_f1_is_the_harmonic_mean_and_lies_in_its_interval(hits: int, misses: int, alarms: int):
    found = confidence_intervals.f1(hits, misses, alarms)
    total = 2 * hits + misses + alarms
    assert found.value == pytest.approx(2 * hits / total if total else 0)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.high - found.low > 0.05


def test_f1_covers_the_truth():
    rng, cells = np.random.default_rng(0), np.array([0.3, 0.06, 0.04, 0.6])  # hits, misses, false alarms, the rest
    truth = 2 * cells[0] / (2 * cells[0] + cells[1] + cells[2])
    found = [confidence_intervals.f1(*map(int, rng.multinomial(80, cells)[:3])) for _ in range(1500)]
    assert np.mean([one.low <= truth <= one.high for one in found]) >= 0.93


SUPPORTS = {
    "few classes": ((60, 60, 60), (0.95, 0.8, 0.6)),
    "a rare and hard class": ((1000, 10), (0.99, 0.8)),
    "nearly all right": ((36,) * 10, (0.99,) * 10),
    "few images of many classes": ((3,) * 100, tuple(np.linspace(0.7, 1, 100))),
    "one image per class": ((1,) * 300, (0.866,) * 300),
}


@pytest.mark.parametrize("case", SUPPORTS)
def test_balanced_accuracy_covers_the_truth(case: str):
    rng, (supports, recalls) = np.random.default_rng(1), SUPPORTS[case]
    covered = 0
    for _ in range(400):
        parts = [confidence_intervals.wilson(int(rng.binomial(n, p)), n) for n, p in zip(supports, recalls, strict=True)]
        found = confidence_intervals.mean_of_proportions(parts)
        covered += found.low <= np.mean(recalls) <= found.high
    assert covered / 400 >= 0.93


def test_balanced_accuracy_of_one_class_is_its_recall():
    one = confidence_intervals.wilson(7, 10)
    found = confidence_intervals.mean_of_proportions([one])
    assert (found.value, found.low, found.high) == pytest.approx((one.value, one.low, one.high))


def test_classes_without_images_do_not_count_in_the_mean():
    parts = [confidence_intervals.wilson(8, 10), confidence_intervals.wilson(0, 0), confidence_intervals.wilson(3, 10)]
    assert confidence_intervals.mean_of_proportions(parts).value == pytest.approx(0.55)
    assert confidence_intervals.mean_of_proportions([]).high == 1.0
