"""Batches from canvases and from cached activations: the same for the same (rows, epoch), made one ahead, and in order."""

import threading

import numpy as np
import pytest
import torch
from small import SPEC, VARIED, drawn

from receptron.data.preprocessing.augmentation import augmented
from receptron.training.batches.prefetch import ahead
from receptron.training.batches.sources import CanvasSource, ViewSource


def canvases(count: int = 12, seed: int = 3) -> CanvasSource:
    made, labels = drawn(count)
    return CanvasSource(made, [f"{i}.png" for i in range(count)], torch.tensor(labels), SPEC, 3, VARIED, seed)


def test_a_batch_holds_the_views_of_its_rows_with_their_classes():
    source, rows = canvases(), np.array([5, 0, 11])
    inputs, targets = source.batch(rows, 4)
    names = [source.names[i] for i in rows]
    expected = augmented([source.canvases[i] for i in rows], names, SPEC, VARIED, channels=3, seed=3, epoch=4)
    assert torch.equal(inputs, expected) and targets.tolist() == [5 % 3, 0, 11 % 3]


def test_a_batch_hangs_on_rows_and_epoch_and_not_on_what_was_asked_before():
    asked, fresh, rows = canvases(), canvases(), np.array([1, 2])
    for epoch in range(3):
        asked.batch(np.arange(12), epoch)
    assert torch.equal(asked.batch(rows, 7)[0], fresh.batch(rows, 7)[0])
    assert not torch.equal(asked.batch(rows, 7)[0], asked.batch(rows, 8)[0])


def test_every_view_is_shown_once_before_one_comes_again():
    maps = torch.arange(6 * 4).reshape(6, 4, 1, 1, 1).float()
    source, rows = ViewSource(maps, [str(i) for i in range(6)], torch.arange(6)), np.array([4, 1, 3])
    seen = torch.stack([source.batch(rows, epoch)[0].flatten() for epoch in range(8)])
    for column, row in enumerate(rows.tolist()):
        assert sorted(seen[:4, column].tolist()) == [4 * row + view for view in range(4)]
        assert torch.equal(seen[:4, column], seen[4:, column])
    assert source.batch(rows, 0)[1].tolist() == rows.tolist()
    assert len({int(v) % 4 for v in seen[0]}) > 1, "one epoch shows different images in different views"


def test_the_next_batch_is_made_while_the_caller_works():
    """The caller holds step 0 and waits until step 1 has been made: without a second thread it would wait for ever."""
    made = {step: threading.Event() for step in range(3)}
    order: list[int] = []

    def make(step: int) -> str:
        order.append(step)
        made[step].set()
        return f"batch {step}"

    steps = ahead(make, range(3))
    assert next(steps) == (0, "batch 0")
    assert made[1].wait(30)
    assert list(steps) == [(1, "batch 1"), (2, "batch 2")] and order == [0, 1, 2]


def test_steps_may_start_in_the_middle_or_be_none():
    assert [step for step, _ in ahead(str, range(5, 8))] == [5, 6, 7]
    assert list(ahead(str, range(4, 4))) == []


def test_an_error_in_making_a_batch_reaches_the_caller():
    def make(step: int) -> int:
        if step == 2:
            raise KeyError("gone")
        return step

    seen: list[int] = []
    with pytest.raises(KeyError, match="gone"):
        seen.extend(value for _, value in ahead(make, range(5)))
    assert seen == [0, 1]


def test_making_batches_leaves_this_threads_number_of_threads_alone():
    before = torch.get_num_threads()
    assert [made for _, made in ahead(lambda _: torch.get_num_threads(), range(3))] == [1, 1, 1]
    assert torch.get_num_threads() == before
