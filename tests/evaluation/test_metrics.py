"""The whole evaluation against scikit-learn, and its refusals."""

import numpy as np
import pytest
import torch
from sklearn import metrics as reference

from receptron.errors import BadValue, NoImages, NonFinite
from receptron.evaluation import metrics
from receptron.evaluation.records import Estimate, Evaluation
from receptron.records import from_json, to_json

CLASSES = ("ant", "bee", "cat", "dog")


@pytest.fixture
def sample() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    labels = rng.choice(4, 150, p=[0.5, 0.3, 0.15, 0.05])
    return rng.normal(size=(150, 4)) + 2.2 * np.eye(4)[labels], labels


def estimates(found: Evaluation) -> list[Estimate]:
    rows = [e for row in found.classes for e in (row.precision, row.recall, row.f1)]
    return [found.accuracy, found.balanced_accuracy, found.ece_before, found.ece_after, *rows]


def test_every_figure_agrees_with_scikit_learn(sample: tuple[np.ndarray, np.ndarray]):
    logits, labels = sample
    found, answers = metrics.evaluate(logits, labels, CLASSES, 1.3, "150 images"), logits.argmax(1)
    assert found.accuracy.value == pytest.approx(reference.accuracy_score(labels, answers))
    assert found.balanced_accuracy.value == pytest.approx(reference.balanced_accuracy_score(labels, answers))
    assert np.array_equal(found.confusion, reference.confusion_matrix(labels, answers))
    precision, recall, f1, support = reference.precision_recall_fscore_support(labels, answers)
    for i, row in enumerate(found.classes):
        figures = (row.precision.value, row.recall.value, row.f1.value, row.support)
        assert figures == pytest.approx((precision[i], recall[i], f1[i], support[i]))


def test_every_figure_lies_in_its_interval(sample: tuple[np.ndarray, np.ndarray]):
    found = metrics.evaluate(*sample, CLASSES, 1.3, "150 images")
    assert all(0 <= e.low <= e.value <= e.high <= 1 and e.high > e.low for e in estimates(found))


def test_swapped_labels_change_the_figures(sample: tuple[np.ndarray, np.ndarray]):
    logits, labels = sample
    right = metrics.evaluate(logits, labels, CLASSES, 1.0, "")
    wrong = metrics.evaluate(logits, labels[::-1].copy(), CLASSES, 1.0, "")
    assert wrong.accuracy.value < right.accuracy.low


def test_tensors_and_the_record_survive_json(sample: tuple[np.ndarray, np.ndarray]):
    logits, labels = sample
    found = metrics.evaluate(torch.tensor(logits), torch.tensor(labels), CLASSES, 0.8, "150 images")
    assert found == metrics.evaluate(logits, labels, CLASSES, 0.8, "150 images")
    assert from_json(to_json(found), Evaluation) == found


def test_a_class_without_images_is_shown_and_left_out_of_the_mean(sample: tuple[np.ndarray, np.ndarray]):
    logits, labels = sample
    kept = labels < 3
    found = metrics.evaluate(logits[kept], labels[kept], CLASSES, 1.0, "")
    assert found.classes[3].support == 0 and found.classes[3].recall.count == 0
    assert found.balanced_accuracy.value == pytest.approx(np.mean([row.recall.value for row in found.classes[:3]]))
    assert from_json(to_json(found), Evaluation) == found


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
def test_answers_that_are_not_finite_name_their_images(sample: tuple[np.ndarray, np.ndarray], poison: float):
    logits, labels = sample
    logits[[3, 90], 1] = poison
    names = [f"photo{i}.jpg" for i in range(150)]
    with pytest.raises(NonFinite, match=r"2 of 150 images: photo3\.jpg, photo90\.jpg"):
        metrics.evaluate(logits, labels, CLASSES, 1.0, "", names)


@pytest.mark.parametrize("count, poison", [(0, None), (3, "label"), (3, "shape"), (3, "temperature")])
def test_what_cannot_be_judged_is_refused(count: int, poison: str | None):
    labels = np.array([0, 1, 9 if poison == "label" else 2])[:count]
    logits = np.zeros((count, 3 if poison == "shape" else 4))
    with pytest.raises(BadValue if poison else NoImages):
        metrics.evaluate(logits, labels, CLASSES, 0.0 if poison == "temperature" else 1.0, "")


def test_a_comparison_is_better_only_when_its_interval_lies_above_zero():
    ours, theirs = np.ones(40, bool), np.ones(40, bool)
    theirs[:4] = False
    assert not metrics.compare(ours, theirs, "nearest neighbour").better  # 4 to 0: exact McNemar p = 0.125
    theirs[:10] = False
    found = metrics.compare(ours, theirs, "nearest neighbour")
    assert found.better and found.gain.value == pytest.approx(0.25) and found.baseline_accuracy.value == pytest.approx(0.75)
