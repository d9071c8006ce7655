"""Scores of novelty against brute force, scikit-learn and scipy, and the share of known images that the rule calls strange."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.distance import mahalanobis
from sklearn.covariance import ShrunkCovariance
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from receptron.errors import DataFault
from receptron.evaluation.novelty import fitting
from receptron.evaluation.novelty.fitting import SHRINKAGE, novelty_scorer, out_of_fold_scores
from receptron.evaluation.novelty.rule import NoveltyRule, novelties, novelty_figures, novelty_rule
from receptron.evaluation.novelty.scorer import NoveltyScorer

SHAPES = [(60, 5, 3), (40, 90, 4), (300, 20, 2), (90, 8, 30)]  # images, features, classes
Features = NDArray[np.float32]


def drawn(images: int, width: int, classes: int, seed: int = 0, apart: float = 2.0) -> tuple[Features, NDArray[np.int64]]:
    """Features of classes with one skewed covariance, off zero."""
    source = np.random.default_rng(seed)
    labels = np.arange(images) % classes
    mixing = np.random.default_rng(99).normal(size=(width, width)) / np.sqrt(width)
    middles = np.random.default_rng(98).normal(size=(classes, width)) * apart + 1
    return (middles[labels] + source.normal(size=(images, width)) @ mixing).astype(np.float32), labels


def by_hand(features: Features, labels: NDArray[np.int64], asked: Features, *, background: bool = True, shrunk: bool = True) -> NDArray:
    """Relative Mahalanobis distance from a whole covariance matrix, one image and class after another."""
    exact = features.astype(np.float64)
    means = {label: exact[labels == label].mean(0) for label in np.unique(labels)}
    residuals = np.stack([row - means[label] for row, label in zip(exact, labels, strict=True)])
    within = (
        ShrunkCovariance(shrinkage=SHRINKAGE, assume_centered=True).fit(residuals).covariance_
        if shrunk
        else residuals.T @ residuals / len(residuals)
    )
    middle = exact.mean(0)
    inverse = np.linalg.inv(within)
    found = []
    for row in asked.astype(np.float64):
        nearest = min(mahalanobis(row, mean, inverse) ** 2 for mean in means.values())
        found.append(nearest - (mahalanobis(row, middle, inverse) ** 2 if background else 0))
    return np.array(found)


@pytest.mark.parametrize(("images", "width", "classes"), SHAPES)
def test_neighbour_distance_is_that_of_a_brute_force_search(images: int, width: int, classes: int) -> None:
    features, labels = drawn(images, width, classes)
    asked = drawn(50, width, classes, 1, apart=1.0)[0]
    scorer = novelty_scorer(features, labels)
    unit = [x / np.linalg.norm(x.astype(np.float64), axis=1, keepdims=True) for x in (features, asked)]
    search = NearestNeighbors(n_neighbors=min(images, scorer.neighbours + 1), algorithm="brute").fit(unit[0])
    distances = search.kneighbors(unit[1])[0]
    found = scorer.scores(asked)[:, 0]
    np.testing.assert_allclose(found, distances[:, scorer.neighbours - 1], atol=2e-3)
    assert np.abs(found - distances[:, scorer.neighbours]).max() > 5e-3  # one neighbour too far is seen


@pytest.mark.parametrize(("images", "width", "classes"), SHAPES)
def test_relative_mahalanobis_is_the_difference_of_two_whole_distances(images: int, width: int, classes: int) -> None:
    features, labels = drawn(images, width, classes)
    asked = drawn(30, width, classes, 1, apart=1.0)[0]
    found, truth = novelty_scorer(features, labels).scores(asked)[:, 1], by_hand(features, labels, asked)
    scale = np.abs(truth).max()
    np.testing.assert_allclose(found, truth, atol=1e-3 * scale)
    assert np.abs(by_hand(features, labels, asked, background=False) - truth).max() > 0.02 * scale
    if images > 2 * width and classes < images / 2:
        assert np.abs(by_hand(features, labels, asked, shrunk=False) - truth).max() > 2e-3 * scale


@pytest.mark.parametrize("offset", [0.0, 3.0, 100.0])
def test_unequal_classes_and_features_far_from_zero_change_nothing(offset: float) -> None:
    features, labels = drawn(80, 6, 3)
    labels[:40] = 0
    asked = drawn(20, 6, 3, 1)[0] + offset
    features = features + offset
    truth = by_hand(features, labels, asked)
    np.testing.assert_allclose(novelty_scorer(features, labels).scores(asked)[:, 1], truth, atol=2e-3 * np.abs(truth).max())


def test_a_large_set_is_kept_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = drawn(400, 16, 4)
    whole = novelty_scorer(features, labels)
    monkeypatch.setattr(fitting, "MOST_BYTES", 100 * 16 * 2)
    part = novelty_scorer(features, labels)
    assert (whole.bank.nbytes, part.bank.nbytes) == (400 * 16 * 2, 100 * 16 * 2)
    rows = {row.tobytes() for row in whole.bank}
    assert all(row.tobytes() in rows for row in part.bank)
    np.testing.assert_array_equal(part.directions, whole.directions)  # covariances are those of all images


@pytest.mark.parametrize("part", [0.5, 0.67, 0.8])
def test_a_part_counts_as_large_a_part_of_the_neighbours(part: float) -> None:
    """So that distances beside a part of the images are, on average, those beside all; with the same neighbours they are larger."""
    features, labels = drawn(1200, 8, 3)
    asked = drawn(500, 8, 3, 1)[0]
    rows = np.random.default_rng(0).permutation(1200)[: round(1200 * part)]
    whole = novelty_scorer(features, labels).scores(asked)[:, 0].mean()
    scaled = novelty_scorer(features[rows], labels[rows], 1200).scores(asked)[:, 0].mean()
    unscaled = novelty_scorer(features[rows], labels[rows]).scores(asked)[:, 0].mean()
    assert abs(scaled / whole - 1) < 0.02 < unscaled / whole - 1


def test_held_out_images_are_scored_beside_the_others_alone() -> None:
    features, labels = drawn(60, 5, 3)
    folds = [np.arange(0, 60, 3), np.arange(1, 60, 3), np.arange(2, 60, 3)]
    rows, scores = out_of_fold_scores([features, features], labels, folds)
    assert rows.tolist() == [*folds[0], *folds[1]]
    others = np.setdiff1d(np.arange(60), folds[1])
    np.testing.assert_array_equal(scores[20:], novelty_scorer(features[others], labels[others], 60).scores(features[folds[1]]))
    assert scores[:, 0].min() > novelty_scorer(features, labels).scores(features)[:, 0].min()


@pytest.mark.parametrize(
    ("features", "labels"),
    [
        (np.ones((20, 4), np.float32), np.arange(20) % 2),
        (np.eye(6, dtype=np.float32), np.arange(6)),
        (np.repeat(np.eye(3, dtype=np.float32), 5, axis=0), np.repeat(np.arange(3), 5)),
        (np.zeros((20, 4), np.float32), np.arange(20) % 2),
    ],
)
def test_features_that_say_nothing_are_refused(features: Features, labels: NDArray[np.int64]) -> None:
    with pytest.raises(DataFault, match="do not vary within a class"):
        novelty_scorer(features, labels)


def strange(scorer: NoveltyScorer, known: Features, new: Features) -> list[float]:
    """AUROC of each score by scikit-learn."""
    truth = np.r_[np.zeros(len(known)), np.ones(len(new))]
    scores = np.concatenate([scorer.scores(known), scorer.scores(new)])
    return [float(roc_auc_score(truth, column)) for column in scores.T]


def test_neighbours_find_the_unrelated_and_relative_mahalanobis_a_class_between() -> None:
    features, labels = drawn(600, 12, 4, apart=1.5)
    scorer, known = novelty_scorer(features, labels), drawn(300, 12, 4, 1, apart=1.5)[0]
    unrelated = np.random.default_rng(5).normal(size=(300, 12)).astype(np.float32) * 3 - 2
    assert strange(scorer, known, unrelated)[0] > 0.98
    between = known - features.mean(0)
    for label in range(4):
        between[label::4] -= 0.9 * (features[labels == label].mean(0) - features.mean(0))
    assert strange(scorer, known, between + features.mean(0))[1] > 0.98
    assert abs(strange(scorer, known, drawn(300, 12, 4, 2, apart=1.5)[0])[0] - 0.5) < 0.08


def shares(images: int, rule_of: object = novelty_rule, group: int = 1, together: float = 0.0) -> NDArray[np.float64]:
    """True shares of known images that rules of many draws call strange; images of one group are alike, scores may go `together`."""
    found = []
    asked = scores_of(20_000, 10**6, together)
    for seed in range(200):
        known = scores_of(images // group, seed, together)
        known = np.repeat(known, group, axis=0) + 1e-3 * np.random.default_rng(seed).normal(size=(images, 2))
        rule = rule_of(known, np.arange(images) // group)  # type: ignore[operator]
        found.append((asked > np.asarray(rule.limits)).any(1).mean())
    return np.array(found)


def scores_of(count: int, seed: int, together: float) -> NDArray[np.float64]:
    source = np.random.default_rng(seed)
    both = source.normal(size=(count, 1))
    return np.exp(together * both + (1 - together) * source.normal(size=(count, 2))) * (1, 50)


@pytest.mark.parametrize(
    ("images", "group", "together"), [(60, 1, 0.0), (45, 1, 0.0), (150, 1, 0.8), (400, 1, 0.5), (400, 5, 0.0), (1000, 1, 1.0)]
)
def test_about_the_stated_share_of_known_images_is_strange(images: int, group: int, together: float) -> None:
    found = shares(images, group=group, together=together)
    assert 0.05 - 1.3 * group / images - 0.004 <= found.mean() <= 0.054


def test_each_score_at_the_stated_share_would_call_twice_as_many_strange() -> None:
    def apart(scores: NDArray[np.float64], groups: NDArray[np.int64]) -> NoveltyRule:
        limits = np.quantile(scores, 0.95, axis=0)
        return NoveltyRule(0.05, (float(limits[0]), float(limits[1])), len(groups), grouped=False)

    assert shares(400, apart).mean() > 0.08


def test_groups_count_once() -> None:
    """One large group of strange images moves the limits no further than one image would."""
    scores = np.concatenate([np.random.default_rng(0).normal(size=(100, 2)), np.full((100, 2), 50.0)])
    groups = np.r_[np.arange(100), np.full(100, 100)]
    together, alone = novelty_rule(scores, groups), novelty_rule(scores)
    assert together and alone
    assert max(together.limits) < 5 < min(alone.limits)
    assert (together.count, together.grouped, alone.count, alone.grouped) == (101, True, 200, False)


@pytest.mark.parametrize(
    ("images", "share", "enough"), [(38, 0.05, False), (39, 0.05, True), (18, 0.1, False), (19, 0.1, True), (0, 0.1, False)]
)
def test_too_few_images_give_no_rule(images: int, share: float, enough: bool) -> None:
    assert (novelty_rule(np.random.default_rng(0).normal(size=(images, 2)), share=share) is not None) == enough


def test_what_is_told_of_an_image_names_each_score_over_its_limit() -> None:
    rule = NoveltyRule(0.05, (0.7, 10.0), 100, grouped=False)
    found = novelties([[0.7, 10.0], [0.71, 0], [0, 11], [1, 20]], rule)
    assert [one.none_of_these for one in found] == [False, True, True, True]
    assert [len(one.by) for one in found] == [0, 1, 1, 2]
    assert (found[1].by, found[2].by) == (("neighbour distance",), ("relative Mahalanobis distance",))
    figures = novelty_figures([[0.7, 10.0], [0.71, 0], [0, 11], [1, 20]], rule)
    assert (figures.strange.value, figures.strange.count) == (0.75, 4)
    grouped = novelty_figures(np.repeat([[0.7, 10.0], [0.71, 0]], 6, axis=0), rule, np.arange(12) // 2)
    assert "6 groups" in grouped.strange.method
