"""Pretrained weights fitted to other channels, classes and sizes; dilation, U-Net, DeepLab and comparing heads on any backbone."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

import oracles
from receptron import zoo
from receptron.blocks.classifier import Classifier
from receptron.blocks.dilation import dilate
from receptron.blocks.patches import stretch
from receptron.errors import BadValue, CheckpointMismatch
from receptron.weights import store
from receptron.weights.inputs import InputSpec
from receptron.weights.pretrained import Pretrained
from receptron.zoo.adapt import spread_channels
from receptron.zoo.prototypical import prototypes


def saved(folder: Path, name: str, *, pixels: int = 64, **options: int) -> tuple[Classifier, Pretrained]:
    """A net with random weights everywhere, and its file."""
    net = zoo.build(name, **options)
    oracles.randomise(net)
    path = folder / f"{name}.safetensors"
    digest = store.write(path, net.state_dict())
    return net.eval(), Pretrained(str(path), name, path, "receptron", InputSpec(pixels, (0.5,) * 3, (0.5,) * 3), "none", digest)


def test_a_grey_image_gets_the_answer_of_its_colour_copy(tmp_path: Path):
    colour, weights = saved(tmp_path, "resnet18")
    grey = zoo.build("resnet18", channels=1, pretrained=weights).eval()
    x = torch.randn(2, 1, 64, 64)
    with torch.no_grad():
        assert oracles.relative(grey(x), colour(x.expand(-1, 3, -1, -1))) < 1e-6


def test_more_channels_repeat_in_a_cycle_and_keep_the_sum():
    weight = torch.randn(4, 3, 2, 2)
    six = spread_channels(weight, 6)
    assert torch.equal(six[:, 3:], six[:, :3])
    assert torch.allclose(six.sum(1), weight.sum(1))
    assert torch.equal(spread_channels(weight, 4)[:, 3], weight[:, 0] * 0.75)
    assert torch.equal(spread_channels(weight, 3), weight)


def test_six_equal_channels_get_the_answer_of_three(tmp_path: Path):
    three, weights = saved(tmp_path, "mobilenet_v3_small")
    six = zoo.build("mobilenet_v3_small", channels=6, pretrained=weights).eval()
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert oracles.relative(six(torch.cat([x, x], 1)), three(x)) < 1e-5


def test_other_classes_keep_everything_but_the_class_layers(tmp_path: Path):
    old, weights = saved(tmp_path, "googlenet_auxiliary")
    new = zoo.build("googlenet_auxiliary", classes=5, pretrained=weights)
    changed = {k for k, v in new.state_dict().items() if v.shape != old.state_dict()[k].shape or not torch.equal(v, old.state_dict()[k])}
    assert changed == {f"{head}.fc.{kind}" for head in ("head", "auxiliary.1_1", "auxiliary.1_4") for kind in ("weight", "bias")}


def test_auxiliary_heads_that_a_file_lacks_start_afresh(tmp_path: Path):
    """timm's Inception v3 files but one have none."""
    old, weights = saved(tmp_path, "googlenet_auxiliary")
    state = {name: tensor for name, tensor in old.state_dict().items() if not name.startswith("auxiliary")}
    digest = store.write(weights.path, state)
    new = zoo.build("googlenet_auxiliary", pretrained=replace(weights, sha256=digest)).eval()
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(new(x), old(x))
    del state["stages.0.1.one.conv.weight"]
    with pytest.raises(CheckpointMismatch, match=r"1 fault\."):
        zoo.build("googlenet_auxiliary", pretrained=replace(weights, sha256=store.write(weights.path, state)))


def test_the_same_classes_keep_the_class_layer(tmp_path: Path):
    old, weights = saved(tmp_path, "lenet5", pixels=28)
    new = zoo.build("lenet5", pretrained=weights).eval()
    x = torch.randn(2, 1, 28, 28)
    with torch.no_grad():
        assert torch.equal(old(x), new(x))


def test_a_vit_for_other_pixels_gets_interpolated_positions(tmp_path: Path):
    old, weights = saved(tmp_path, "vit_s_16", pixels=224)
    new = zoo.build("vit_s_16", pretrained=weights, pixels=96).eval()
    assert new.state_dict()["stem.position"].shape == (1, 37, 384)
    x = torch.randn(1, 3, 96, 96)
    with torch.no_grad():
        assert oracles.relative(new(x), old(x)) < 1e-5  # the old one interpolates as it runs


def test_positions_stretch_as_timms_do():
    layers = oracles.timm().layers
    position = torch.randn(1, 1 + 14 * 14, 8)
    theirs = layers.resample_abs_pos_embed(position, new_size=[9, 11], num_prefix_tokens=1)
    assert torch.allclose(stretch(position, 9, 11), theirs, atol=1e-6)


def test_weights_of_another_net_are_refused(tmp_path: Path):
    _, weights = saved(tmp_path, "lenet5")
    with pytest.raises(CheckpointMismatch, match="holds weights of lenet5, not of conv4"):
        zoo.build("conv4", pretrained=weights)


@pytest.mark.parametrize(
    "name", ["resnet18", "resnet18d", "resnet18_v2", "vgg11_bn", "densenet121", "mobilenet_v2", "xception", "resnet50_v1"]
)
def test_dilation_keeps_what_filters_see(name: str):
    """Where the dilated net's finer map is sampled at the old stride it equals the old map, away from the borders."""
    net = oracles.randomise(zoo.build(name)).eval()
    net.stages = net.stages[:3]
    x = torch.randn(1, 3, 32 * 14, 32 * 14) / 10
    with torch.no_grad():
        before = net.features(x)
        stride = round(448 / before.shape[-1])
        dilate(net, stride // 2)
        after = net.features(x)
    if name == "xception":  # whose first layers do not pad: its maps are a few pixels short
        before = before[..., : after.shape[-1] // 2, : after.shape[-1] // 2]
    middle = slice(before.shape[-1] // 2 - 1, before.shape[-1] // 2 + 1)
    assert oracles.relative(after[..., ::2, ::2][..., middle, middle], before[..., middle, middle]) < 1e-4


@pytest.mark.parametrize(
    "name", ["resnet50d", "mobilenet_v2", "mobilenet_v2_tf", "vgg11", "densenet121", "resnet50_v2", "xception", "efficientnet_b0"]
)
@pytest.mark.parametrize("stride", [8, 16])
def test_any_backbone_can_keep_a_finer_map(name: str, stride: int):
    with torch.device("meta"):
        net = zoo.build(name)
        dilate(net, stride)
        assert 256 // net.features(torch.empty(2, 3, 256, 256)).shape[-1] in (stride, stride - 1)


def test_a_stride_that_is_not_on_the_way_is_refused():
    with torch.device("meta"), pytest.raises(BadValue, match="cannot keep a stride of 6"):
        dilate(zoo.build("resnet18"), 6)


@pytest.mark.parametrize(
    "name",
    [
        "resnet18",
        "mobilenet_v2",
        "vgg11",
        "densenet121",
        "efficientnet_b0",
        "convnext_tiny",
        "inception_v3",
        "vit_s_16",
        "alexnet",
        "swin_t",
        "mobilenet_v4_hybrid_medium",
    ],
)
def test_u_net_stands_on_any_classifier(name: str):
    with torch.device("meta"):
        net = zoo.unet_on(zoo.build(name), classes=4).eval()
        for high, wide in ((224, 224), (237, 219)):
            assert net(torch.empty(2, 3, high, wide)).shape == (2, 4, high, wide)


def test_u_net_keeps_its_encoders_weights_and_learns():
    torch.manual_seed(0)
    encoder = zoo.build("resnet18")
    before = {k: v.clone() for k, v in encoder.state_dict().items() if k.startswith(("stem", "stages"))}
    net = zoo.unet_on(encoder, classes=2)
    assert all(torch.equal(net.state_dict()[k], v) for k, v in before.items())
    x, y = torch.randn(2, 3, 64, 64), torch.randint(2, (2, 64, 64))
    optimiser = torch.optim.Adam(net.parameters(), 1e-3)
    losses = []
    for _ in range(6):
        loss = nn.functional.cross_entropy(net(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]


def test_the_unpadded_u_net_has_the_papers_sizes():
    with torch.device("meta"):
        assert zoo.build("unet_2015")(torch.empty(1, 1, 572, 572)).shape == (1, 2, 388, 388)


def test_deeplab_stands_on_another_backbone():
    with torch.device("meta"):
        net = zoo.deeplab_on(zoo.build("resnet18"), 512, classes=3, output_stride=16).eval()
        assert net(torch.empty(2, 3, 97, 129)).shape == (2, 3, 97, 129)


def test_a_siamese_score_is_symmetric_and_has_kochs_size():
    with torch.device("meta"):
        twins = zoo.Siamese(zoo.build("koch"))
    layer = sum(p.numel() for p in twins.backbone.head.get_submodule("fc").parameters())
    assert sum(p.numel() for p in twins.parameters()) - layer == 38_951_745
    net = zoo.Siamese(zoo.build("conv4")).eval()
    a, b = torch.randn(3, 1, 28, 28), torch.randn(3, 1, 28, 28)
    with torch.no_grad():
        assert torch.allclose(net(a, b), net(b, a))
        assert not torch.allclose(net(a, b), net(a, a))


def test_prototypical_logits_are_the_distances_of_the_paper():
    net = zoo.Prototypical(zoo.build("conv4")).eval()
    support, labels, query = torch.randn(6, 1, 28, 28), torch.tensor([0, 0, 1, 1, 2, 2]), torch.randn(4, 1, 28, 28)
    with torch.no_grad():
        logits = net(support, labels, query)
        vectors, queries = net.backbone.embed(support), net.backbone.embed(query)
        for q in range(4):
            for k in range(3):
                mean = vectors[labels == k].mean(0)
                assert float(logits[q, k]) == pytest.approx(-float(((queries[q] - mean) ** 2).sum()), rel=1e-4)
    assert prototypes(torch.tensor([[1.0], [3.0], [5.0]]), torch.tensor([0, 0, 1])).flatten().tolist() == [2.0, 5.0]
