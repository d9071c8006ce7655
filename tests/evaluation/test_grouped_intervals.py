"""Intervals with the group as the unit: against closed forms, against all outcomes reckoned one by one, and by their coverage."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import binomtest, t

from receptron.evaluation import confidence_intervals, grouped_intervals, metrics
from receptron.evaluation.records import TOO_FEW, Estimate


def flags(*groups: str) -> tuple[np.ndarray, np.ndarray]:
    """Right answers (1) and wrong ones (0), a string for each group -> flags and numbers of groups."""
    return np.array([c == "1" for c in "".join(groups)]), np.repeat(np.arange(len(groups)), [len(g) for g in groups])


def everyone(right: np.ndarray) -> np.ndarray:
    return np.ones(len(right), bool)


def test_without_groups_everything_is_as_for_independent_images():
    rng = np.random.default_rng(0)
    truth, said, other = rng.integers(0, 3, (3, 60))
    right, theirs = said == truth, other == truth
    for alone in (None, grouped_intervals.numbered(rng.permutation(60))):
        assert grouped_intervals.share(right, everyone(right), alone) == confidence_intervals.wilson(int(right.sum()), 60)
        assert grouped_intervals.paired_gain(right, theirs, alone) == confidence_intervals.paired_gain(right, theirs)
        assert grouped_intervals.share(right, everyone(right), alone, 5) == confidence_intervals.out_of_fold(int(right.sum()), 60, 5)


@pytest.mark.parametrize("count", [4, 5, 8, 40])
def test_groups_that_are_all_right_count_once_each(count: int):
    right, groups = flags(*["1" * 10] * count)
    found, quantile = grouped_intervals.share(right, everyone(right), groups), t.ppf(0.975, count - 1)
    assert found.low == pytest.approx(count / (count + quantile**2)) and found.high == 1
    assert found.low < confidence_intervals.wilson(10 * count, 10 * count).low - 0.02
    wrong = grouped_intervals.share(~right, everyone(right), groups)
    assert (wrong.low, wrong.high) == pytest.approx((0, 1 - found.low))


def test_groups_that_are_wholly_right_or_wrong_are_worth_one_image_each():
    right, groups = flags("1" * 8, "0" * 8, "1" * 8, "1" * 8, "0" * 8, "1" * 8, "1" * 8, "0" * 8, "1" * 8, "1" * 8)
    found = grouped_intervals.share(right, everyone(right), groups)
    wider, narrower = (binomtest(round(0.7 * n), n).proportion_ci(method="wilson") for n in (6, 20))
    assert found.value == 0.7
    assert narrower.high - narrower.low < found.high - found.low < wider.high - wider.low


def test_the_jackknife_is_that_of_leaving_out_each_group_in_turn():
    right, groups = flags("1101", "000", "11111", "10", "1110", "01")
    part = grouped_intervals._Part(np.bincount(groups, right), np.bincount(groups).astype(float))
    by_loop = [right.mean() - right[groups != g].mean() for g in range(6)]
    assert part.deviations == pytest.approx(by_loop)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_fewer_groups_than_the_method_supports_are_unknown(count: int):
    right, groups = flags(*["1101"] * count)
    for found in (
        grouped_intervals.share(right, everyone(right), groups),
        grouped_intervals.mean_share(right, [right, ~right], groups),
        grouped_intervals.f1(right, everyone(right), groups),
    ):
        assert found.unknown and (found.low, found.high, found.method) == (0, 1, TOO_FEW)
    gain = grouped_intervals.paired_gain(right, ~right, groups)
    assert gain.unknown and (gain.low, gain.high, gain.value) == (-1, 1, 0.5)


def test_an_evaluation_on_few_groups_is_unknown_throughout_and_never_better():
    rng = np.random.default_rng(0)
    labels, groups = rng.integers(0, 2, 40), np.repeat(np.arange(2), 20)
    scores = rng.normal(size=(40, 2)) + 4 * np.eye(2)[labels]
    found = metrics.evaluate(scores, labels, "ab", 1.0, "", groups=groups)
    told = [found.accuracy, found.balanced_accuracy, found.ece_before, found.ece_after]
    told += [e for row in found.classes for e in (row.precision, row.recall, row.f1)]
    assert all(one.unknown and (one.low, one.high) == (0, 1) for one in told)
    assert found.accuracy.value == pytest.approx((scores.argmax(1) == labels).mean())
    compared = metrics.compare(scores.argmax(1) == labels, labels == 0, "", groups)
    assert compared.gain.unknown and compared.baseline_accuracy.unknown and not compared.better


def p_by_all_signs(gains: list[int]) -> float:
    sums = [abs(sum(sign * gain for sign, gain in zip(signs, gains, strict=True))) for signs in product((-1, 1), repeat=len(gains))]
    return float(np.mean([s >= abs(sum(gains)) for s in sums]))


@pytest.mark.parametrize(
    "gains", [[3, 1, 2, 1], [3, -1, 2, 1, 0, 4], [1, 1, 1, 1, 1, 1], [-2, -2, 1, 5, 3, 3, 1], [0, 0], [10, 9, -8, 7, 6, 5, 4, 3]]
)
def test_the_test_of_flipped_signs_agrees_with_all_signs_one_by_one(gains: list[int]):
    ours, theirs = (
        flags(*["1" * max(g, 0) + "0" * max(-g, 0) + "0" for g in gains]),
        flags(*["0" * max(g, 0) + "1" * max(-g, 0) + "0" for g in gains]),
    )
    assert grouped_intervals.flipped_signs(ours[0], theirs[0], ours[1]) == pytest.approx(p_by_all_signs(gains))


@pytest.mark.parametrize("won, lost", [(0, 0), (6, 0), (9, 3), (40, 22), (300, 250)])
def test_the_test_of_flipped_signs_is_mcnemars_where_images_are_independent(won: int, lost: int):
    ours, theirs = np.r_[np.ones(won), np.zeros(lost)] > 0, np.r_[np.zeros(won), np.ones(lost)] > 0
    theirs_p = binomtest(won, won + lost).pvalue if won + lost else 1.0
    assert grouped_intervals.flipped_signs(ours, theirs, None) == pytest.approx(theirs_p)


def beta_groups(rng: np.random.Generator, groups: int, mean: float, correlation: float, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Right answers of groups whose chances are beta distributed, and their groups."""
    scale = 1 / correlation - 1
    chances = rng.beta(mean * scale, (1 - mean) * scale, groups)
    return rng.random(groups * size) < np.repeat(chances, size), np.repeat(np.arange(groups), size)


@pytest.mark.parametrize("groups", [4, 8, 40])
@pytest.mark.parametrize("mean, correlation", [(0.5, 0.05), (0.5, 0.99), (0.8, 0.3), (0.9, 0.1), (0.9, 0.6)])
def test_the_interval_covers_the_truth_and_that_of_independent_images_does_not(groups: int, mean: float, correlation: float):
    covered = plain = 0
    for seed in range(400):
        right, owner = beta_groups(np.random.default_rng((seed, groups)), groups, mean, correlation, 12)
        for number, found in enumerate(
            (grouped_intervals.share(right, everyone(right), owner), confidence_intervals.wilson(int(right.sum()), len(right)))
        ):
            covered, plain = (
                covered + (number == 0) * (found.low <= mean <= found.high),
                plain + (number == 1) * (found.low <= mean <= found.high),
            )
    assert covered / 400 >= 0.93
    assert correlation < 0.3 or plain / 400 < 0.85, "the mutated twin: images taken for independent"


@pytest.mark.parametrize("groups", [4, 8, 40])
@pytest.mark.parametrize("correlation", [0.05, 0.3, 0.8])
def test_the_paired_gain_covers_the_truth(groups: int, correlation: float):
    covered = better = 0
    for seed in range(400):
        rng = np.random.default_rng((seed, groups))
        ours, owner = beta_groups(rng, groups, 0.7, correlation, 12)
        theirs, _ = beta_groups(rng, groups, 0.7, correlation, 12)
        found = grouped_intervals.paired_gain(ours, theirs, owner)
        covered, better = covered + (found.low <= 0 <= found.high), better + (found.low > 0)
    assert covered / 400 >= 0.93 and better / 400 <= 0.05


@pytest.mark.parametrize("by_group", [True, False])
@pytest.mark.parametrize("groups", [8, 40])
def test_balanced_accuracy_and_f1_cover_the_truth(groups: int, by_group: bool):
    """Groups of one class each, or of both; the second class is rarer and harder."""
    truth_recall, covered, f1_covered, f1_truth = (0.9, 0.7), 0, 0, None
    for seed in range(-1, 300):
        rng, count = np.random.default_rng((seed + 1, groups)), groups if seed >= 0 else 20_000
        owner = np.repeat(np.arange(count), 10)
        label = (rng.random(count) < 0.4)[owner] if by_group else rng.random(len(owner)) < 0.4
        shift = rng.normal(0, 0.15, count)[owner]
        right = rng.random(len(owner)) < np.clip(np.where(label, *truth_recall[::-1]) + shift, 0, 1)
        called = label == right
        found = grouped_intervals.f1(label, called, grouped_intervals.numbered(owner))
        recalls = [right[label].mean() if label.any() else 0, right[~label].mean() if (~label).any() else 0]
        if seed < 0:
            balanced_truth, f1_truth = np.mean(recalls), found.value
            continue
        if not (label.any() and (~label).any()):
            covered, f1_covered = covered + 1, f1_covered + 1
            continue
        mean = grouped_intervals.mean_share(right, [label, ~label], grouped_intervals.numbered(owner))
        assert mean.value == pytest.approx(np.mean(recalls))
        covered, f1_covered = covered + (mean.low <= balanced_truth <= mean.high), f1_covered + (found.low <= f1_truth <= found.high)
    assert covered / 300 >= 0.93 and f1_covered / 300 >= 0.93


def test_a_class_that_lies_in_one_group_leaves_its_share_of_the_mean_open():
    right, groups = flags("1111", "1110", "1011", "1111", "0111", "111")
    last = groups == 5
    found = grouped_intervals.mean_share(right, [~last, last], groups)
    assert found.low < 0.5 < found.value, "nobody knows the recall of the second class, which is half of the mean"


def test_one_large_group_is_no_more_than_one():
    even, odd = flags(*["1110"] * 10), flags("1110" * 50, *["1110"] * 9)
    assert width(grouped_intervals.share(odd[0], everyone(odd[0]), odd[1])) > width(
        grouped_intervals.share(even[0], everyone(even[0]), even[1])
    )


def test_a_few_copies_among_many_images_change_next_to_nothing():
    right = np.random.default_rng(0).random(400) < 0.9
    groups = np.r_[0, 0, 1, 1, np.arange(2, 398)]
    found, plain = grouped_intervals.share(right, everyone(right), groups), confidence_intervals.wilson(int(right.sum()), 400)
    assert width(plain) <= width(found) < 1.15 * width(plain)


def width(found: Estimate) -> float:
    return found.high - found.low
