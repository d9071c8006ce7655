"""Every net goes through torch.export and torch.compile with the answers that it gave before."""

import pytest
import torch

import oracles
from receptron import zoo
from receptron.zoo.nets import ZOO

FEW = (
    "lenet5_1998",
    "resnet18",
    "mobilenet_v2_tf",
    "densenet121",
    "squeezenet1_1",
    "mobilenet_v3_small",
    "convnext_ladder_12",
    "vit_s_16",
    "unet",
    "repvgg_a0",
    "convnext_v2_atto",
    "swin_t",
    "mobilenet_v4_hybrid_medium",
)
SMALLER = {"unet": 64, "unet_2015": 188, "vit_s_16": 96}


def subject(name: str) -> tuple[torch.nn.Module, torch.Tensor]:
    pixels = SMALLER.get(name, 224 if name.startswith("vit") else max(ZOO[name].least, min(ZOO[name].pixels, 96)))
    net = oracles.randomise(zoo.build(name)).eval()
    return net, torch.randn(2, ZOO[name].channels, pixels, pixels)


@pytest.mark.parametrize("name", FEW)
def test_a_net_of_each_kind_is_exported(name: str):
    net, x = subject(name)
    with torch.no_grad():
        program = torch.export.export(net, (x,))
        assert oracles.relative(program.module()(x), net(x)) < 1e-5


@pytest.mark.parametrize("name", ["mobilenet_v2_tf", "resnet18", "vit_s_16", "swin_t"])
def test_an_exported_net_takes_any_number_of_images(name: str):
    net, x = subject(name)
    with torch.no_grad():
        program = torch.export.export(net, (x,), dynamic_shapes=({0: torch.export.Dim("n", min=2, max=64)},))
        more = torch.cat([x, x, x])
        assert oracles.relative(program.module()(more), net(more)) < 1e-5


@pytest.mark.parametrize("name", ["lenet5_1998", "resnet18", "mobilenet_v2_tf", "swin_t"])
def test_a_net_is_traced_whole_by_the_compiler(name: str):
    """The backend that runs the captured graph as it is: any break would raise."""
    net, x = subject(name)
    torch._dynamo.reset()
    with torch.no_grad():
        assert oracles.relative(torch.compile(net, backend="eager", fullgraph=True)(x), net(x)) < 1e-5


@pytest.mark.campaign
@pytest.mark.parametrize("name", ZOO)
def test_every_net_is_exported_and_compiled(name: str):
    net, x = subject(name)
    with torch.no_grad():
        answer = net(x)
        assert oracles.relative(torch.export.export(net, (x,)).module()(x), answer) < 1e-5
        torch._dynamo.reset()
        assert oracles.relative(torch.compile(net, backend="eager", fullgraph=True)(x), answer) < 1e-5


@pytest.mark.campaign
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch's own compiler
def test_compiled_code_answers_as_the_net():
    net, x = subject("mobilenet_v3_small")
    torch._dynamo.reset()
    with torch.no_grad():
        assert oracles.relative(torch.compile(net)(x), net(x)) < 1e-5
