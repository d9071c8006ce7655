"""The learning curve: heads never answer what they learnt from, groups stay whole, and what cannot be told is said."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from receptron.training.context import Images
from receptron.training.learning_curve import subset_accuracy
from receptron.training.learning_curve.forecast import learning_curve
from receptron.training.learning_curve.subset_accuracy import measure


def blobs(count: int, classes: int, spread: float, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    draw = np.random.default_rng(seed)
    truth = np.arange(count) % classes
    middles = draw.normal(size=(classes, 12))
    return torch.from_numpy(middles[truth] + spread * draw.normal(size=(count, 12))).float(), torch.from_numpy(truth)


def context(truth: torch.Tensor, groups: NDArray[np.int64] | None = None, noun: str = "") -> Any:
    names = tuple(str(i) for i in range(len(truth)))
    units = np.arange(len(truth)) if groups is None else groups
    drawn = np.random.default_rng(9).permutation(units.max() + 1)[units] % 5
    folds = tuple(np.flatnonzero(drawn == fold) for fold in range(5))
    classes = tuple("abcdefgh"[: int(truth.max()) + 1])
    return cast(Any, SimpleNamespace(images=Images(names, names, truth, groups, noun), classes=classes, folds=folds))


@pytest.mark.parametrize("size", [1, 3, 7])
def test_no_head_answers_what_it_learnt_from_and_units_stay_whole(size: int, monkeypatch: pytest.MonkeyPatch):
    features, truth = blobs(84, 3, 1.0)
    features[:, 0] = torch.arange(84)
    units, learnt = np.arange(84) // size, list[set[int]]()

    class Head:
        def logits(self, asked: torch.Tensor) -> NDArray[np.float64]:
            rows = {int(row) for row in asked[:, 0]}
            assert not rows & learnt[-1]
            assert not {units[row] for row in rows} & {units[row] for row in learnt[-1]}
            assert rows | learnt[-1] == set(range(84))
            return np.zeros((len(asked), 3))

    def fit(given: torch.Tensor, *_: object) -> Head:
        learnt.append({int(row) for row in given[:, 0, 0]})
        return Head()

    monkeypatch.setattr(subset_accuracy, "fit_head", fit)
    found = measure(features, truth, 3, 1.0, [np.flatnonzero(units % 4 == fold) for fold in range(4)], units)
    assert [one.share for one in found] == pytest.approx([1 / 8, 1 / 4, 1 / 2, 3 / 4], abs=0.04)
    assert all(np.array_equal(one.right, truth.numpy() == 0) for one in found)


@pytest.mark.parametrize(("count", "classes", "spread"), [(80, 2, 2.0), (120, 3, 2.0), (200, 5, 1.5)])
def test_twice_the_images_are_as_good_as_foretold(count: int, classes: int, spread: float):
    features, truth = blobs(12 * count, classes, spread)
    found = learning_curve(features[:count], 0.1, context(truth[:count]))
    head = subset_accuracy.fit_head(features[: 2 * count][:, None], truth[: 2 * count], classes, 0.1)
    reached = (head.logits(features[2 * count :]).argmax(1) == truth[2 * count :].numpy()).mean()
    assert found.doubled is not None and found.now is not None and not found.unknown
    assert found.doubled.low - 0.01 <= reached <= found.doubled.high + 0.01
    assert found.doubled.value >= found.now.value
    assert found.next_class in "abcdefgh"[:classes] and f"twice the {count} images" in found.words


def test_the_class_that_is_known_least_is_named():
    features, truth = blobs(240, 4, 0.4)
    draw = np.random.default_rng(1)
    mixed = torch.from_numpy(np.flatnonzero(truth.numpy() == 2))
    features[mixed] += torch.from_numpy(draw.normal(size=(len(mixed), 12)) * 1.2).float()
    assert learning_curve(features, 0.1, context(truth)).next_class == "c"


@pytest.mark.parametrize(
    ("count", "classes", "size", "said"),
    [(30, 3, 1, "30 training images are too few"), (12, 2, 1, "12 training images are too few"), (60, 1, 1, "one class only"),
     (60, 3, 10, "6 patients are too few"), (80, 2, 20, "4 patients are too few")],
)  # fmt: skip
def test_what_cannot_be_told_is_said(count: int, classes: int, size: int, said: str):
    features, truth = blobs(count, classes, 1.0)
    groups = None if size == 1 else np.arange(count) // size
    found = learning_curve(features, 0.1, context(truth, groups, "patient"))
    assert said in found.unknown and found.words.startswith("unknown, because") and found.doubled is None


def test_images_of_one_patient_count_once():
    """Six views of each of forty patients that hardly differ: taken for 240 images they would promise too much, and too surely."""
    seen, truth = blobs(40, 2, 1.5)
    features = seen.repeat_interleave(6, 0) + 0.01 * torch.randn(240, 12, generator=torch.Generator().manual_seed(0))
    truth, patients = truth.repeat_interleave(6), np.arange(240) // 6
    alone, grouped = (learning_curve(features, 0.1, context(truth, groups, "patient")).doubled for groups in (None, patients))
    assert alone is not None and grouped is not None
    assert grouped.high - grouped.low > 1.5 * (alone.high - alone.low)
    assert grouped.value < alone.value


def test_classes_with_few_images_are_unknown_and_the_others_told():
    features, truth = blobs(100, 2, 1.0)
    truth[:5] = 2
    found = learning_curve(features, 0.1, context(truth))
    assert [row.doubled is None for row in found.classes] == [False, False, True]
