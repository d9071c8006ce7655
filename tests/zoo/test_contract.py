"""One contract that every net of the zoo keeps."""

import inspect
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from spread import EVERY_DAY, NETS, daily
from torch import nn

from receptron import zoo
from receptron.blocks.classifier import Classifier
from receptron.errors import BadValue, ImageTooSmall
from receptron.weights.inputs import InputSpec
from receptron.weights.pretrained import Pretrained
from receptron.zoo.nets import ZOO
from receptron.zoo.papers import PAPERS

SEGMENTERS = tuple(name for name in ZOO if name.startswith(("unet", "deeplab")))
SMALL = (
    "lenet5",
    "lenet5_1998",
    "resnet18",
    "mobilenet_v3_small",
    "squeezenet1_1",
    "efficientnet_b0",
    "convnext_ladder_07",
    "vit_s_16",
    "conv4",
    "regnet_y_200mf",
    "repvgg_a0",
    "convnext_v2_atto",
    "mobilenet_v4_conv_small",
    "mobilenet_v4_hybrid_medium",
    "mobilenet_v4_conv_small",
    "swin_t",
)
CLASSIFIERS = [daily(name) for name in ZOO if name not in SEGMENTERS]


def on_meta(name: str, **options: int) -> Classifier:
    with torch.device("meta"):
        return zoo.build(name, **options).eval()


def picture(name: str, pixels: int, *, channels: int | None = None, device: str = "meta") -> torch.Tensor:
    return torch.ones(2, channels or ZOO[name].channels, pixels, pixels, device=device)


def maker(name: str) -> tuple[str, str]:
    """The file that builds a net, and its paper: a family."""
    make = ZOO[name].make
    while hasattr(make, "func"):
        make = make.func
    return make.__module__, ZOO[name].paper


def test_a_net_of_every_family_is_looked_at_every_day():
    assert ZOO.keys() >= EVERY_DAY
    assert {maker(name) for name in EVERY_DAY} == {maker(name) for name in ZOO}


@pytest.mark.parametrize("name", NETS)
def test_it_takes_its_usual_size_an_odd_size_and_its_least_size(name: str):
    net, row = on_meta(name), ZOO[name]
    for pixels in (row.pixels, row.pixels + 13, row.least):
        shape = net(picture(name, pixels)).shape
        assert shape[:2] == (2, row.classes), pixels


@pytest.mark.parametrize("name", NETS)
def test_it_takes_other_classes_and_channels(name: str):
    net = on_meta(name, classes=7, channels=5)
    assert net(picture(name, ZOO[name].pixels, channels=5)).shape[:2] == (2, 7)


@pytest.mark.parametrize("name", NETS)
def test_its_least_size_is_the_larger_of_what_runs_and_its_stride(name: str):
    """Below it a layer would fail, or the last map would be padding: for a net of total stride s that is s pixels."""
    net, row = on_meta(name), ZOO[name]
    net.min_pixels = 1
    smaller = picture(name, row.least - 1)
    try:
        with torch.no_grad():
            net(smaller)
    except (RuntimeError, ZeroDivisionError):
        return
    encoder = Classifier(net.stem, list(net.stages), nn.Identity())
    dilated = 32 if name.startswith("deeplab") else None  # the stride before it was traded for dilation
    stride = dilated or row.least * 8 // encoder.features(picture(name, row.least * 8)).shape[-1]
    assert stride == row.least


@pytest.mark.parametrize("name", NETS)
def test_its_pyramid_shrinks_and_ends_at_its_features(name: str):
    net, row = on_meta(name), ZOO[name]
    maps = net.pyramid(picture(name, row.pixels))
    assert len(maps) == 1 + len(net.stages)
    assert all(m.ndim == 4 for m in maps)
    assert all(a.shape[-1] >= b.shape[-1] for a, b in pairwise(maps))
    if not name.startswith("vit"):
        assert maps[-1].shape == net.features(picture(name, row.pixels)).shape


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_its_class_layer_sees_what_embed_gives(name: str):
    net = on_meta(name, classes=3)
    vectors = net.embed(picture(name, ZOO[name].pixels))
    layer = net.head.get_submodule("fc")
    if not name.startswith("squeezenet"):  # its class layer stands before the pool
        assert layer(vectors).shape == (2, 3)


@pytest.mark.parametrize("name", NETS)
def test_images_below_its_least_size_are_refused_at_the_door(name: str):
    least = ZOO[name].least
    with pytest.raises(ImageTooSmall, match=f"{name} needs images of {least}x{least} pixels or more, got {least - 1}x{least - 1}"):
        zoo.build(name, pixels=least - 1)
    with pytest.raises(ImageTooSmall, match=f"{name} needs images of {least}x{least}"):
        on_meta(name)(picture(name, least - 1))


@pytest.mark.parametrize("name", ZOO)
def test_its_paper_is_in_the_history_and_its_file_cites_a_year(name: str):
    paper = PAPERS[ZOO[name].paper]
    make = ZOO[name].make
    while hasattr(make, "func"):
        make = make.func
    source = inspect.getdoc(inspect.getmodule(make)) or ""
    assert paper.where.partition(" ")[0].removeprefix("arXiv:") in source or str(paper.year) in source or make.__name__ == "make"


@pytest.mark.parametrize("name", SMALL)
def test_every_weight_and_statistic_starts_finite(name: str):
    """Memory that nobody filled would hold NaN here."""
    torch.use_deterministic_algorithms(True)
    try:
        net = zoo.build(name)
    finally:
        torch.use_deterministic_algorithms(False)
    for key, tensor in net.state_dict().items():
        assert torch.isfinite(tensor).all(), key
    net.eval()
    with torch.no_grad():
        assert torch.isfinite(net(picture(name, ZOO[name].pixels, device="cpu"))).all()


@pytest.mark.parametrize("name", SMALL)
def test_its_state_goes_round(name: str):
    first, second = zoo.build(name), zoo.build(name)
    second.load_state_dict(first.state_dict())
    x = torch.randn(2, ZOO[name].channels, ZOO[name].pixels, ZOO[name].pixels)
    first.eval(), second.eval()
    with torch.no_grad():
        assert torch.equal(first(x), second(x))


def test_a_start_is_repeatable_by_seed_and_signals_keep_their_size():
    torch.manual_seed(5)
    first = zoo.build("resnet34_plain")
    torch.manual_seed(5)
    second = zoo.build("resnet34_plain")
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    first.train()
    maps = first.pyramid(torch.randn(4, 3, 64, 64))
    assert all(0.3 < float(m.detach().std()) < 3 for m in maps)


def test_plain_twins_lack_the_shortcuts_only():
    ours, plain = on_meta("resnet50"), on_meta("resnet50_plain")
    missing = ours.state_dict().keys() - plain.state_dict().keys()
    assert missing and all(".shortcut." in key for key in missing)
    assert plain.state_dict().keys() <= ours.state_dict().keys()


def test_counts_below_one_are_refused():
    with pytest.raises(BadValue, match="classes is -1"):
        zoo.build("resnet18", classes=-1)
    nothing = Pretrained("x", "resnet18", Path("x.safetensors"), "receptron", InputSpec(224, (0.5,), (0.5,)), "none")
    with pytest.raises(BadValue, match="meta device"), torch.device("meta"):
        zoo.build("resnet18", pretrained=nothing)
