"""Batches from canvases and from cached activations: the same for the same (rows, epoch), made one ahead, and in order."""

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from small import SPEC, VARIED, drawn
from torch import nn

from receptron.data.augmentation.policy import POLICIES, Policy
from receptron.data.augmentation.views import augmented
from receptron.training.batches.prefetch import ahead
from receptron.training.batches.sources import CanvasSource, ViewSource
from receptron.training.loop.objective import Supervised


def canvases(count: int = 12, seed: int = 3) -> CanvasSource:
    made, labels = drawn(count)
    return CanvasSource(made, [f"{i}.png" for i in range(count)], torch.tensor(labels), SPEC, 3, VARIED, seed, 3)


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


MIXED = (replace(VARIED, mixup=0.4), replace(VARIED, cutmix=1.0), POLICIES["strong"])


@pytest.mark.parametrize("policy", MIXED, ids=["mixup", "cutmix", "strong"])
def test_a_mixed_image_does_not_depend_on_its_batch(policy: Policy):
    source = replace(canvases(), policy=policy)
    inputs, targets = source.batch(np.arange(12), 3)
    for rows in (np.array([7]), np.array([3, 9, 1]), np.arange(12)[::-1].copy()):
        some, shares = source.batch(rows, 3)
        assert torch.equal(some, inputs[rows]) and torch.equal(shares, targets[rows])
    assert not torch.equal(source.batch(np.arange(12), 4)[1], targets)


@pytest.mark.parametrize("policy", MIXED, ids=["mixup", "cutmix", "strong"])
def test_labels_are_mixed_by_the_shares_of_the_pixels(policy: Policy):
    """Pictures of one tone for each class, unchanged but for the mixing: the mean tone tells the shares."""
    tones = [np.full((40, 40, 3), 80 * label, np.uint8) for label in (0, 1, 2) * 4]
    spec = replace(SPEC, mean=(0.0,) * 3, std=(1.0,) * 3)
    plain = Policy(mixup=policy.mixup, cutmix=policy.cutmix)
    source = CanvasSource(tones, [f"{i}" for i in range(12)], torch.tensor([0, 1, 2] * 4), spec, 3, plain, 5, 3)
    inputs, targets = source.batch(np.arange(12), 0)
    assert targets.shape == (12, 3) and torch.allclose(targets.sum(1), torch.ones(12))
    assert torch.allclose(inputs.mean((1, 2, 3)) * 255 / 80, targets @ torch.tensor([0.0, 1.0, 2.0]), atol=1e-4)
    assert (targets.amax(1) < 0.999).any(), "some are mixed"
    wrong = targets.roll(1, 0)
    assert not torch.allclose(inputs.mean((1, 2, 3)) * 255 / 80, wrong @ torch.tensor([0.0, 1.0, 2.0]), atol=1e-4)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_of_mixed_labels_is_the_mixed_loss(smoothing: float):
    torch.manual_seed(0)
    net, inputs = nn.Linear(5, 3), torch.randn(6, 5)
    first, second, share = torch.tensor([0, 1, 2, 0, 1, 2]), torch.tensor([1, 1, 0, 2, 0, 2]), torch.rand(6)
    soft = nn.functional.one_hot(first, 3) * share[:, None] + nn.functional.one_hot(second, 3) * (1 - share[:, None])
    objective = Supervised(smoothing)
    expected = share * objective(net, inputs, first) + (1 - share) * objective(net, inputs, second)
    assert torch.allclose(objective(net, inputs, soft), expected, atol=1e-5)
    assert not torch.allclose(objective(net, inputs, soft.flip(1)), expected, atol=1e-5)


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
