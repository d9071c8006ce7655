"""Sets of classes: coverage over many draws against its exact law, groups, too few images, and a rule that is off by one."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import beta

from receptron.evaluation.prediction_sets import named, prediction_sets, set_figures, set_rule, usual_coverage
from receptron.evaluation.records import SetRule

CLASSES = 6


def drawn(count: int, seed: int, noise: float = 1.5, group: int = 1) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Probabilities of a network that errs; images of one group share their noise."""
    source = np.random.default_rng(seed)
    truth = source.integers(CLASSES, size=count)
    groups = np.arange(count) // group
    logits = 3 * np.eye(CLASSES)[truth] + noise * source.normal(size=(groups.max() + 1, CLASSES))[groups]
    logits += 0.5 * source.normal(size=logits.shape)
    chances = np.exp(logits)
    return chances / chances.sum(1, keepdims=True), truth, groups


def coverages(images: int, coverage: float, draws: int = 200, shift: int = 0) -> NDArray[np.float64]:
    """True coverage of each of many rules; `shift` moves the place of the threshold, as a wrong rule would."""
    asked, truth, _ = drawn(20_000, 10**6)
    own = asked[np.arange(len(truth)), truth]
    found = []
    for seed in range(draws):
        chances, labels, _ = drawn(images, seed)
        rule = set_rule(chances, labels, coverage=coverage)
        if shift:
            ranked = np.sort(chances[np.arange(images), labels])[::-1]
            rule = replace(rule, least=float(ranked[np.flatnonzero(ranked >= rule.least)[-1] + shift]))
        found.append(float((own >= rule.least).mean()))
    return np.array(found)


@pytest.mark.parametrize(("images", "coverage"), [(20, 0.8), (60, 0.9), (99, 0.95), (250, 0.9)])
def test_coverage_follows_the_beta_law(images: int, coverage: float) -> None:
    found = coverages(images, coverage)
    places = int(np.ceil((images + 1) * coverage - 1e-9))
    law = beta(places, images + 1 - places)
    assert abs(found.mean() - law.mean()) < 4 * law.std() / np.sqrt(len(found)) + 0.004
    low, high = usual_coverage(SetRule(coverage, 0.1, images, False))
    assert 0.88 <= np.mean((found >= low - 0.004) & (found <= high + 0.004)) <= 1


def test_a_threshold_one_fifth_off_is_seen() -> None:
    found = coverages(60, 0.9, shift=-6)
    assert found.mean() < 0.85


def test_promise_holds_over_groups_that_are_alike() -> None:
    """Where the images of a group share their fate, images alone would promise too much of few groups."""
    asked, truth, _ = drawn(20_000, 10**6, group=10)
    own = asked[np.arange(len(truth)), truth]
    held, ignored = [], []
    for seed in range(150):
        chances, labels, groups = drawn(400, seed, group=10)
        held.append(float((own >= set_rule(chances, labels, groups, coverage=0.9).least).mean()))
        ignored.append(float((own >= set_rule(chances, labels, coverage=0.9).least).mean()))
    assert np.mean(held) > 0.9 - 0.005
    assert np.mean(held) > np.mean(ignored)


def test_a_group_of_one_each_is_no_group() -> None:
    chances, labels, _ = drawn(80, 3)
    assert set_rule(chances, labels, np.arange(80)) == set_rule(chances, labels)
    assert set_rule(chances, labels).grouped is False
    assert set_rule(chances, labels, np.arange(80) // 2).count == 40


@pytest.mark.parametrize(
    ("images", "coverage", "enough"), [(18, 0.95, False), (19, 0.95, True), (8, 0.9, False), (9, 0.9, True), (0, 0.9, False)]
)
def test_too_few_images_promise_every_class(images: int, coverage: float, enough: bool) -> None:
    chances, labels, _ = drawn(images, 5) if images else (np.zeros((0, CLASSES)), np.zeros(0, np.int64), None)
    rule = set_rule(chances, labels, coverage=coverage)
    assert (rule.least > 0) is enough
    if not enough:
        assert prediction_sets(np.full((3, CLASSES), 1 / CLASSES), rule).all()


def test_no_set_is_empty_and_names_come_likeliest_first() -> None:
    rule = SetRule(0.9, 0.9, 100, False)
    chances = np.array([[0.5, 0.3, 0.2], [0.1, 0.0, 0.9]])
    assert prediction_sets(chances, rule).tolist() == [[True, False, False], [False, False, True]]
    assert named(np.array([True, False, True]), ["a", "b", "c"], np.array([0.2, 0.3, 0.5])) == ("c", "a")


def test_figures_are_counts() -> None:
    chances = np.array([[0.8, 0.2, 0.0], [0.45, 0.4, 0.15], [0.1, 0.3, 0.6], [0.35, 0.35, 0.3]])
    found = set_figures(chances, [0, 1, 0, 2], SetRule(0.9, 0.32, 100, False))
    assert (found.held.value, found.single.value, found.mean_size) == (0.5, 0.5, 1.5)
