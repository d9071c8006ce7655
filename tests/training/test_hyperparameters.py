"""Epochs, steps and the learning rate as a function of the step, against torch's own schedules."""

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

from receptron.training.loop.hyperparameters import Hyperparameters
from receptron.training.loop.lr_schedule import rate_at


@pytest.mark.parametrize(("steps", "warmup"), [(10, 0.2), (200, 0.1), (37, 0.3)])
def test_the_rate_rises_in_a_straight_line_and_falls_as_half_a_cosine(steps: int, warmup: float):
    rise = round(steps * warmup)
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    up = LinearLR(optimiser, 1 / rise, 1.0, rise - 1)
    both = SequentialLR(optimiser, [up, CosineAnnealingLR(optimiser, steps - rise)], [rise])
    theirs = list[float]()
    for _ in range(steps):
        theirs.append(optimiser.param_groups[0]["lr"])
        optimiser.step(), both.step()
    assert [rate_at(step, steps, warmup) for step in range(steps)] == pytest.approx(theirs)


@pytest.mark.parametrize("steps", [1, 2, 3, 1000])
def test_the_rate_is_never_zero_nor_above_its_highest(steps: int):
    rates = [rate_at(step, steps, 0.1) for step in range(steps)]
    assert all(0 < rate <= 1 for rate in rates) and max(rates) == 1


@pytest.mark.parametrize(("count", "batch", "steps"), [(64, 32, 2), (65, 32, 2), (66, 32, 3), (5, 32, 1), (33, 32, 1), (1, 32, 1)])
def test_a_last_batch_of_one_image_is_left_out(count: int, batch: int, steps: int):
    assert Hyperparameters(3, batch, 0.1).steps_per_epoch(count) == steps
    assert Hyperparameters(3, batch, 0.1).steps(count) == 3 * steps
