"""Fresh nets: signals of the size that torchvision's and timm's have, in eval mode too, and BatchNorms that are set as theirs."""

import pytest
import torch
from rivals import RIVALS, scores
from spread import daily
from test_every_net import pictures
from torch import Tensor, nn

from receptron import zoo
from receptron.zoo.keys.table import TIMM, TORCHVISION
from receptron.zoo.nets import ZOO

LARGEST_HALF = torch.finfo(torch.float16).max
PAIRS = [(source, name) for source, nets in (("torchvision", TORCHVISION), ("timm", TIMM)) for name in nets if name != "mobilenet_v2_tf"]
FEW = {
    "lenet5", "lenet5_1998", "alexnet_2012", "vgg11_bn", "googlenet_auxiliary", "googlenet_2014", "inception_v3", "resnet18", "resnet152",
    "resnet152_v1", "se_resnet152", "cbam_resnet50", "cifar_resnet110", "cifar_resnet110_plain", "resnet152_v2", "densenet121",
    "densenet201", "senet154", "mobilenet_v1_025", "mobilenet_v2_tf", "mobilenet_v3_small", "xception", "squeezenet1_0", "squeezenet1_1",
    "efficientnet_b0_tf", "efficientnet_v2_l", "convnext_tiny", "convnext_ladder_09", "vit_s_16", "unet", "deeplabv3_resnet101", "conv4",
    "repvgg_a0", "repvgg_b0", "repvgg_b1g4",
}  # fmt: skip


SET_OTHERWISE = {"efficientnet_b5", "efficientnet_b7", "efficientnet_b5_timm", "mobilenet_v3_large_timm", "vit_b_32", "resnet50_v2"}
"""Nets whose norms are set otherwise than those of the smallest of their family."""


def quickly(name: str) -> object:
    return name if name in FEW else pytest.param(name, marks=pytest.mark.campaign)


def largest(net: nn.Module, x: Tensor) -> float:
    """The largest number that any module of `net` puts out."""
    seen = [0.0]

    def look(_module: nn.Module, _given: object, out: object) -> None:
        if isinstance(out, Tensor):
            seen[0] = max(seen[0], float(out.abs().max()))

    handles = [module.register_forward_hook(look) for module in net.modules()]
    with torch.no_grad():
        net(x)
    for handle in handles:
        handle.remove()
    return seen[0]


@pytest.mark.parametrize("name", [quickly(name) for name in ZOO])
def test_signals_of_a_fresh_net_fit_half_precision_with_room(name: str):
    torch.manual_seed(0)
    net, x = zoo.build(name), torch.randn_like(pictures(name), device="cpu")
    assert 0 < largest(net.eval(), x) < LARGEST_HALF / 100
    with torch.no_grad():
        spread = float(net(x).std())
    assert 1e-7 < spread < 20, spread


@pytest.mark.parametrize("name", ["densenet121", "densenet201", "resnet18", "mobilenet_v2", "squeezenet1_1"])
def test_fresh_nets_answer_in_half_precision(name: str):
    net = zoo.build(name).half().eval()
    with torch.no_grad():
        assert torch.isfinite(net(torch.randn(1, 3, 64, 64).half())).all()


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("torchvision", "densenet121"), ("torchvision", "squeezenet1_0"), ("torchvision", "squeezenet1_1"),
        ("torchvision", "resnet18"), ("torchvision", "convnext_tiny"),
        ("timm", "resnet18"), ("timm", "resnet50d"), ("timm", "se_resnet50"), ("timm", "mobilenet_v2"),
        ("timm", "efficientnet_b0"), ("timm", "vit_s_16"), ("timm", "xception"),
    ],
)  # fmt: skip
def test_logits_of_a_fresh_net_are_of_the_size_that_others_have(source: str, name: str):
    """Within a factor of 25 in eval mode, where sizes add up over the depth, and of 5 in train mode, where BatchNorm holds them."""
    torch.manual_seed(0)
    ours, theirs = zoo.build(name), RIVALS[source](name)
    x = torch.randn(4, 3, *((224, 224) if name.startswith("vit") else (64, 64)))
    for training, factor in ((False, 25), (True, 5)):
        with torch.no_grad():
            ratio = float(ours.train(training)(x).std() / scores(theirs.train(training)(x)).std())
        assert 1 / factor < ratio < factor, (training, ratio)


def test_the_check_of_sizes_would_find_too_large_a_start():
    net = zoo.build("densenet121").eval()
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            module.weight.data.mul_(2)
    assert largest(net, torch.randn(1, 3, 64, 64)) > LARGEST_HALF / 100


def settings(net: nn.Module) -> set[tuple[float, float | None]]:
    """Epsilon and momentum of every BatchNorm; of a LayerNorm its epsilon."""
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d | nn.LayerNorm)]
    return {(module.eps, getattr(module, "momentum", None)) for module in norms}


@pytest.mark.parametrize(("source", "name"), [pair if pair[1] in SET_OTHERWISE else daily(*pair) for pair in PAIRS])
def test_norms_are_set_as_in_the_library_whose_weights_the_net_reads(source: str, name: str):
    with torch.device("meta"):
        ours = settings(zoo.build(name))
    if source == "torchvision" and name.startswith("regnet"):  # it reads numbers while it is built, so one stands for all
        assert ours == settings(RIVALS[source]("regnet_y_400mf"))
        return
    with torch.device("meta"):
        assert ours == settings(RIVALS[source](name))
