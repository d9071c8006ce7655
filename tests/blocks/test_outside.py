"""What is done to a finished network from outside: starting weights, drop path, epsilon, dilation."""

import pytest
import torch
from torch import nn

from receptron import zoo
from receptron.blocks.drop import DropPath, drop_paths
from receptron.blocks.init import fan_out, he, he_in, initialise, lecun, soften_branches, truncated
from receptron.blocks.norm import set_epsilon
from receptron.blocks.residual import Residual
from receptron.errors import BadValue


def test_he_weights_have_variance_two_over_fan_out():
    layer = nn.Conv2d(64, 128, 3, groups=2)
    he(layer)
    assert fan_out(layer) == 64 * 9
    assert float(layer.weight.detach().std()) == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.02)
    depthwise = nn.Conv2d(512, 512, 3, groups=512)
    he(depthwise)
    assert float(depthwise.weight.detach().std()) == pytest.approx((2 / 9) ** 0.5, rel=0.05)


def test_he_by_fan_in_keeps_the_size_of_signals():
    layer = nn.Conv2d(64, 16, 3, groups=4, padding=1)
    he_in(layer)
    assert float(layer.weight.detach().std()) == pytest.approx((2 / (16 * 9)) ** 0.5, rel=0.05)
    plain, x = nn.Conv2d(128, 512, 1, bias=False), torch.randn(4, 128, 8, 8).relu()
    he_in(plain)
    assert float(plain(x).detach().var()) == pytest.approx(2 * float(x.square().mean()), rel=0.1)


def test_lecun_and_truncated_weights_have_their_spread():
    layer = nn.Linear(400, 300)
    lecun(layer)
    assert float(layer.weight.detach().std()) == pytest.approx(1 / 20, rel=0.02)
    truncated(layer)
    assert float(layer.weight.detach().std()) == pytest.approx(0.02, rel=0.02)


@pytest.mark.parametrize(("net", "std"), [("lenet5", 84**-0.5), ("resnet18", 0.01), ("convnext_tiny", 0.02)])
def test_the_rule_follows_from_what_a_net_is_made_of(net: str, std: float):
    layer = zoo.build(net).head.get_submodule("fc")
    assert float(layer.weight.detach().std()) == pytest.approx(std, rel=0.1)
    assert not layer.bias.any()


def test_statistics_and_scales_start_afresh():
    net = zoo.build("resnet18")
    with torch.no_grad():
        for tensor in net.state_dict().values():
            tensor.fill_(3)
    initialise(net)
    norm = net.stem.get_submodule("conv1.norm")
    assert norm.weight.eq(1).all() and not norm.running_mean.any() and norm.running_var.eq(1).all()


@pytest.mark.parametrize(
    ("name", "blocks", "last"),
    [
        ("resnet18", 8, "body.conv2.norm"), ("cbam_resnet50", 16, "body.conv3.norm"), ("resnet50_v2", 16, "body.conv3.norm"),
        ("mobilenet_v2", 10, "body.narrow.norm"), ("vit_s_16", 0, ""), ("resnet18_plain", 0, ""),
    ],
)  # fmt: skip
def test_the_last_norm_of_each_residual_body_shares_the_strength(name: str, blocks: int, last: str):
    net = zoo.build(name)
    assert soften_branches(net) == blocks
    soft = [path for path, module in net.named_modules() if isinstance(module, nn.BatchNorm2d) and not module.weight.eq(1).all()]
    assert len(soft) == blocks and all(path.endswith(last) for path in soft)
    for path in soft:
        assert net.get_submodule(path).weight.allclose(torch.tensor(blocks**-0.5))


def test_drop_path_keeps_the_mean_and_drops_whole_images():
    torch.manual_seed(0)
    drop = DropPath(0.3).train()
    y = drop(torch.ones(20_000, 2, 1, 1))
    assert y.unique().tolist() == pytest.approx([0.0, 1 / 0.7])
    assert torch.equal(y[:, 0], y[:, 1])
    assert float(y.mean()) == pytest.approx(1.0, abs=0.02)
    assert torch.equal(drop.eval()(y), y)


@pytest.mark.parametrize("name", ["resnet18", "resnet18_v2", "convnext_tiny", "efficientnet_b0", "vit_s_16"])
def test_drop_paths_grow_with_depth_and_change_no_name(name: str):
    with torch.device("meta"):
        net = zoo.build(name)
    names = net.state_dict().keys()
    blocks = drop_paths(net, 0.2)
    rates = [m.rate for m in net.modules() if isinstance(m, DropPath)]
    assert len(rates) == blocks == sum(isinstance(m, Residual) for m in net.modules())
    assert rates[0] == 0 and rates[-1] == pytest.approx(0.2) and rates == sorted(rates)
    drop_paths(net, 0.1)
    assert max(m.rate for m in net.modules() if isinstance(m, DropPath)) == pytest.approx(0.1)
    assert net.state_dict().keys() == names


def test_drop_paths_change_training_and_not_eval():
    net = zoo.build("resnet18").eval()
    x = torch.randn(4, 3, 64, 64)
    with torch.no_grad():
        before = net(x)
        drop_paths(net, 0.5)
        assert torch.equal(net(x), before)
        net.train()
        assert not torch.equal(net(x), net(x))


def test_a_rate_of_one_is_refused():
    with pytest.raises(BadValue, match=r"drop path rate 1\.0"):
        drop_paths(nn.Identity(), 1.0)


def test_epsilon_is_set_in_every_norm():
    net = zoo.build("mobilenet_v3_small_timm")
    assert {m.eps for m in net.modules() if isinstance(m, nn.BatchNorm2d)} == {1e-5}
    set_epsilon(net, 1e-2)
    assert {m.eps for m in net.modules() if isinstance(m, nn.BatchNorm2d)} == {1e-2}
