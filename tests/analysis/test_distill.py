"""Receptive field, stride and padding of the table in Araujo et al. 2019, on the same topologies, written here from their papers.

TensorFlow pads "SAME" on the side where it falls, which depends on the size; rows without a size have no padding then.
"""

import csv
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from receptron.analysis.cost.conventions import reconcile
from receptron.analysis.receptive_field.field import Fields, field_of
from receptron.analysis.recording import record


class Same(nn.Module):
    """A window padded as TensorFlow's SAME."""

    def __init__(self, window: nn.Module, kernel: int, stride: int):
        super().__init__()
        self.window, self.kernel, self.stride = window, kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        sides: list[int] = []
        for size in reversed(x.shape[2:]):
            lacking = max((-(-size // self.stride) - 1) * self.stride + self.kernel - size, 0)
            sides += [lacking // 2, lacking - lacking // 2]
        return self.window(F.pad(x, sides))


def conv(c_in: int, c_out: int, kernel: int, stride: int = 1, groups: int = 1, bias: bool = True) -> nn.Module:
    return Same(nn.Conv2d(c_in, c_out, kernel, stride, groups=groups, bias=bias), kernel, stride)


def alexnet_v2() -> nn.Sequential:
    net = nn.Sequential()
    net.add_module("alexnet_v2/conv1", nn.Conv2d(3, 64, 11, 4))
    net.add_module("alexnet_v2/pool1", nn.MaxPool2d(3, 2))
    net.add_module("alexnet_v2/conv2", conv(64, 192, 5))
    net.add_module("pool2", nn.MaxPool2d(3, 2))
    for i, (a, b) in enumerate(((192, 384), (384, 384), (384, 256)), 3):
        net.add_module(f"alexnet_v2/conv{i}", conv(a, b, 3))
    net.add_module("alexnet_v2/pool5", nn.MaxPool2d(3, 2))
    return net


def vgg(name: str, depths: tuple[int, ...]) -> nn.Sequential:
    net, c_in = nn.Sequential(), 3
    for i, (depth, width) in enumerate(zip(depths, (64, 128, 256, 512, 512), strict=True), 1):
        for j in range(1, depth + 1):
            net.add_module(f"{name}/conv{i}/conv{i}_{j}", conv(c_in, width, 3))
            c_in = width
        net.add_module(f"{name}/pool{i}", nn.MaxPool2d(2, 2))
    return net


def mobilenet_v1() -> nn.Sequential:
    """With biases, which stand for the shift of the norm that the table counts here."""
    net, c_in = nn.Sequential(), 32
    net.add_module("Conv2d_0", conv(3, 32, 3, 2))
    widths = (64, 128, 128, 256, 256, *(512,) * 6, 1024, 1024)
    for i, width in enumerate(widths, 1):
        stride = 2 if i in (2, 4, 6, 12) else 1
        net.add_module(f"Conv2d_{i}_depthwise", conv(c_in, c_in, 3, stride, c_in))
        net.add_module(f"Conv2d_{i}_pointwise", nn.Conv2d(c_in, width, 1))
        c_in = width
    return net


class Unit(nn.Module):
    """Bottleneck of the first ResNet in TensorFlow: the stride lies on the last unit of a block, pooled on the shortcut."""

    def __init__(self, c_in: int, middle: int, stride: int):
        super().__init__()
        c_out = 4 * middle
        self.body = nn.Sequential(
            nn.Conv2d(c_in, middle, 1, bias=False),
            nn.Conv2d(middle, middle, 3, stride, 1, bias=False),
            nn.Conv2d(middle, c_out, 1, bias=False),
        )
        self.shortcut = (
            nn.Conv2d(c_in, c_out, 1, stride, bias=False) if c_in != c_out else nn.MaxPool2d(1, stride) if stride > 1 else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(x) + self.body(x)


def resnet_v1(name: str, depths: tuple[int, ...]) -> nn.Sequential:
    net, c_in = nn.Sequential(), 64
    net.add_module("conv1", nn.Conv2d(3, 64, 7, 2, 3, bias=False))
    net.add_module("pool1", Same(nn.MaxPool2d(3, 2), 3, 2))
    for i, (depth, middle) in enumerate(zip(depths, (64, 128, 256, 512), strict=True), 1):
        units = []
        for j in range(depth):
            units.append(Unit(c_in, middle, 2 if j == depth - 1 and i < 4 else 1))
            c_in = 4 * middle
        net.add_module(f"{name}/block{i}", nn.Sequential(*units))
    return net


TOPOLOGIES = {
    "alexnet_v2": alexnet_v2,
    "vgg_a": lambda: vgg("vgg_a", (1, 1, 2, 2, 2)),
    "vgg_16": lambda: vgg("vgg_16", (2, 2, 3, 3, 3)),
    "mobilenet_v1": mobilenet_v1,
    "resnet_v1_50": lambda: resnet_v1("resnet_v1_50", (3, 4, 6, 3)),
    "resnet_v1_101": lambda: resnet_v1("resnet_v1_101", (3, 4, 23, 3)),
    "resnet_v1_152": lambda: resnet_v1("resnet_v1_152", (3, 8, 36, 3)),
}


def path_of(tape, layer: str) -> str:
    """The module whose output has the field: names stand whole in module paths here, dots do not occur."""
    return next(scope.path for scope in tape.module_calls if scope.path == layer)


@pytest.mark.shared
@pytest.mark.parametrize("name", TOPOLOGIES)
def test_every_resolved_row_of_the_table(name: str, shared: Path):
    rows = [r for r in csv.DictReader((shared / "reference/receptive_fields_distill.csv").read_text().splitlines()) if r["cnn"] == name]
    with torch.device("meta"):
        net = TOPOLOGIES[name]()
    fields = Fields(record(net, (3, 224, 224)))
    assert rows
    for row in rows:
        axis = field_of(fields, fields.tape.output_of(path_of(fields.tape, row["end_point"]))).axes[0]
        assert axis.size == int(row["rf"]), row
        assert axis.jump == int(row["eff_stride"]), row
        if row["eff_padding"] != "None":
            assert axis.padding == int(row["eff_padding"]), row


@pytest.mark.shared
@pytest.mark.parametrize("name", TOPOLOGIES)
def test_the_operations_of_the_table_in_its_own_convention(name: str, shared: Path):
    rows = [r for r in csv.DictReader((shared / "reference/receptive_fields_distill.csv").read_text().splitlines()) if r["cnn"] == name]
    with torch.device("meta"):
        net = TOPOLOGIES[name]()
    for row in rows:
        if row["gflops_2xMAC"] != "None":
            names = [n for n, _ in net.named_children()]
            head = net[: names.index(row["end_point"]) + 1]
            (found,) = (row.total for row in reconcile(record(head, (3, 224, 224))) if row.convention == "distill")
            assert found / 1e9 == pytest.approx(float(row["gflops_2xMAC"]), abs=1e-3), row
