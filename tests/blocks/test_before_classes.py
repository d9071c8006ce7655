"""A hidden layer and dropout before the class layer: by hand, over several heads, and refused where there is no place."""

import pytest
import torch
from torch import nn

from receptron.blocks.before_classes import add_hidden, head_of, set_dropout
from receptron.errors import BadValue
from receptron.zoo import build

NETS = [("cifar_resnet20", 32, 3), ("mobilenet_v2", 64, 3), ("lenet5", 32, 1), ("resnet18", 64, 3)]


@pytest.mark.parametrize(("name", "pixels", "channels"), NETS)
def test_a_hidden_layer_is_relu_between_two_linear_ones(name: str, pixels: int, channels: int):
    torch.manual_seed(0)
    net = build(name, classes=5, channels=channels).eval()
    x = torch.randn(2, channels, pixels, pixels)
    with torch.no_grad():
        before = net.embed(x)
        add_hidden(net, 7, 0.5)
        parts = net.head
        hidden = torch.relu(before @ parts.get_submodule("hidden").weight.T + parts.get_submodule("hidden").bias)
        assert torch.allclose(net.embed(x), hidden, atol=1e-5) and net.embedding_width == 7
        assert torch.allclose(net(x), hidden @ parts.get_submodule("fc").weight.T + parts.get_submodule("fc").bias, atol=1e-5)
    assert head_of(net) == "hidden:7" and net.classes == 5


@pytest.mark.parametrize(("name", "pixels", "channels"), NETS)
def test_dropout_leaves_out_so_large_a_share_while_it_learns_and_nothing_else_changes(name: str, pixels: int, channels: int):
    net = build(name, classes=5, channels=channels)
    names = list(net.state_dict())
    x = torch.randn(2, channels, pixels, pixels)
    with torch.no_grad():
        expected = net.eval()(x)
        set_dropout(net, 0.4)
        assert torch.equal(net.eval()(x), expected) and list(net.state_dict()) == names and head_of(net) == "linear"
    parts = list(net.head.named_children())
    place = [name for name, _ in parts].index("fc")
    drop = parts[place - 1][1]
    assert isinstance(drop, nn.Dropout) and drop.p == 0.4
    set_dropout(net, 0.1)
    assert len(list(net.head.children())) == len(parts), "set again it is changed, not added"


@pytest.mark.parametrize("name", ["squeezenet1_1", "lenet5_1998"])
def test_a_head_without_a_linear_class_layer_is_refused(name: str):
    from receptron.zoo import ZOO

    if name not in ZOO:
        pytest.skip(f"{name} is not in the zoo")
    with pytest.raises(BadValue, match="--head hidden:8"):
        add_hidden(build(name, classes=5), 8)
