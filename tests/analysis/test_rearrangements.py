"""Pixels that become channels, columns, other sizes: every unit sees what gradients say, and far from borders the field is local."""

from collections.abc import Callable
from itertools import product

import pytest
import torch
from impulse import pixels_reaching
from torch import Tensor, nn
from torch.nn import functional as F

from receptron.analysis.receptive_field.field import Fields, receptive_field
from receptron.analysis.recording import record


def blurred(x: Tensor, kernel: int = 3) -> Tensor:
    """A window of ones about every pixel, each channel by itself."""
    return F.conv2d(x, torch.ones(x.shape[1], 1, kernel, kernel, dtype=x.dtype, device=x.device), padding=kernel // 2, groups=x.shape[1])


class After(nn.Module):
    """Something done to a blurred picture, and a blur after it."""

    def __init__(self, work: Callable[[Tensor], Tensor], again: bool = False):
        super().__init__()
        self.work, self.again = work, again

    def forward(self, x: Tensor) -> Tensor:
        out = self.work(blurred(x))
        return blurred(out) if self.again else out


WORKS: dict[str, Callable[[Tensor], Tensor]] = {
    "pixel shuffle": lambda x: F.pixel_shuffle(x, 2),
    "pixel shuffle by 3": lambda x: F.pixel_shuffle(torch.cat([x, x, x, x[:, :3]], 1), 3),
    "pixel unshuffle": lambda x: F.pixel_unshuffle(x, 2),
    "there and back": lambda x: F.pixel_shuffle(F.pixel_unshuffle(x, 4), 4),
    "channel shuffle": lambda x: F.channel_shuffle(x, 4),
    "nearest 1.7": lambda x: F.interpolate(x, scale_factor=1.7),
    "nearest to a size": lambda x: F.interpolate(x, size=(5, 13)),
    "nearest-exact 1.7": lambda x: F.interpolate(x, scale_factor=1.7, mode="nearest-exact"),
    "nearest-exact to a size": lambda x: F.interpolate(x, size=(7, 19), mode="nearest-exact"),
    "bilinear 1.7": lambda x: F.interpolate(x, scale_factor=1.7, mode="bilinear"),
    "bilinear 0.5": lambda x: F.interpolate(x, scale_factor=0.5, mode="bilinear"),
    "bilinear by corners": lambda x: F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True),
    "fold of unfold": lambda x: F.fold(F.unfold(x, 3, padding=1), (8, 12), 3, padding=1),
    "unfold with strides": lambda x: F.unfold(x, (3, 2), (1, 2), (1, 0), (2, 1)).unflatten(2, (4, -1)),
    "windows as views": lambda x: x.unfold(2, 4, 2).unfold(3, 3, 3).flatten(4).mean(4),
    "windows apart": lambda x: x.unfold(2, 4, 4).permute(0, 1, 2, 4, 3).flatten(2, 3),
    "circular padding": lambda x: F.conv2d(F.pad(x, (1, 1, 1, 1), mode="circular"), torch.ones(1, 8, 3, 3).to(x)),
    "circular padding, wide": lambda x: F.conv2d(F.pad(x, (4, 2, 3, 0), mode="circular"), torch.ones(1, 8, 4, 7).to(x)),
}


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("name", WORKS)
def test_every_unit_sees_what_gradients_say(name: str, again: bool):
    net, size = After(WORKS[name], again), (1, 8, 8, 12)
    x = torch.ones(size, dtype=torch.double, requires_grad=True)
    out, tape = net(x), record(net, [torch.ones(size, dtype=torch.double)])
    reach = Fields(tape).reach
    for unit in product(range(out.shape[2]), range(0, out.shape[3], 2)):
        ours, theirs = tuple(map(set, reach.seen_by(tape.outputs[0], unit))), pixels_reaching(x, out, unit)
        if name == "fold of unfold":  # which place of its window a number of a column has is not followed: the whole window is meant
            assert all(one >= other for one, other in zip(ours, theirs, strict=True)), unit
        else:
            assert ours == theirs, unit


FAR: list[tuple[str, tuple[int, float, float]]] = [
    ("pixel shuffle", (3, 0.5, 0.0)),
    ("pixel unshuffle", (4, 2.0, 0.5)),
    ("channel shuffle", (3, 1.0, 0.0)),
    ("nearest 1.7", (3, 10 / 17, 0.0)),
    ("nearest-exact 1.7", (3, 10 / 17, 0.0)),
    ("bilinear 1.7", (4, 10 / 17, -0.5)),
    ("fold of unfold", (7, 1.0, 0.0)),
    ("circular padding", (5, 1.0, 0.0)),
]


@pytest.mark.parametrize(("name", "expected"), FAR)
def test_far_from_borders_the_field_is_local(name: str, expected: tuple[int, float, float]):
    """Size, jump and start by hand arithmetic: a scale of 1.7 steps by 1/1.7, whatever size comes out."""
    axis = receptive_field(record(After(WORKS[name]), (8, 8, 12))).axes[0]
    assert (axis.scope, axis.size, axis.jump, axis.start) == ("local", *expected)


@pytest.mark.parametrize("kernel", [2, 3])
def test_unpooling_reads_the_windows_that_its_place_lies_in(kernel: int):
    class Unpool(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            pooled, where = F.max_pool2d(blurred(x), kernel, 2, return_indices=True)
            return F.max_unpool2d(pooled, where, kernel, 2)

    axis = receptive_field(record(Unpool(), (2, 16, 16))).axes[0]
    assert axis.scope == "local" and axis.size == {2: 4, 3: 7}[kernel], "a 3x3 about each of the pixels of all windows"


@pytest.mark.parametrize(
    "norm", [nn.GroupNorm(2, 8), nn.InstanceNorm2d(8), nn.GroupNorm(1, 8), nn.BatchNorm2d(8, track_running_stats=False)]
)
def test_a_norm_over_the_map_is_global_and_the_way_of_the_convolutions_is_told(norm: nn.Module):
    net = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), norm, nn.ReLU(), nn.Conv2d(8, 8, 3, 1, 1))
    axis = receptive_field(record(net, (3, 16, 16))).axes[0]
    assert (axis.scope, axis.size, axis.local) == ("global", 16, 7)
    gate = nn.Sequential(nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Conv2d(8, 8, 1))
    assert receptive_field(record(gate, (3, 16, 16))).axes[0].local is None, "after a global pooling there is no such way"
