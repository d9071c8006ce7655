"""torch.fx and TorchScript read a net of each kind, with the answers that it gave before, at other sizes too.

test_every_net.py traces all of them, without comparing answers.
"""

import io
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import oracles
from receptron import zoo
from receptron.blocks.classifier import Classifier
from receptron.errors import ImageTooSmall
from receptron.weights import store
from receptron.weights.inputs import InputSpec
from receptron.weights.pretrained import Pretrained
from receptron.zoo.nets import ZOO

FEW = (
    "lenet5_1998", "alexnet_2012", "googlenet_auxiliary", "resnet18", "cbam_resnet50", "cifar_resnet20", "resnet18_v2_plain",
    "mobilenet_v2_tf", "mobilenet_v3_small_tf", "squeezenet1_1", "convnext_ladder_12", "vit_s_16", "unet", "unet_2015",
    "deeplabv3_resnet50_os16", "conv4", "repvgg_a0", "convnext_v2_atto", "swin_t", "mobilenet_v4_hybrid_medium",
)  # fmt: skip
SCRIPTED = (
    "lenet5_1998",
    "googlenet_auxiliary",
    "resnet18",
    "mobilenet_v2_tf",
    "vit_s_16",
    "repvgg_a0",
    "convnext_v2_atto",
    "swin_t",
    "mobilenet_v4_hybrid_medium",
)
SMALL = {"unet": 32, "unet_2015": 188, "koch": 105}
SCRIPTING = "ignore:.*torch.jit.*:DeprecationWarning"


def subject(name: str) -> tuple[Classifier, list[Tensor]]:
    """A net with random numbers, and images of two sizes."""
    side = SMALL.get(name, max(64, ZOO[name].least))
    net = oracles.randomise(zoo.build(name)).eval()
    return net, [torch.randn(2, ZOO[name].channels, high, wide) for high, wide in ((side, side), (side + 32, side + 16))]


def same(made: nn.Module, net: nn.Module, images: list[Tensor]) -> None:
    with torch.no_grad():
        assert all(oracles.relative(made(x), net(x)) < 1e-5 for x in images)


@pytest.mark.parametrize("name", FEW)
def test_a_traced_net_answers_as_before(name: str):
    net, images = subject(name)
    traced = torch.fx.symbolic_trace(net)
    same(traced, net, images)
    with pytest.raises(ImageTooSmall, match=f"{name} needs images of"):
        traced(images[0][..., :1, :1])


@pytest.mark.filterwarnings(SCRIPTING)
@pytest.mark.parametrize("name", SCRIPTED)
def test_a_scripted_net_answers_as_before_and_is_saved(name: str):
    net, images = subject(name)
    scripted = torch.jit.script(net)
    same(scripted, net, images[::-1])
    file = io.BytesIO()
    torch.jit.save(scripted, file)
    file.seek(0)
    same(torch.jit.load(file), net, images[:1])


@pytest.mark.filterwarnings(SCRIPTING)
@pytest.mark.parametrize("second", ["resnet18_v2", "densenet121", "resnet18_v2_plain"])
def test_nets_that_were_scripted_before_change_nothing(second: str):
    """The parts of a block are those of others in another order, which TorchScript does not tell apart by itself."""
    torch.jit.script(subject("conv4")[0])
    net, images = subject(second)
    same(torch.jit.script(net), net, images)


@pytest.mark.campaign
@pytest.mark.filterwarnings(SCRIPTING)
@pytest.mark.parametrize("name", ZOO)
def test_every_net_is_scripted(name: str):
    net, images = subject(name)
    same(torch.jit.script(net), net, images)


@pytest.mark.filterwarnings(SCRIPTING)
def test_nets_on_encoders_and_pretrained_ones_are_traced_and_scripted(tmp_path: Path):
    path = tmp_path / "w.safetensors"
    store.write(path, zoo.build("cifar_resnet20", classes=7).state_dict())
    weights = Pretrained("w", "cifar_resnet20", path, "receptron", InputSpec(32, (0.5,), (0.5,)), "none")
    nets = (
        zoo.build("cifar_resnet20", classes=3, pretrained=weights),
        zoo.unet_on(zoo.build("cifar_resnet20"), classes=2),
        zoo.deeplab_on(zoo.build("resnet18"), classes=2),
        zoo.Siamese(zoo.build("lenet5")).backbone,
    )
    for net in nets:
        oracles.randomise(net.eval())
        images = [torch.randn(2, 1 if net.name == "lenet5" else 3, side, side) for side in (64, 80)]
        same(torch.fx.symbolic_trace(net), net, images)
        same(torch.jit.script(net), net, images)
