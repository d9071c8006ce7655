"""The whole answer about a network: record, budget, comparison, conventions, roofline, pages."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch
from PIL import Image
from reference_nets import torchvision_net
from torch import nn

from receptron.analysis import inspection
from receptron.analysis.budget import check
from receptron.analysis.comparison import compare, differences
from receptron.analysis.cost.conventions import reconcile
from receptron.analysis.cost.memory import memory
from receptron.analysis.cost.roofline import DEVICES, roofline
from receptron.analysis.inspection import Inspection, InspectionOptions, inspect
from receptron.analysis.recording import record, record_training
from receptron.errors import BadValue, UnknownName
from receptron.records import from_json, to_json
from receptron.report.network import comparison_page, inspection_page

SIZE = (3, 224, 224)


@pytest.fixture(scope="module")
def resnet() -> Inspection:
    question = InspectionOptions(batch=8, memory=True, device="h100", reconcile=True, field="layer2")
    return inspect(torchvision_net("resnet50"), SIZE, question, "resnet50")


def test_layers_add_up_to_the_whole(resnet: Inspection):
    leaves = [layer for layer in resnet.layers if layer.leaf]
    top = [layer for layer in resnet.layers if layer.depth == 0]
    assert sum(layer.macs for layer in leaves) == sum(layer.macs for layer in top) == resnet.cost.macs == 4_089_184_256
    assert sum(layer.parameters for layer in leaves) == sum(layer.parameters for layer in top) == 25_557_032


def test_the_working_of_a_layer_ends_with_its_numbers(resnet: Inspection):
    conv = next(layer for layer in resnet.layers if layer.path == "conv1")
    assert conv.working[0].endswith("= 112")
    assert conv.working[1].endswith(f"= {conv.parameters:,}")
    assert conv.working[2].endswith(f"= {conv.macs:,}")
    for layer in resnet.layers:
        if layer.working and layer.kind in ("Conv2d", "Linear"):
            assert layer.working[-1].endswith(f"= {layer.macs:,}"), layer


def test_the_record_survives_json(resnet: Inspection):
    assert from_json(to_json(resnet), Inspection) == resnet


def test_printed_totals_of_resnet50_are_explained(resnet: Inspection):
    """The totals that fvcore 0.1.5 and thop 0.1.1 give were read off those tools."""
    totals = {row.convention: row.total for row in resnet.conventions}
    assert totals["macs"] == 4_089_184_256
    assert round(totals["with_norm"] / 1e9, 2) == 4.11
    assert totals["fvcore"] == 4_111_512_576
    assert totals["thop"] == 4_133_742_592
    for row in resnet.conventions:
        assert row.total == row.products + sum(row.added.values())


@pytest.mark.parametrize(
    ("name", "fvcore", "thop"),
    [
        ("mobilenet_v2", 314_193_216, 327_486_720),
        ("densenet121", 2_865_546_752, 2_897_007_104),
        ("googlenet", 1_504_878_688, 1_511_332_032),
    ],
)
def test_other_nets_get_the_totals_that_the_tools_print(name: str, fvcore: int, thop: int):
    tape = record(torchvision_net(name), SIZE)
    totals = {row.convention: row.total for row in reconcile(tape)}
    assert (totals["fvcore"], totals["thop"], len(totals)) == (fvcore, thop, 6)


def test_a_budget_is_kept_or_broken(resnet: Inspection):
    kept = check("macs<4.1G params<=25557032 field>=224 training_memory<2G", resnet)
    assert [limit.holds for limit in kept] == [True] * 4
    assert [limit.holds for limit in check("macs<4G params<25M field>500", resnet)] == [False] * 3


@pytest.mark.parametrize(
    ("text", "error"), [("", BadValue), ("macs", BadValue), ("macs<x", BadValue), ("mac<5", UnknownName), ("macs <5", BadValue)]
)
def test_a_budget_that_cannot_be_read_is_refused(resnet: Inspection, text: str, error: type[Exception]):
    with pytest.raises(error):
        check(text, resnet)


def test_a_budget_for_what_was_not_measured_is_refused():
    plain = inspect(torchvision_net("squeezenet1_1"), SIZE)
    with pytest.raises(BadValue, match="--memory"):
        check("training_memory<1G", plain)


def test_the_roofline_is_the_slower_of_computing_and_moving():
    found = roofline(record(nn.Linear(1024, 1024, bias=False), (1024,), batch=4096), "a100")
    flops, moved = 2 * 4096 * 1024**2, 2 * (2 * 4096 * 1024 + 1024**2)
    assert (found.flops, found.bytes) == (flops, moved)
    device = DEVICES["a100"]
    assert found.seconds == pytest.approx(max(flops / device.half, moved / device.bandwidth))
    assert roofline(record(nn.ReLU(), (64, 64, 64)), "a100").memory_bound == 1
    with pytest.raises(UnknownName, match="h100"):
        roofline(record(nn.ReLU(), (64,)), "h101")


def test_comparison_aligns_layers_by_structure():
    with torch.device("meta"):
        one = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3))
        two = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 16, 3))
    found = compare(inspect(one, (3, 16, 16), name="one"), inspect(two, (3, 16, 16), name="two"))
    kinds = [(p.left and p.left.kind, p.right and p.right.kind, p.same) for p in found.layers]
    assert kinds == [("Conv2d", "Conv2d", True), (None, "BatchNorm2d", False), ("ReLU", "ReLU", True), ("Conv2d", "Conv2d", False)]
    totals = {d.quantity: (d.left, d.right) for d in found.totals}
    assert totals["MACs"] == (14**2 * 27 * 8 + 144 * 72 * 8, 14**2 * 27 * 8 + 144 * 72 * 16)
    assert [p.verdict for p in found.layers] == ["=", "only right", "=", "differ: output, parameters, MACs"]
    assert all(p.verdict in comparison_page(found) for p in found.layers)


class Tags(HTMLParser):
    """Holds that tags are closed in their order, and collects what would load from elsewhere."""

    VOID = {"meta", "input", "br", "path", "rect"}

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.outside += [v for k, v in attrs if k in ("src", "href") and v and not v.startswith(("data:", "#"))]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_the_page_is_one_file_that_loads_nothing(resnet: Inspection, tmp_path: Path):
    photo = tmp_path / "photo.png"
    Image.new("RGB", (64, 48), "teal").save(photo)
    text = inspection_page(resnet, torchvision_net("resnet50"), SIZE, photo)
    tags = Tags()
    tags.feed(text)
    assert tags.open == []
    assert tags.outside == []
    assert not re.search(r"https?://(?!www\.w3\.org)", text)
    assert "4,089,184,256" in text
    assert "data:image/jpeg;base64," in text


def test_names_are_escaped_in_the_page():
    found = inspect(nn.Sequential(nn.Conv2d(3, 8, 3)), (3, 8, 8), name="<script>alert(1)</script>")
    assert "<script>alert" not in inspection_page(found, nn.Sequential(nn.Conv2d(3, 8, 3)), (3, 8, 8))


def test_a_picture_that_is_none_is_refused(resnet: Inspection, tmp_path: Path):
    (tmp_path / "photo.png").write_text("no picture")
    with pytest.raises(BadValue, match="cannot be read as an image"):
        inspection_page(resnet, torchvision_net("resnet50"), SIZE, tmp_path / "photo.png")


def test_two_layers_differ_in_what_was_changed_and_nothing_else():
    plain, biased, wider, other = (
        inspect(nn.Sequential(layer), (3, 16, 16)).layers[-1]
        for layer in (nn.Conv2d(3, 8, 3, bias=False), nn.Conv2d(3, 8, 3), nn.Conv2d(3, 9, 3, bias=False), nn.MaxPool2d(3, 1))
    )
    assert differences(plain, plain) == ()
    assert differences(plain, biased) == ("parameters",)
    assert differences(plain, wider) == ("output", "parameters", "MACs")
    assert "kind" in differences(plain, other)


@pytest.mark.parametrize(("batch", "expected"), [(1, ["record", "record_training"]), (4, ["record", "record", "record_training"])])
def test_one_recording_serves_all_that_is_asked_of_one_image(batch: int, expected: list[str], monkeypatch: pytest.MonkeyPatch):
    taken: list[str] = []

    def counted(recorder):
        return lambda *args, **kwargs: (taken.append(recorder.__name__), recorder(*args, **kwargs))[1]

    for recorder in (record, record_training):
        monkeypatch.setattr(inspection, recorder.__name__, counted(recorder))
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    question = InspectionOptions(batch=batch, memory=True, device="h100", reconcile=True, field="0")
    found, tape = inspection.examine(net, (3, 16, 16), question)
    assert taken == expected
    assert found == inspect(net, (3, 16, 16), question)
    assert inspection_page(found, net, (3, 16, 16), tape=tape) == inspection_page(found, net, (3, 16, 16))
    assert found.memory == memory(net, (3, 16, 16), batch=batch)


def test_a_limit_from_above_is_not_kept_by_a_lower_bound():
    """What is not counted could be anything; from below it can only add."""

    @torch.library.custom_op("uncounted::double", mutates_args=())
    def double(x: torch.Tensor) -> torch.Tensor:
        return x * 2

    double.register_fake(torch.empty_like)

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(4, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(double(x))

    found = inspect(Net(), (4,))
    assert found.cost.unknown
    for limit, holds in (("macs<1K", False), ("flops<=1K", False), ("macs=8", False), ("macs>2", True), ("params<100", True)):
        assert check(limit, found)[0].holds is holds, limit
    assert "double" in check("macs<1K", found)[0].because
