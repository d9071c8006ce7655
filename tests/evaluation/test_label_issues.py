"""Suspicious labels against the paper's definition written as loops, and against labels that were flipped on purpose."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from receptron.evaluation.label_issues import label_issues, thresholds


def by_loops(chances: np.ndarray, given: np.ndarray) -> dict[int, int]:
    """Row -> likelier class. Northcutt et al. 2021, equation 1 (the confident joint off its diagonal), of rows believed less than usual."""
    k = chances.shape[1]
    usual = [np.mean([p[j] for p, g in zip(chances, given, strict=True) if g == j]) if j in given else 1.0 for j in range(k)]
    found = {}
    for row, (p, label) in enumerate(zip(chances, given, strict=True)):
        reached = [j for j in range(k) if p[j] >= usual[j]]
        if reached:
            best = max(reached, key=lambda j: p[j])
            if best != label and p[label] < usual[label] and p[best] > p[label]:
                found[row] = best
    return found


@pytest.mark.parametrize(("classes", "count", "seed"), [(2, 40, 0), (3, 200, 1), (5, 60, 2), (12, 300, 3)])
def test_the_rows_are_those_of_the_definition(classes: int, count: int, seed: int):
    rng = np.random.default_rng(seed)
    chances = rng.dirichlet(np.full(classes, 0.4), count)
    given = np.array([rng.choice(classes, p=0.7 * p + 0.3 / classes) for p in chances])
    rows, likelier = label_issues(chances, given)
    assert dict(zip(rows.tolist(), likelier.tolist(), strict=True)) == by_loops(chances, given)
    assert len(rows), "nothing would be compared"
    own = chances[rows, given[rows]]
    assert (np.diff(own) >= 0).all(), "the least believed first"


@pytest.mark.parametrize(("share", "seed"), [(0.02, 0), (0.05, 1), (0.1, 2)])
def test_flipped_labels_are_found_among_real_images(share: float, seed: int):
    """Scanned digits whose labels were changed at random; answers come from scikit-learn, out of fold."""
    rng = np.random.default_rng(seed)
    inputs, truth = load_digits(return_X_y=True)
    flipped = rng.permutation(len(truth))[: round(share * len(truth))]
    given = truth.copy()
    given[flipped] = (truth[flipped] + rng.integers(1, 10, len(flipped))) % 10
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    chances = cross_val_predict(LogisticRegression(C=0.1, max_iter=300), inputs / 16, given, method="predict_proba", cv=folds)
    rows, likelier = label_issues(chances, given)
    hit = np.isin(rows, flipped)
    assert np.isin(flipped, rows).mean() > 0.5
    assert hit.mean() > 0.85, "an image that is told is nearly always truly wrong"
    assert hit[: len(flipped) // 2].mean() > 0.95, "and the most suspicious ones are"
    assert (likelier[hit] == truth[rows[hit]]).mean() > 0.9


def test_sure_answers_that_agree_are_no_issues():
    given = np.array([0, 1, 2, 0, 1, 2])
    rows, _ = label_issues(np.full((6, 3), 0.05) + 0.85 * np.eye(3)[given], given)
    assert not len(rows)


def test_one_turned_label_is_the_only_issue():
    given = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2])
    chances = np.full((9, 3), 0.05) + 0.85 * np.eye(3)[given]
    given[4] = 2
    rows, likelier = label_issues(chances, given)
    assert (rows.tolist(), likelier.tolist()) == ([4], [1])


def test_a_class_without_images_is_nobodys_likelier_class():
    given = np.array([0, 0, 1, 1])
    chances = np.array([[0.6, 0.1, 0.3], [0.1, 0.2, 0.7], [0.1, 0.6, 0.3], [0.2, 0.5, 0.3]])
    assert thresholds(chances, given)[2] == 1.0
    rows, likelier = label_issues(chances, given)
    assert 2 not in likelier.tolist() and 1 not in rows.tolist()


def test_doubt_without_a_rival_is_no_issue():
    """Answers that are unsure between all classes say nothing about the label."""
    given = np.repeat([0, 1], 10)
    chances = np.tile([0.9, 0.1], (20, 1))
    chances[10:] = [0.1, 0.9]
    chances[0] = [0.5, 0.5]
    assert not len(label_issues(chances, given)[0])


@pytest.mark.parametrize(("seed", "count", "classes", "noise"), [(0, 200, 3, 0.1), (1, 400, 5, 0.2), (2, 300, 2, 0.3), (3, 500, 8, 0.05)])
def test_cleanlab_finds_the_same_off_its_diagonal(seed: int, count: int, classes: int, noise: float):
    """Its confident joint counts the same images, but for those whose own label is believed as usual or more than the other class."""
    cleanlab = pytest.importorskip("cleanlab.count", reason="the oracle cleanlab is not installed")
    draw = np.random.default_rng(seed)
    truth = np.arange(count) % classes
    logits = 2 * np.eye(classes)[truth] + draw.normal(size=(count, classes))
    chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    given = np.where(draw.random(count) < noise, (truth + draw.integers(1, classes, count)) % classes, truth)
    found, other = label_issues(chances, given)
    theirs = set(cleanlab.compute_confident_joint(given, chances, return_indices_of_off_diagonals=True)[1])
    own, limits = chances[np.arange(count), given], thresholds(chances, given)
    counted = np.where(chances >= limits - 1e-12, chances, -1).max(1)
    assert len(found) and set(found.tolist()) == {row for row in theirs if own[row] < limits[given[row]] and counted[row] > own[row]}
    assert (other != given[found]).all()
