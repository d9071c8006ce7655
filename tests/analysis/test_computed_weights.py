"""Weights made from the input, copies side by side and numbers put by masks: fields held against gradients."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from receptron.analysis import inspect, receptive_field, record


class PredictedKernel(nn.Module):
    def __init__(self):
        super().__init__()
        self.kernel = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 27))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.kernel(x).view(1, 3, 3, 3), padding=1)


class AdaptiveNorm(nn.Module):
    """A batch norm whose scale comes from the whole image."""

    def __init__(self):
        super().__init__()
        self.conv, self.scale = nn.Conv2d(3, 3, 3, padding=1), nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        return F.batch_norm(self.conv(x), x.new_zeros(3), x.new_ones(3), self.scale(x.mean((0, 2, 3))))


class MixedKernels(nn.Module):
    """Kernels mixed by what an image shows, as CondConv has them."""

    def __init__(self):
        super().__init__()
        self.kernels, self.gate = nn.Parameter(torch.randn(4, 8, 3, 3, 3)), nn.Linear(3, 4)

    def forward(self, x: Tensor) -> Tensor:
        mixed = (self.gate(x.mean((2, 3)))[0][:, None, None, None, None] * self.kernels).sum(0)
        return F.conv2d(x, mixed, padding=1)


class Repeated(nn.Module):
    def __init__(self, *times: int):
        super().__init__()
        self.first, self.second, self.times = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1), times

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x.repeat(*self.times)))


class Masked(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x).clone()
        y[y < 0] = 0
        return self.conv(y[:, :3])


class Siamese(nn.Module):
    """One image's map slides over the other's."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        return F.conv2d(self.conv(x), self.conv(z))


def rows_seen(net: nn.Module, inputs: list[Tensor], source: int) -> int:
    """From the first to the last row of an input that the middle unit's gradient reaches."""
    given = [x.double().requires_grad_(True) for x in inputs]
    out = net.double()(*given)
    out[0, :, out.shape[2] // 2, out.shape[3] // 2].sum().backward()
    rows = given[source].grad.abs().sum((0, 1, 3)).nonzero().flatten()
    return int(rows[-1] - rows[0]) + 1


@pytest.mark.parametrize(
    ("make", "sizes", "source"),
    [
        (PredictedKernel, [(3, 32, 32)], 0),
        (AdaptiveNorm, [(3, 16, 16)], 0),
        (MixedKernels, [(3, 24, 24)], 0),
        (lambda: Repeated(1, 3, 1, 1), [(1, 32, 32)], 0),
        (lambda: Repeated(1, 1, 1, 1), [(3, 32, 32)], 0),
        (lambda: Repeated(2, 3, 1, 1), [(1, 32, 32)], 0),
        (Masked, [(3, 24, 24)], 0),
        (Siamese, [(3, 32, 32), (3, 10, 10)], 0),
        (Siamese, [(3, 32, 32), (3, 10, 10)], 1),
    ],
    ids=["kernel", "norm", "mixed kernels", "grey to colour", "once", "twice", "mask", "searched", "sought"],
)
def test_fields_are_those_of_the_gradient(make, sizes: list[tuple[int, ...]], source: int):
    torch.manual_seed(0)
    net = make()
    found = receptive_field(record(net, [*sizes]), "", source).axes[0].size
    assert found == rows_seen(net.eval(), [torch.randn(1, *size) for size in sizes], source)


@pytest.mark.parametrize(("layer", "size"), [(nn.Conv2d(3, 8, 3), (3, 8, 8)), (nn.Linear(5, 4), (5,)), (nn.LSTM(8, 16), (5, 8))])
def test_a_layer_alone_has_its_parameters(layer: nn.Module, size: tuple[int, ...]):
    assert [row.parameters for row in inspect(layer, size).layers] == [sum(p.numel() for p in layer.parameters())]


class Ordered(nn.Module):
    """What stands behind an operator that has no relation of positions here."""

    def __init__(self, kind: str):
        super().__init__()
        self.conv, self.kind = nn.Conv2d(3, 8, 3, padding=1), kind

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        if self.kind == "gather":
            return y.gather(3, torch.zeros(1, 8, 24, 24, dtype=torch.int64))
        if self.kind == "index":
            return y[:, :, torch.tensor([3, 1, 2])]
        if self.kind == "fft":
            return torch.fft.rfft2(y).abs()
        return F.interpolate(y, scale_factor=0.5, mode="bilinear", antialias=True) if self.kind == "antialias" else y


@pytest.mark.parametrize("kind", ["gather", "fft", "antialias"])
def test_what_is_taken_for_all_is_told(kind: str):
    told = [figure for figure in inspect(Ordered(kind), (3, 24, 24)).unknown if figure.startswith("receptive fields behind")]
    assert len(told) == 1
    assert not inspect(Ordered("nothing"), (3, 24, 24)).unknown and not inspect(Ordered("index"), (3, 24, 24)).unknown


@pytest.mark.parametrize("name", ["swin_t", "vit_s_16", "unet", "densenet121"])
def test_nets_of_the_zoo_are_worked_out(name: str):
    from receptron import build

    with torch.device("meta"):
        net = build(name)
    size = (1, 64, 64) if name == "unet" else (3, 224, 224)
    assert not inspect(net, size).unknown
