"""Which images an epoch shows: each class as often, each image in its turn, the same from seed and epoch alone."""

import numpy as np
import pytest
import torch
from small import SPEC, VARIED, drawn

from receptron.data.stateless_random import order
from receptron.training.batches.sources import CanvasSource
from receptron.training.loop.visits import balanced, batch_of, shuffled

SHARES = [(30, 10, 5), (7, 1), (4, 4, 4), (50, 3, 2, 1)]


def labels(counts: tuple[int, ...]) -> torch.Tensor:
    made = np.repeat(np.arange(len(counts)), counts)
    return torch.from_numpy(np.random.default_rng(1).permutation(made))


@pytest.mark.parametrize("counts", SHARES)
def test_every_class_is_shown_as_often_to_within_one(counts: tuple[int, ...]):
    targets = labels(counts)
    for epoch in range(5):
        seen = balanced(targets, 3)(epoch)
        per_class = np.bincount(targets.numpy()[seen.rows], minlength=len(counts))
        assert per_class.sum() == len(targets) and np.ptp(per_class) <= 1


@pytest.mark.parametrize("counts", SHARES)
def test_every_image_gets_its_turn_and_none_much_more_than_others_of_its_class(counts: tuple[int, ...]):
    targets, epochs = labels(counts), 40
    shown = np.bincount(np.concatenate([balanced(targets, 3)(epoch).rows for epoch in range(epochs)]), minlength=len(targets))
    for number in range(len(counts)):
        own = shown[targets.numpy() == number]
        assert own.min() >= 1 and np.ptp(own) <= 0.25 * own.mean() + 2


@pytest.mark.parametrize("counts", SHARES)
def test_times_count_how_often_an_image_was_shown_before(counts: tuple[int, ...]):
    seen = balanced(labels(counts), 3)(2)
    for row in np.unique(seen.rows):
        assert sorted(seen.times[seen.rows == row]) == list(range(int((seen.rows == row).sum())))


def test_the_same_from_seed_and_epoch_alone_and_another_from_another():
    targets = labels((30, 10, 5))
    first = balanced(targets, 3)(4)
    again = balanced(targets, 3)(4)
    assert np.array_equal(first.rows, again.rows) and np.array_equal(first.times, again.times)
    assert not np.array_equal(first.rows, balanced(targets, 4)(4).rows) and not np.array_equal(first.rows, balanced(targets, 3)(5).rows)


def test_shuffled_shows_each_image_once_in_the_order_of_before():
    seen = shuffled(30, 5, 2)
    assert np.array_equal(seen.rows, order(30, 5, 2)) and not seen.times.any()


def test_an_image_that_comes_again_shows_another_view_with_its_own_label():
    canvases, targets = drawn(12)
    source = CanvasSource(canvases, [f"{i}.png" for i in range(12)], torch.tensor(targets), SPEC, 3, VARIED, 5, 3)
    visits = balanced(torch.tensor([0] * 9 + [1, 1, 2]), 0)(1)
    inputs, said = batch_of(source, visits, 1, 40)
    assert said.tolist() == [targets[row] for row in visits.rows]
    assert visits.times.max() >= 2
    for place, (row, time) in enumerate(zip(visits.rows.tolist(), visits.times.tolist(), strict=True)):
        assert torch.equal(inputs[place], source.batch(np.array([row]), 1 + 40 * time)[0][0])
    twice = np.flatnonzero(visits.rows == visits.rows[visits.times.argmax()])
    assert not torch.equal(inputs[twice[0]], inputs[twice[1]])
