"""Labels are doubted only by a judge that surely knows more than which class is the commonest."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from receptron.cli.train import _suspects
from receptron.evaluation.records import SuspectLabels
from receptron.jobs.training.labels.suspect_labels import HEAD, suspect_labels
from receptron.training.balancing.class_balance import ClassBalance
from receptron.training.context import Images

ROOT = Path("/photos")


def judged(
    given: NDArray[np.int64],
    answers: NDArray[np.int64],
    groups: NDArray[np.int64] | None = None,
    classes: int = 3,
    decided: frozenset[str] = frozenset(),
) -> SuspectLabels:
    """Out-of-fold answers, each with four fifths of the belief, on images with given labels."""
    names = tuple(str(ROOT / f"{i}.jpg") for i in range(len(given)))
    images = Images(names, names, torch.from_numpy(given), groups)
    logits = np.log(np.full((len(given), classes), 0.2 / (classes - 1)) + (0.8 - 0.2 / (classes - 1)) * np.eye(classes)[answers])
    context = SimpleNamespace(images=images, classes=tuple("abcdef"[:classes]), balance=ClassBalance())
    outcome = SimpleNamespace(rows=np.arange(0), logits=logits[:0], rung=HEAD)
    return suspect_labels(
        cast(Any, SimpleNamespace(context=context, outcome=outcome, head_logits=logits, known=torch.from_numpy(logits))),
        ROOT,
        decided,
    )


def wrong_on(given: NDArray[np.int64], rows: list[int], classes: int = 3) -> NDArray[np.int64]:
    answers = given.copy()
    answers[rows] = (answers[rows] + 1) % classes
    return answers


@pytest.mark.parametrize(("count", "wrong"), [(18, 9), (40, 28), (16, 7), (120, 75)])
def test_a_judge_that_may_be_guessing_is_not_heard(count: int, wrong: int):
    given = np.arange(count) % 2
    found = judged(given, wrong_on(given, list(range(wrong)), 2), classes=2)
    assert found.images == () and found.looked_at == count and found.judged_by == HEAD
    assert "not surely more than the commonest class is (50%)" in found.unknown and f"{1 - wrong / count:.0%}" in found.unknown


@pytest.mark.parametrize("seed", range(5))
def test_a_judge_that_answers_at_random_is_not_heard(seed: int):
    rng = np.random.default_rng(seed)
    assert judged(rng.integers(0, 5, 40), rng.integers(0, 5, 40), classes=5).unknown


@pytest.mark.parametrize("count", [20, 60, 200])
def test_one_that_always_says_the_commonest_class_is_not_heard_however_often_that_is_right(count: int):
    given = (np.arange(count) % 10 == 0).astype(np.int64)
    assert "(90%)" in judged(given, np.zeros(count, np.int64), classes=2).unknown


@pytest.mark.parametrize(("count", "turned"), [(30, [4]), (60, [4, 11, 20]), (300, [1, 7, 70, 200, 299])])
def test_one_that_knows_the_classes_finds_the_labels_that_were_turned(count: int, turned: list[int]):
    truth = np.arange(count) % 3
    found = judged(wrong_on(truth, turned), truth)
    assert not found.unknown
    assert sorted(one.path for one in found.images) == sorted(f"{row}.jpg" for row in turned)


def test_images_of_one_patient_count_once():
    """Thirty images that are all right prove little if they come from three patients."""
    given, patients = np.repeat([0, 1, 2], 10), np.repeat([0, 1, 2], 10)
    assert not judged(given, wrong_on(given, [0, 11])).unknown
    assert judged(given, wrong_on(given, [0, 11]), patients).unknown


def test_the_screen_says_no_more_than_the_report():
    given = np.arange(60) % 3
    told = _suspects(cast(Any, SimpleNamespace(suspects=judged(wrong_on(given, [4, 11]), given))))
    doubted = "2 of 60 training images may be mislabelled, some will be right and only unusual"
    assert told == f"{doubted}; they are in the report; receptron review lists them"
    silent = _suspects(cast(Any, SimpleNamespace(suspects=judged(given, wrong_on(given, list(range(40)))))))
    assert silent.startswith("wrong ones were not looked for: out of fold, linear head is right on 33%")


@pytest.mark.parametrize(("count", "turned"), [(30, [4]), (60, [4, 11, 20]), (300, [1, 7, 70, 200, 299])])
def test_a_suspect_stands_beside_the_nearest_images_that_are_believed(count: int, turned: list[int]):
    truth = np.arange(count) % 3
    answers = wrong_on(truth, turned)
    for one in judged(answers, truth).images:
        for paths, label in ((one.examples, one.label), (one.likelier_examples, one.likelier)):
            rows = [int(path.removesuffix(".jpg")) for path in paths]
            assert len(rows) == 3 and not set(rows) & set(turned)
            assert all("abc"[answers[row]] == label for row in rows)


@pytest.mark.parametrize("said", [[], [4], [4, 20], [4, 11, 20], [5]])
def test_what_a_person_decided_is_counted_and_not_doubted_again(said: list[int]):
    given, turned = np.arange(60) % 3, [4, 11, 20]
    found = judged(given, wrong_on(given, turned), decided=frozenset(str(ROOT / f"{row}.jpg") for row in said))
    left = [row for row in turned if row not in said]
    assert sorted(one.path for one in found.images) == sorted(f"{row}.jpg" for row in left)
    assert found.decided == len(turned) - len(left) and bool(found.decided_words) == bool(found.decided)
