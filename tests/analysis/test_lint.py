"""Each rule of advice on a real case that it must find, and on a twin that it must leave alone."""

import pytest
import torch
from reference_nets import torchvision_net
from torch import Tensor, nn

from receptron.analysis.lint import RULES, Advice, Subject, Transform, advise
from receptron.analysis.recording import record


def found(rule: str, net: nn.Module, size: tuple[int, ...] = (3, 64, 64), **known) -> list[Advice]:
    return list(RULES[rule](Subject(record(net, size), **known)))


def conv(*args, **options) -> nn.Conv2d:
    return nn.Conv2d(*args, **options)


class Meeting(nn.Module):
    def __init__(self, one: nn.Module, two: nn.Module):
        super().__init__()
        self.one, self.two = one, two

    def forward(self, x: Tensor) -> Tensor:
        return self.one(x) + self.two(x)


class Cropped(nn.Module):
    """A shortcut that is cut to the size of an unpadded 5x5, from the row `start` on."""

    def __init__(self, start: int):
        super().__init__()
        self.conv, self.start = conv(3, 8, 1), start

    def forward(self, x: Tensor) -> Tensor:
        inside = slice(self.start, self.start + x.shape[-1] - 4)
        return self.conv(x)[:, :, inside, inside]


def pooled(*layers: nn.Module) -> nn.Module:
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))


class Idle(nn.Module):
    def __init__(self, call: bool):
        super().__init__()
        self.used, self.spare, self.call = conv(3, 8, 3), conv(3, 8, 3), call

    def forward(self, x: Tensor) -> Tensor:
        return self.used(x) + self.spare(x) if self.call else self.used(x)


def frozen(train: bool) -> nn.Module:
    net = nn.Sequential(conv(3, 8, 3), nn.BatchNorm2d(8))
    net[1].requires_grad_(False)
    return net.train(train)


CASES = {
    "field_too_small": (lambda: pooled(conv(3, 8, 3), conv(8, 8, 3)), lambda: pooled(conv(3, 8, 32, 1), conv(8, 8, 33))),
    "gridding": (
        lambda: nn.Sequential(conv(3, 8, 3, dilation=2), conv(8, 8, 3, dilation=4)),
        lambda: nn.Sequential(conv(3, 8, 3), conv(8, 8, 3, dilation=2)),
    ),
    "misaligned_branches": (
        lambda: Meeting(conv(3, 8, 5), Cropped(0)),
        lambda: Meeting(conv(3, 8, 5), Cropped(2)),
    ),
    "lost_pixels": (lambda: conv(3, 8, 10, 10), lambda: conv(3, 8, 4, 4)),
    "checkerboard": (lambda: nn.ConvTranspose2d(3, 8, 3, 2), lambda: nn.ConvTranspose2d(3, 8, 4, 2)),
    "padding_share": (lambda: conv(3, 8, 65, padding=32), lambda: conv(3, 8, 3, padding=1)),
    "heavy_head": (
        lambda: nn.Sequential(conv(3, 8, 3, 2), nn.Flatten(), nn.Linear(8 * 31 * 31, 64)),
        lambda: nn.Sequential(conv(3, 64, 5), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)),
    ),
    "bias_before_norm": (
        lambda: nn.Sequential(conv(3, 8, 3), nn.BatchNorm2d(8)),
        lambda: nn.Sequential(conv(3, 8, 3, bias=False), nn.BatchNorm2d(8)),
    ),
    "wasted_lanes": (lambda: conv(3, 13, 3), lambda: conv(3, 16, 3)),
    "unused_modules": (lambda: Idle(call=False), lambda: Idle(call=True)),
    "frozen_norm_in_train_mode": (lambda: frozen(train=True), lambda: frozen(train=False)),
}


@pytest.mark.parametrize("rule", CASES)
def test_a_rule_finds_its_case_and_leaves_the_twin_alone(rule: str):
    faulty, sound = CASES[rule]
    advice = found(rule, faulty())
    assert advice
    assert all(a.rule == rule and a.evidence and a.cure for a in advice)
    assert not found(rule, sound())


def test_every_rule_has_a_case():
    assert RULES.keys() == CASES.keys() | {"unproductive_layers", "wrong_normalisation", "view_mixes_images"}


def test_small_images_make_the_last_layers_of_a_resnet_unproductive():
    assert found("unproductive_layers", torchvision_net("resnet18"), (3, 32, 32))
    assert not found("unproductive_layers", torchvision_net("resnet18"), (3, 448, 448))


def test_the_saving_at_vggs_head_is_what_a_net_built_so_saves():
    (advice,) = found("heavy_head", torchvision_net("vgg16"), (3, 224, 224))
    with torch.device("meta"):
        flat, pooled = nn.Linear(512 * 49, 4096), nn.Linear(512, 4096)
    saved = sum(p.numel() for p in flat.parameters()) - sum(p.numel() for p in pooled.parameters())
    assert "123,642,856 of 138,357,544" in advice.evidence
    assert f"{saved:,}" in advice.cure


def test_the_object_counts_rather_than_the_image_where_its_size_is_known():
    net = pooled(conv(3, 8, 9), conv(8, 8, 9))
    assert found("field_too_small", net, object_pixels=20)
    assert not found("field_too_small", net, object_pixels=16)


def test_the_evidence_of_misaligned_branches_is_their_distance():
    faulty, _ = CASES["misaligned_branches"]
    (advice,) = found("misaligned_branches", faulty())
    assert "lie 2 pixels" in advice.evidence


def test_images_normalised_otherwise_than_the_weights_are_told():
    imagenet = Transform((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    half = Transform((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    assert found("wrong_normalisation", conv(3, 8, 3), expected=imagenet, given=half)
    assert not found("wrong_normalisation", conv(3, 8, 3), expected=imagenet, given=imagenet)


def test_attention_is_neither_a_heavy_head_nor_blind():
    net = torchvision_net("vit_b_16")
    assert not found("heavy_head", net, (3, 224, 224))
    assert not found("field_too_small", net, (3, 224, 224))


def test_all_rules_together_on_published_nets():
    rules = {a.rule for a in advise(Subject(record(torchvision_net("vgg16_bn"), (3, 224, 224))))}
    assert rules == {"heavy_head", "bias_before_norm"}
