"""NaN and infinity are told with what they are in, and everything finite passes, however large."""

import pytest
import torch
from torch import nn

from receptron.errors import NonFinite
from receptron.training.callbacks.nan_guard import NanGuard


def guard() -> tuple[NanGuard, nn.Module]:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.BatchNorm2d(4))
    return NanGuard(net, "last stage"), net


def test_finite_numbers_pass_however_large():
    watch, net = guard()
    net[1].running_var.fill_(1e38)
    watch.losses(torch.tensor([0.0, 3e38]), ["a", "b"], 0)
    watch.gradient(torch.tensor(3e38), ["a"], 0)
    watch.buffers(["a"], 0)
    watch.metric("accuracy", 1.0, 0)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_each_check_stops_and_names(bad: float):
    watch, net = guard()
    with pytest.raises(NonFinite, match=r"last stage: the loss .* step 3") as caught:
        watch.losses(torch.tensor([1.0, bad, 2.0, bad]), ["a", "b", "c", "d"], 2)
    assert caught.value.why == "images in it: b, d"
    with pytest.raises(NonFinite, match="gradient"):
        watch.gradient(torch.tensor(bad), ["a"], 0)
    with pytest.raises(NonFinite, match=r"accuracy is .* after epoch 1"):
        watch.metric("accuracy", bad, 0)
    net[2].running_mean[1] = bad
    with pytest.raises(NonFinite, match=r"statistic 2\.running_mean"):
        watch.buffers(["a"], 0)


def test_many_images_are_counted_rather_than_listed():
    watch, _ = guard()
    with pytest.raises(NonFinite) as caught:
        watch.losses(torch.full((20,), torch.nan), [f"{i}.png" for i in range(20)], 0)
    assert caught.value.why.endswith("7.png and 12 more")
