"""An analysis that fails leaves the others standing and says why; nets of one layer or none have pages; rows have their full names."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from receptron.analysis import inspection
from receptron.analysis.budget import check
from receptron.analysis.inspection import InspectionOptions, inspect
from receptron.errors import UnknownName
from receptron.report.network import inspection_page
from shell import run

SIZE = (3, 16, 16)


class Bare(nn.Module):
    """No module inside."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


class OwnWeight(nn.Module):
    """A parameter and no module."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(8, 3, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.conv2d(x, self.weight).relu()


class NoBackward(torch.autograd.Function):
    """An operator whose gradient nobody wrote."""

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return x * 2

    @staticmethod
    def backward(ctx: object, grad: Tensor) -> Tensor:
        raise NotImplementedError("no gradient of this")


class Blocks(nn.Module):
    """Lists in lists, and a dict."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3)
        self.stages = nn.ModuleList([nn.ModuleList([nn.Conv2d(8, 8, 1), nn.ReLU()]), nn.ModuleList([nn.Conv2d(8, 8, 1)])])
        self.heads = nn.ModuleDict({"a": nn.Sequential(nn.Conv2d(8, 2, 1), nn.ReLU())})

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for stage in self.stages:
            for layer in stage:
                x = layer(x)
        return self.heads["a"](x)


@pytest.mark.parametrize(
    "net",
    [nn.Conv2d(3, 8, 3), Bare(), OwnWeight(), nn.Identity(), nn.Sequential(), nn.Flatten(), nn.Sequential(nn.Conv2d(3, 8, 3))],
    ids=repr,
)
def test_nets_of_one_layer_or_none_have_a_row_and_a_page(net: nn.Module):
    found = inspect(net, SIZE)
    assert len(found.layers) == 1 and found.layers[0].macs == found.cost.macs
    page = inspection_page(found, net, SIZE)
    assert found.layers[0].kind in page


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_single_layer_and_other_files_have_pages_from_the_command_line(tmp_path: Path):
    (tmp_path / "one.py").write_text("from torch import nn\ndef conv():\n    return nn.Conv2d(3, 8, 3)\n")
    torch.export.save(torch.export.export(nn.Conv2d(3, 8, 3), (torch.zeros(1, *SIZE),)), tmp_path / "one.pt2")
    torch.onnx.export(OwnWeight(), (torch.zeros(1, *SIZE),), tmp_path / "one.onnx", dynamo=False)
    for name in ("one.py:conv", "one.pt2", "one.onnx"):
        told = run("inspect", tmp_path / name, "--size", "3x16x16", "--html", tmp_path / f"{name[-4:]}.html")
        assert told.code == 0, told.err
        assert "<svg" in (tmp_path / f"{name[-4:]}.html").read_text()


@pytest.mark.parametrize("broken", ["Fields", "advise", "reconcile", "roofline", "field_of"])
def test_what_fails_is_unknown_with_its_reason_and_the_rest_is_told(broken: str, monkeypatch: pytest.MonkeyPatch):
    def fails(*_: object, **__: object) -> None:
        raise ValueError("shape mismatch: a fault of ours")

    for place in ("inspection", "layers", "lint.context"):
        monkeypatch.setattr(f"receptron.analysis.{place}.{broken}", fails, raising=False)
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())
    found = inspect(net, SIZE, InspectionOptions(memory=True, device="h100", reconcile=True, field="0"))
    assert found.unknown and all(why == "ValueError: shape mismatch: a fault of ours" for why in found.unknown.values())
    assert found.cost.macs == 8 * 27 * 14 * 14 and not found.cost.unknown and found.memory and len(found.layers) == 2
    assert found.roofline or "time" in found.unknown
    assert "shape mismatch" in inspection_page(found, net, SIZE)


def test_a_limit_on_an_unknown_figure_is_never_kept(monkeypatch: pytest.MonkeyPatch):
    def fails(*_: object) -> None:
        raise IndexError("a fault of ours")

    monkeypatch.setattr(inspection, "advise", fails)
    (limit,) = check("advice<9", inspect(nn.Conv2d(3, 8, 3), SIZE))
    assert not limit.holds and "a fault of ours" in (limit.because or "")


def test_memory_of_inference_is_told_where_no_training_step_can_be_recorded():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3)

        def forward(self, x: Tensor) -> Tensor:
            return NoBackward.apply(self.conv(x))  # type: ignore[no-any-return]

    found = inspect(Net(), SIZE, InspectionOptions(memory=True))
    assert found.memory and found.memory.inference.bytes and found.memory.training is None and found.memory.saved is None
    assert "no gradient of this" in found.unknown["memory of training"]


def test_what_the_caller_asked_wrongly_is_still_an_error():
    with pytest.raises(UnknownName):
        inspect(nn.Conv2d(3, 8, 3), SIZE, InspectionOptions(device="abacus"))
    with pytest.raises(UnknownName):
        inspect(nn.Conv2d(3, 8, 3), SIZE, InspectionOptions(field="nowhere"))


def test_members_of_lists_have_their_full_names():
    rows = {layer.path: (layer.name, layer.depth) for layer in inspect(Blocks(), SIZE).layers}
    assert rows == {
        "stem": ("stem", 0), "stages.0.0": ("stages.0.0", 0), "stages.0.1": ("stages.0.1", 0), "stages.1.0": ("stages.1.0", 0),
        "heads.a": ("heads.a", 0), "heads.a.0": ("0", 1), "heads.a.1": ("1", 1),
    }  # fmt: skip
