"""Where rules must be silent, because what they would say is false, is meant so, or is not worth a line; and that lines are grouped."""

import re

import pytest
import torch
from reference_nets import timm_net, torchvision_net
from torch import Tensor, nn
from torch.nn import functional as F

from receptron.analysis.lint import RULES, Advice, Subject, advise
from receptron.analysis.recording import record
from receptron.zoo import build


def found(rule: str, net: nn.Module, size: tuple[int, ...] = (3, 224, 224), **known) -> list[Advice]:
    return list(RULES[rule](Subject(record(net, size), **known)))


class Written(nn.Module):
    """A network of a few modules and the function that is its forward."""

    def __init__(self, forward, **modules: nn.Module):
        super().__init__()
        self.body = forward
        for name, module in modules.items():
            setattr(self, name, module)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(self, x)


def head(channels: int = 8) -> nn.Module:
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))


def normed(norm: nn.Module) -> nn.Module:
    return nn.Sequential(*[nn.Sequential(nn.Conv2d(3 if i == 0 else 8, 8, 3, padding=1), norm, nn.ReLU()) for i in range(4)], head())


@pytest.mark.parametrize("norm", [nn.GroupNorm(2, 8), nn.InstanceNorm2d(8, affine=True), nn.BatchNorm2d(8), nn.Identity()])
def test_the_field_along_convolutions_goes_through_every_norm(norm: nn.Module):
    (advice,) = found("field_too_small", normed(norm))
    assert "no unit sees more than 9 of the 224 pixels" in advice.evidence  # four 3x3: 1 + 4 * 2


@pytest.mark.parametrize("name", ["resnet50_gn", "resnetv2_50x1_bit", "mixer_b16_224", "resmlp_12_224", "gmlp_s16_224", "coatnet_0_rw_224"])
def test_nets_with_norms_over_the_map_and_mixers_are_not_called_blind(name: str):
    assert not found("field_too_small", timm_net(name))


BEYOND = {
    "a linear layer over the map": Written(lambda m, x: m.l(m.c(x).flatten(1)), c=nn.Conv2d(3, 8, 16, 16), l=nn.Linear(8 * 196, 10)),
    "tokens mixed": Written(
        lambda m, x: m.h(m.t(m.c(x).flatten(2)).unflatten(2, (14, 14))), c=nn.Conv2d(3, 8, 16, 16), t=nn.Linear(196, 196), h=head()
    ),
    "attention": Written(
        lambda m, x: F.scaled_dot_product_attention(*[m.c(x).flatten(2).transpose(1, 2)] * 3).mean(1), c=nn.Conv2d(3, 8, 16, 16)
    ),
    "pooled context": Written(lambda m, x: m.h(m.c(x) + F.adaptive_avg_pool2d(m.c(x), 1)), c=nn.Conv2d(3, 8, 3), h=head()),
    "weights over the map": Written(lambda m, x: (m.c(x).flatten(2) * m.c(x).flatten(2).softmax(-1)).sum(-1), c=nn.Conv2d(3, 8, 3)),
    "an answer for each place": nn.Sequential(nn.Conv2d(3, 8, 9, padding=4), nn.ReLU(), nn.Conv2d(8, 3, 5, padding=2)),
    "a sequence of answers": nn.Sequential(nn.Conv1d(3, 8, 3, padding=1), nn.Conv1d(8, 8, 3, padding=1)),
}


@pytest.mark.parametrize("case", BEYOND)
def test_units_that_look_beyond_their_windows_or_answer_by_place_are_not_called_blind(case: str):
    size = (3, 224) if case == "a sequence of answers" else (3, 224, 224)
    assert not found("field_too_small", BEYOND[case], size)


def test_a_gate_tells_no_unit_what_lies_elsewhere():
    gated = Written(
        lambda m, x: m.h(m.c(x) * m.g(F.adaptive_avg_pool2d(m.c(x), 1)).sigmoid()), c=nn.Conv2d(3, 8, 3), g=nn.Conv2d(8, 8, 1), h=head()
    )
    assert "more than 3 of the 224" in found("field_too_small", gated)[0].evidence


def test_the_narrower_axis_is_told_and_an_object_is_looked_for_in_dense_nets_too():
    flat = nn.Sequential(nn.Conv2d(3, 8, (33, 3)), head())
    assert "3 of the 40 pixels" in found("field_too_small", flat, (3, 40, 40))[0].evidence
    assert found("field_too_small", BEYOND["an answer for each place"], object_pixels=40)


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "regnet_y_400mf", "resnext50_32x4d"])
def test_shortcuts_of_stride_2_lose_nothing(name: str):
    assert not found("lost_pixels", torchvision_net(name))


@pytest.mark.parametrize(
    ("layer", "size", "pad"),
    [
        (nn.MaxPool2d(2), 7, 1),
        (nn.Conv2d(3, 8, 16, 16), 230, 10),
        (nn.AvgPool2d(3, 3), 32, 1),
        (nn.Conv2d(3, 8, 5, 4), 32, 1),
    ],
)  # fmt: skip
def test_the_padding_that_is_told_reads_every_row(layer: nn.Module, size: int, pad: int):
    (advice,) = found("lost_pixels", layer, (3, size, size))
    assert f"pad {pad} more" in advice.cure
    padded = nn.Sequential(nn.ZeroPad2d((0, pad, 0, pad)), layer)
    assert not found("lost_pixels", padded, (3, size, size))
    image = torch.randn(1, 3, size, size, requires_grad=True)
    read = [torch.autograd.grad(net(image).sum(), image)[0].abs().sum((0, 1, 3))[-1] > 0 for net in (layer, padded)]
    assert read == [False, True] or isinstance(layer, nn.MaxPool2d)


@pytest.mark.parametrize("layer", [nn.Conv2d(3, 8, 1, 2), nn.Conv2d(3, 8, 1, 4), nn.Conv2d(3, 8, 2, 4), nn.AvgPool2d(1, 2)])
def test_what_a_wide_stride_jumps_over_is_no_loss(layer: nn.Module):
    assert not found("lost_pixels", layer, (3, 56, 56))


def test_padding_that_is_not_read_is_no_loss():
    assert not found("lost_pixels", nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.MaxPool2d(2)), (3, 8, 8))


@pytest.mark.parametrize("classes", [1, 2, 21, 1001])
def test_the_answers_channels_are_no_waste(classes: int):
    dense = nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, classes, 1))
    pooled = nn.Sequential(*dense, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert not found("wasted_lanes", dense) and not found("wasted_lanes", pooled)


def test_odd_widths_count_where_they_carry_work():
    assert not found("wasted_lanes", torchvision_net("efficientnet_b0"))  # its squeeze layers
    (advice,) = found("wasted_lanes", torchvision_net("shufflenet_v2_x1_0"))
    assert "116 output channels" in advice.evidence and "120 channels" in advice.cure


class Causal(nn.Module):
    """WaveNet's block: padded on the left alone, with a gate, a shortcut and a skip."""

    def __init__(self, dilation: int, kernel: int = 2):
        super().__init__()
        self.left = dilation * (kernel - 1)
        self.gate, self.tanh = [nn.Conv1d(16, 16, kernel, dilation=dilation) for _ in range(2)]

    def forward(self, x: Tensor) -> Tensor:
        padded = F.pad(x, (self.left, 0))
        return x + self.gate(padded).sigmoid() * self.tanh(padded).tanh()


class WaveNet(nn.Module):
    def __init__(self, blocks: int, kernel: int = 2):
        super().__init__()
        self.first, self.last = nn.Conv1d(1, 16, 1), nn.Conv1d(16, 256, 1)
        self.blocks = nn.ModuleList(Causal(2**i, kernel) for i in range(blocks))

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        skips = []
        for block in self.blocks:
            x = block(x)
            skips.append(x)
        return self.last(torch.stack(skips).sum(0) + skips[0] + skips[-1])


SHIFTED = {
    "WaveNet": (WaveNet(8), (1, 1024)),
    "a causal net of kernel 3": (WaveNet(4, 3), (1, 1024)),
    "a shift": (Written(lambda m, x: m.c(x) + torch.roll(m.c(x), 2, -1), c=nn.Conv2d(3, 8, 3)), (3, 64, 64)),
    "ResNet-D": (
        Written(lambda m, x: m.a(x) + m.b(x), a=nn.Conv2d(3, 8, 3, 2, 1), b=nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(3, 8, 1))),
        (3, 64, 64),
    ),
    "pixels sorted by phase": (
        Written(lambda m, x: torch.cat([m.c(x)[..., ::2, ::2], m.c(x)[..., 1::2, 1::2]], 1), c=nn.Conv2d(3, 8, 3, padding=1)),
        (3, 64, 64),
    ),
}


@pytest.mark.parametrize("case", SHIFTED)
def test_branches_that_are_meant_to_lie_apart_are_left_alone(case: str):
    net, size = SHIFTED[case]
    assert not found("misaligned_branches", net, size)


@pytest.mark.parametrize("name", ["hrnet_w18", "dla34", "nfnet_l0", "resnet26d", "darknet53"])
def test_published_nets_have_no_misaligned_branches(name: str):
    assert not found("misaligned_branches", timm_net(name))


@pytest.mark.parametrize("start", [0, 1, 7])
def test_a_shortcut_that_is_cut_off_centre_is_found(start: int):
    def forward(m: nn.Module, x: Tensor) -> Tensor:
        inside = slice(start, start + x.shape[-1] - 8)
        return torch.cat([m.a(x), m.b(x)[:, :, inside, inside]], 1)

    net = Written(forward, a=nn.Sequential(nn.Conv2d(3, 8, 5), nn.Conv2d(8, 8, 5)), b=nn.Conv2d(3, 8, 1))
    (advice,) = found("misaligned_branches", net, (3, 64, 64))
    assert f"lie {abs(4 - start)} pixels" in advice.evidence


@pytest.mark.parametrize(("c_in", "c_out"), [(100, 64), (64, 100), (7, 24)])
def test_biases_of_transposed_convolutions_are_as_many_as_their_outputs(c_in: int, c_out: int):
    net = nn.Sequential(nn.ConvTranspose2d(c_in, c_out, 4, 2), nn.BatchNorm2d(c_out))
    (advice,) = found("bias_before_norm", net, (c_in, 4, 4))
    assert f"{net[0].bias.numel()} parameters without effect" in advice.evidence


@pytest.mark.parametrize(("kernel", "stride", "padding", "more"), [(3, 2, 1, 1), (5, 2, 2, 1), (5, 3, 1, 0), (1, 2, 0, 1), (7, 4, 2, 1)])
def test_the_kernel_that_is_told_gives_the_same_size_and_even_taps(kernel: int, stride: int, padding: int, more: int):
    layer = nn.ConvTranspose2d(3, 8, kernel, stride, padding, more)
    (advice,) = found("checkerboard", layer, (3, 16, 16))
    k, p, rest = [int(number) for number in re.findall(r"kernel (\d+), padding (\d+) and output_padding (\d+)", advice.cure)[0]]
    other = nn.ConvTranspose2d(3, 8, k, stride, p, rest)
    image = torch.zeros(1, 3, 16, 16)
    assert other(image).shape == layer(image).shape
    assert not found("checkerboard", other, (3, 16, 16))


def test_weights_that_only_meet_padding_are_counted_as_their_gradients_are_zero():
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 4, 3, 2, 1), nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 5, padding=6, dilation=3)
    )
    (advice,) = [a for a in found("unproductive_layers", net, (3, 4, 4)) if "padding" in a.evidence]
    torch.manual_seed(0)
    net(torch.randn(8, 3, 4, 4)).pow(2).sum().backward()
    dead = sum(int((p.grad == 0).sum()) for p in net.parameters())
    assert f"{dead:,} of" in advice.evidence


def test_layers_beside_a_shortcut_are_productive_and_those_of_plain_nets_are_not():
    with torch.device("meta"):
        shortcut, plain = build("resnet34"), build("resnet34_plain")
    assert not found("unproductive_layers", shortcut)
    assert "16 convolutions" in found("unproductive_layers", plain)[0].evidence


@pytest.mark.parametrize("name", ["densenet121", "googlenet", "mobilenet_v3_large", "convnext_tiny"])
def test_good_nets_at_their_own_size_have_no_unproductive_layers(name: str):
    assert not found("unproductive_layers", torchvision_net(name))


@pytest.mark.parametrize("after", [nn.Conv2d(8, 8, 3), nn.AvgPool2d(2, 1), nn.Conv2d(8, 8, 4)])
def test_holes_that_a_later_layer_closes_are_none(after: nn.Module):
    holes = nn.Conv2d(3, 8, 3, dilation=2)
    assert found("gridding", holes, (3, 32, 32))
    assert not found("gridding", nn.Sequential(holes, after), (3, 32, 32))


def test_the_latent_code_of_a_network_that_gives_maps_is_no_heavy_head():
    maps = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.Flatten(), nn.Linear(8 * 256, 8 * 256), nn.Unflatten(1, (8, 16, 16)))
    assert not found("heavy_head", maps, (3, 32, 32))
    assert not found("heavy_head", torchvision_net("vit_b_16"))


def test_heads_that_only_training_reads_are_told_as_such():
    (advice,) = found("unused_modules", torchvision_net("inception_v3"), (3, 299, 299))
    assert advice.layer == "AuxLogits" and "in eval mode" in advice.evidence and "auxiliary heads" in advice.cure


def test_a_frozen_norm_without_running_statistics_has_none_that_change():
    net = nn.Sequential(nn.BatchNorm2d(3, track_running_stats=False)).train()
    net.requires_grad_(False)
    assert not found("frozen_norm_in_train_mode", net)


@pytest.mark.parametrize("name", ["hrnet_w18", "ghostnet_100", "resnetv2_50x1_bit"])
def test_every_rule_says_one_line_and_the_dearest_comes_first(name: str):
    advice = advise(Subject(record(timm_net(name), (3, 224, 224))))
    assert len({a.rule for a in advice}) == len(advice)
    assert [a.share for a in advice] == sorted((a.share for a in advice), reverse=True)
    assert all(0 <= a.share <= 1 for a in advice)
