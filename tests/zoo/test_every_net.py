"""One contract over every net of the zoo and every public method, on the meta device: shapes without numbers.

Special cases, by design: squeezenets name the classes before their pool, so `head.fc` sees a map; ViTs hand on tokens, which make maps of
one size; segmenters answer for each pixel, and the unpadded U-Net for fewer than it is given. To be quick, norms over the batch, which keep
every shape, are left out, and the stages run once for all methods. A campaign takes every net, the tests of every day those of `spread.py`.
"""

from collections.abc import Iterator
from inspect import getmembers, isfunction
from typing import cast

import numpy as np
import pytest
import torch
from spread import NETS
from torch import Tensor, nn

from receptron import zoo
from receptron.blocks.auxiliary import AuxiliaryClassifier
from receptron.blocks.classifier import Classifier
from receptron.errors import BadValue, ImageTooSmall
from receptron.zoo.deeplab import DeepLab
from receptron.zoo.nets import ZOO
from receptron.zoo.repvgg import RepVGG
from receptron.zoo.unet import UNet

N, CLASSES = 2, 3
COVERED = {
    "features", "embed", "before_classes", "embedding_width", "pyramid", "forward", "all_scores", "handed_maps", "remove_auxiliary",
    "classes", "reset_head", "feature_channels", "feature_strides", "freeze", "parameter_groups", "set_grad_checkpointing", "prepare",
    "reparameterise", "scores_and_embedding",
}  # fmt: skip


@pytest.fixture(autouse=True)
def on_meta() -> Iterator[None]:
    with torch.device("meta"), torch.no_grad():
        yield


class Recorded(nn.Module):
    """Runs a part once and gives the same answer from then on."""

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.part, self.answer = [part], None

    def forward(self, x: Tensor) -> Tensor:
        if self.answer is None:
            self.answer = self.part[0](x)
        return self.answer


def without_norms(net: Classifier) -> Classifier:
    for parent in list(net.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.BatchNorm2d):
                setattr(parent, name, nn.Identity())
    return net


def quick(net: Classifier) -> Classifier:
    if not isinstance(net, AuxiliaryClassifier):
        net.stem, net.stages = Recorded(net.stem), nn.Sequential(*map(Recorded, net.stages))
    return net


def pictures(name: str) -> Tensor:
    least = {"googlenet_2014": 96, "inception_v3": 299}.get(name, max(ZOO[name].least, 64))  # two whose auxiliary heads need large maps
    return torch.empty(N, ZOO[name].channels, *((224, 224) if name.startswith("vit") else (least, least + 32)))


def test_no_public_method_is_forgotten():
    ours = {
        name
        for kind in (Classifier, AuxiliaryClassifier, UNet, DeepLab, RepVGG)
        for name, member in getmembers(kind)
        if not name.startswith("_") and not hasattr(nn.Module, name) and (isfunction(member) or isinstance(member, property))
    }
    assert ours | {"forward"} == COVERED


@pytest.mark.parametrize("name", NETS)
def test_every_method_keeps_the_contract(name: str):
    whole, x = zoo.build(name, classes=CLASSES).eval(), pictures(name)
    torch.fx.symbolic_trace(whole)
    channels, strides = without_norms(whole).feature_channels, whole.feature_strides
    net = quick(whole)
    seen: list[Tensor] = []
    net.head.get_submodule("fc").register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    scores = net(x)
    assert scores.shape[:2] == (N, CLASSES)
    assert scores.shape[2:] == (x.shape[2:] if isinstance(net, UNet | DeepLab) and name != "unet_2015" else scores.shape[2:])
    maps = net.pyramid(x)
    assert len(maps) == 1 + len(net.stages) and all(m.ndim == 4 and m.shape[0] == N for m in maps)
    assert channels == [m.shape[1] for m in maps] and strides == sorted(strides)
    assert all(abs(x.shape[-1] / stride - m.shape[-1]) <= 200 / stride for stride, m in zip(strides, maps, strict=True))
    some = net.pyramid(x, [len(maps) - 1, 0])
    assert [m.shape for m in some] == [maps[-1].shape, maps[0].shape]
    features = net.features(x)
    assert features.shape == maps[-1].shape or net.patch
    before = net.before_classes(x)
    assert before.shape == seen[0].shape  # what the class layer saw
    width = net.embedding_width
    assert net.embed(x).shape == (N, width) == (N, before.shape[1])
    answered, embedding = net.scores_and_embedding(x)
    assert embedding.shape == (N, width) and answered.shape[:2] == (N, CLASSES)
    assert answered.shape == scores.shape or isinstance(net, DeepLab)  # which widens its answer afterwards
    assert zoo.Siamese(net).score.in_features == width
    if isinstance(net, UNet):
        assert [m.shape for m in net.handed_maps(x)] == [m.shape for m in maps]
    if isinstance(net, RepVGG):
        whole = zoo.build(name, classes=CLASSES).eval()
        cast(RepVGG, whole).reparameterise()
        assert whole(x).shape == scores.shape
    if isinstance(net, AuxiliaryClassifier):
        assert [s.shape for s in net.all_scores(x)] == [(N, CLASSES)] * (1 + len(net.auxiliary))
        logits, auxiliary, _ = net.train()(x)
        assert [s.shape for s in (logits, *auxiliary)] == [(N, CLASSES)] * (1 + len(net.auxiliary))
        net.eval()
    check_what_follows_a_build(net, width)
    for method in (net, net.features, net.embed, net.pyramid, getattr(net, "all_scores", net)):
        with pytest.raises(ImageTooSmall, match=f"{name} needs images of"):
            method(x[..., : ZOO[name].least - 1])


def check_what_follows_a_build(net: Classifier, width: int) -> None:
    """Groups, freezing and other classes; the net has as many classes as before in the end."""
    learnt = {id(p) for p in net.parameters()}
    listed = [id(p) for group in net.parameter_groups(0.1, 0.05, 0.5) for p in group["params"]]
    assert len(listed) == len(set(listed)) and set(listed) == learnt
    assert net.input is not None and net.input.pixels >= ZOO[net.name].least
    net.freeze(0)
    net.freeze(-1)
    assert all(p.requires_grad for p in net.parameters())
    for classes in (7, 0, CLASSES):
        net.reset_head(classes)
        assert net.classes == classes and net.embedding_width == width


@pytest.mark.parametrize("name", NETS)
def test_every_net_is_built_without_class_layers(name: str):
    net = zoo.build(name, classes=0).eval()
    assert net.classes == 0 and not any(".fc." in key for key in net.state_dict())


@pytest.mark.parametrize(("name", "pixels", "least"), [("inception_v3", 298, 17), ("inception_v3", 75, 17), ("googlenet_2014", 64, 5)])
def test_auxiliary_heads_refuse_maps_that_are_too_small(name: str, pixels: int, least: int):
    net, image = zoo.build(name).eval(), torch.empty(N, 3, pixels, pixels)
    assert net(image).shape == (N, 1000)
    with pytest.raises(ImageTooSmall, match=f"auxiliary heads of {name} need maps of {least}x{least}"):
        net.all_scores(image)


ENCODERS = ("alexnet", "vgg11_bn", "resnet18", "resnet50d", "densenet121", "mobilenet_v2_tf", "efficientnet_b0",
    "convnext_tiny", "xception", "squeezenet1_1", "googlenet", "inception_v3", "unet", "resnet50_v2", "senet154",
    "regnet_y_200mf", "repvgg_a0", "convnext_v2_atto",
    "mobilenet_v4_conv_small",
)  # fmt: skip


@pytest.mark.parametrize("name", ENCODERS)
def test_networks_for_pixels_find_the_widths_of_any_encoder(name: str):
    x = torch.empty(N, ZOO[name].channels, 96, 128)
    for make in (zoo.unet_on, zoo.deeplab_on):
        net = make(zoo.build(name), classes=CLASSES).eval()
        assert net(x).shape == (N, CLASSES, 96, 128)
        assert net.embed(x).shape == (N, net.embedding_width)
        assert net.head.get_submodule("fc").out_channels == CLASSES


@pytest.mark.parametrize(("name", "strides"), [("resnet50", (4, 8, 16, 32)), ("resnet18", (4, 8, 16, 32)), ("cifar_resnet20", (1, 2, 4))])
def test_deeplab_keeps_any_stride_that_the_encoder_has(name: str, strides: tuple[int, ...]):
    for stride in strides:
        net = zoo.deeplab_on(zoo.build(name), None, 5, stride).eval()
        assert net.features(torch.empty(N, 3, 64, 64)).shape[-1] == 64 // stride
        rates = [m.dilation[0] for m in net.head.modules() if isinstance(m, nn.Conv2d) and m.dilation[0] > 1]
        assert rates == [96 // stride, 192 // stride, 288 // stride]
    assert zoo.deeplab_on(zoo.build("resnet50"), 2048, 5, 4)(torch.empty(N, 3, 64, 64)).shape == (N, 5, 64, 64)


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("resnet50", {"output_stride": 6}, "cannot keep a stride of 6"),
        ("resnet50", {"output_stride": 64}, "cannot keep a stride of 64"),
        ("resnet50", {"output_stride": 0}, "output_stride is 0"),
        ("resnet50", {"output_stride": 8.5}, "output_stride is 8.5"),
        ("resnet18", {"width": 2048}, "width is 2048"),
        ("resnet18", {"classes": 2.5}, "classes is 2.5"),
        ("resnet18", {"classes": True}, "classes is True"),
        ("vit_s_16", {}, "makes tokens, not maps"),
        ("swin_t", {}, "cannot trade its strides for dilation"),
        ("mobilenet_v4_hybrid_medium", {"output_stride": 32}, "cannot trade its strides for dilation"),
    ],
)
def test_an_encoder_that_is_refused_is_as_it_was(name: str, options: dict[str, int], told: str):
    encoder = zoo.build(name)
    before = [(m.stride, m.dilation, m.padding) for m in encoder.modules() if isinstance(m, nn.Conv2d)]
    with pytest.raises(BadValue, match=told):
        zoo.deeplab_on(encoder, **options)
    assert before == [(m.stride, m.dilation, m.padding) for m in encoder.modules() if isinstance(m, nn.Conv2d)]


@pytest.mark.parametrize("value", [2.5, -3, True, False, "7", float("nan"), 10.0, [3], 2 + 0j])
@pytest.mark.parametrize("what", ["classes", "channels", "pixels"])
def test_a_count_that_is_no_whole_number_of_one_or_more_is_refused(what: str, value: object):
    with pytest.raises(BadValue, match=f"{what} is "):
        zoo.build("resnet18", **{what: value})
    if what == "classes":
        with pytest.raises(BadValue, match="classes is "):
            zoo.unet_on(zoo.build("resnet18"), classes=value)


@pytest.mark.parametrize("what", ["channels", "pixels"])
def test_nothing_of_a_count_is_refused(what: str):
    with pytest.raises(BadValue, match=f"{what} is 0"):
        zoo.build("resnet18", **{what: 0})


@pytest.mark.parametrize("value", [np.int64(3), np.uint8(3), torch.tensor(3, device="cpu")])
def test_whole_numbers_of_other_libraries_are_counts(value: object):
    assert zoo.build("cifar_resnet20", classes=value, channels=value)(torch.empty(1, 3, 32, 32)).shape == (1, 3)
