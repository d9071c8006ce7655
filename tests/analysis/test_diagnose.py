"""Networks that do not run: the place, the shapes, and repairs that really mend them."""

import re

import pytest
from reference_nets import torchvision_net
from torch import Tensor, nn

from receptron.analysis.diagnose.clash import explain
from receptron.analysis.recording import record
from receptron.errors import ShapeClash


def test_a_network_that_runs_has_nothing_to_explain():
    assert explain(nn.Conv2d(3, 4, 3), (3, 8, 8)) is None


def test_a_linear_layer_of_the_wrong_size_is_told_where_its_features_come_from():
    net = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(100, 10))
    clash = explain(net, (3, 32, 32))
    assert (clash.layer, clash.kind) == ("3", "Linear")
    assert clash.shapes == ((1, 1800), (100, 10))
    assert [ran.path for ran in clash.before] == ["0", "1", "2"]
    assert "set in_features=1800 (was 100): 8 x 15 x 15 = 1,800" in clash.repairs
    net[3] = nn.Linear(1800, 10)
    record(net, (3, 32, 32))


class Meeting(nn.Module):
    def __init__(self, padding: int = 1, stride: int = 2, other: int = 1):
        super().__init__()
        self.a, self.b, self.norm = nn.Conv2d(3, 8, 3, stride, padding), nn.Conv2d(3, 8, 3, other, 1), nn.BatchNorm2d(8)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.a(x)) + self.b(x)


def test_branches_of_different_size_are_mended_by_what_is_proposed():
    clash = explain(Meeting(), (3, 32, 32))
    assert any(re.match(r"set stride=1 \(was 2\) in a: ⌊\(32 - 3 \+ 2 × 1\) / 1⌋ \+ 1 = 32", r) for r in clash.repairs)
    assert any(r.startswith("set stride=2 (was 1) in b") for r in clash.repairs)
    record(Meeting(stride=1), (3, 32, 32))
    record(Meeting(other=2), (3, 32, 32))
    padding = explain(Meeting(padding=0, stride=1), (3, 32, 32))
    assert any(r.startswith("set padding=1 (was 0) in a") for r in padding.repairs)


@pytest.mark.parametrize(
    ("net", "repair"),
    [
        (nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(9, 8, 3)), "set in_channels=8 (was 9)"),
        (nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(9)), "set num_features=8 (was 9)"),
        (nn.Sequential(nn.Conv2d(3, 8, 33)), "set padding=1 (was 0): the map is 32x32, the kernel 33x33"),
    ],
)
def test_other_clashes_name_their_repair(net: nn.Module, repair: str):
    assert repair in explain(net, (3, 32, 32)).repairs


def test_too_small_an_image_is_told_with_sizes_at_which_the_network_runs():
    clash = explain(torchvision_net("alexnet"), (3, 32, 32))
    sizes = [int(n) for n in re.findall(r"(\d+)x\1", clash.repairs[-1])]
    assert sizes
    for size in sizes:
        record(torchvision_net("alexnet"), (3, size, size))


def test_the_error_has_shapes_layers_and_repairs():
    net = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.Flatten(), nn.Linear(100, 10))
    error = explain(net, (3, 32, 32)).error()
    assert isinstance(error, ShapeClash)
    assert str(error).startswith("2 (Linear): 1x1800 meets 100x10 in addmm.")
    assert "0 (Conv2d) gave 1x8x15x15" in error.why
    assert "in_features=1800" in error.mend
