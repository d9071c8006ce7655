"""Every net answers as torchvision's and timm's net of that name does, from the same random weights, in eval and in train mode."""

import pytest
import torch
from rivals import RIVALS, scores, timm_net, torchvision_net
from torch import nn

import oracles
from receptron import zoo
from receptron.blocks.auxiliary import AuxiliaryClassifier, AuxiliaryScores
from receptron.blocks.windows import WindowAttention
from receptron.errors import CheckpointMismatch
from receptron.weights.keymap import KeyMap, load
from receptron.zoo.keys.table import SOURCES, TIMM, TORCHVISION, key_map

REPRESENTATIVES = (
    ("torchvision", "alexnet"), ("torchvision", "vgg11_bn"), ("torchvision", "googlenet_auxiliary"), ("torchvision", "inception_v3"),
    ("torchvision", "resnet18"), ("torchvision", "resnet50"), ("torchvision", "resnext50_32x4d"), ("torchvision", "deeplabv3_resnet50"),
    ("torchvision", "densenet121"), ("torchvision", "squeezenet1_0"), ("torchvision", "squeezenet1_1"), ("torchvision", "mobilenet_v2"),
    ("torchvision", "mobilenet_v3_large"), ("torchvision", "mobilenet_v3_small"), ("torchvision", "efficientnet_b0"),
    ("torchvision", "efficientnet_v2_s"), ("torchvision", "convnext_tiny"), ("torchvision", "vit_b_32"),
    ("timm", "resnet50d"), ("timm", "resnet18_v2"), ("timm", "resnet50_v2"), ("timm", "se_resnet50"),
    ("timm", "senet154"), ("timm", "xception"), ("timm", "mobilenet_v1"), ("timm", "mobilenet_v2"), ("timm", "mobilenet_v3_large_timm"),
    ("timm", "mobilenet_v3_small_tf"), ("timm", "efficientnet_b0"), ("timm", "efficientnet_b1_tf"), ("timm", "efficientnet_v2_s_tf"),
    ("timm", "efficientnet_lite0"), ("timm", "efficientnet_lite0_timm"),
    ("timm", "densenet121"), ("timm", "convnext_tiny"), ("timm", "vit_s_16"), ("timm", "inception_v3"), ("timm", "vgg11_bn"),
    ("torchvision", "regnet_y_400mf"), ("timm", "regnet_y_200mf"), ("timm", "regnet_y_800mf_pycls"),
    ("timm", "convnext_v2_atto"), ("timm", "mobilenet_v4_conv_small"), ("timm", "mobilenet_v4_hybrid_medium"),
    ("timm", "repvgg_a0"), ("timm", "repvgg_b1g4"),
    ("torchvision", "swin_t"), ("timm", "swin_t"),
)  # fmt: skip
ALL = tuple((source, name) for source, nets in (("torchvision", TORCHVISION), ("timm", TIMM)) for name in nets if name != "mobilenet_v2_tf")
TOLERANCE = 1e-6
OTHER_ORDER = 4e-6  # timm's VGG sums 25,088 products in a convolution, ours in a linear layer; V2's perceptrons differ likewise
IN_OTHER_ORDER = ("vgg", "convnext_v2")


def pair(source: str, name: str, *, keys: KeyMap | None = None) -> tuple[nn.Module, nn.Module]:
    """Theirs with random numbers everywhere, and ours with the same numbers; no chance in either."""
    theirs = oracles.without_chance(oracles.randomise(RIVALS[source](name)))
    with torch.device("meta"):
        ours = zoo.build(name)
    ours.to_empty(device="cpu")
    load(ours, (keys or key_map(name, source))(theirs.state_dict()), source=source)
    return oracles.without_chance(ours), theirs


def images(name: str, *, standard: bool) -> list[torch.Tensor]:
    """Two images of the usual size (or a small one that runs as well) and of an odd size."""
    generator = torch.Generator().manual_seed(1)
    usual = zoo.ZOO[name].pixels if standard else {"inception_v3": 299, "xception": 96}.get(name, 64)
    sizes = [usual, usual + 13]
    if name.startswith(("vit", "swin")):  # rivals take one size only, but torchvision's Swin
        sizes = [zoo.ZOO[name].pixels]
    return [torch.randn(2, 3, size, size, generator=generator) for size in sizes]


def limit(source: str, name: str) -> float:
    """How far two answers may be apart: as far as the same sums in another order."""
    return OTHER_ORDER if source == "timm" and name.startswith(IN_OTHER_ORDER) else TOLERANCE


def logits_of(answer: torch.Tensor | AuxiliaryScores) -> torch.Tensor:
    """Of a net with auxiliary heads, in train mode, those of its last head."""
    return answer.logits if isinstance(answer, AuxiliaryScores) else answer


def differences(ours: nn.Module, theirs: nn.Module, pictures: list[torch.Tensor]) -> list[float]:
    """Relative differences in eval mode, then in train mode."""
    found: list[float] = []
    for training in (False, True):
        with oracles.mode([ours, theirs], training):
            found += [oracles.relative(logits_of(ours(x)), scores(theirs(x))) for x in pictures]
    return found


@pytest.mark.parametrize(("source", "name"), REPRESENTATIVES)
def test_a_net_of_each_family_answers_as_its_rival_and_a_mutated_one_does_not(source: str, name: str):
    ours, theirs = pair(source, name)
    pictures = images(name, standard=False)
    assert max(differences(ours, theirs, pictures)) <= limit(source, name)
    mutate(ours)
    ours.eval(), theirs.eval()
    with torch.no_grad():
        assert oracles.relative(ours(pictures[0]), scores(theirs(pictures[0]))) > 1e-4


@pytest.mark.parametrize("size", [(32, 32), (64, 96), (231, 197), (280, 56), (448, 224)])
def test_windows_on_any_size_of_map_are_torchvisions(size: tuple[int, int]):
    """Maps that are padded, maps smaller than a window, windows that move along one axis only."""
    ours, theirs = pair("torchvision", "swin_t")
    x = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(3))
    with oracles.mode([ours, theirs], training=False):
        assert oracles.relative(ours(x), theirs(x)) <= OTHER_ORDER
        for module in ours.modules():
            if isinstance(module, WindowAttention):
                module.shift = 0
        assert oracles.relative(ours(x), theirs(x)) > 1e-4 or max(size) <= 32


@pytest.mark.campaign
@pytest.mark.parametrize(("source", "name"), ALL)
def test_every_net_answers_as_its_rival_at_its_usual_size(source: str, name: str):
    ours, theirs = pair(source, name)
    assert max(differences(ours, theirs, images(name, standard=True))) <= limit(source, name)


def mutate(net: nn.Module) -> None:
    """One small change of the topology, the numbers all the same: the last activation of stages and head becomes the identity."""
    kinds = (nn.ReLU, nn.ReLU6, nn.SiLU, nn.Hardswish, nn.GELU)
    name = [name for name, module in net.named_modules() if isinstance(module, kinds) and not name.startswith("auxiliary")][-1]
    parent, _, child = name.rpartition(".")
    setattr(net.get_submodule(parent), child, nn.Identity())


def test_auxiliary_heads_answer_as_torchvisions():
    for name, order in (("googlenet_auxiliary", (0, 2, 1)), ("inception_v3", (0, 1))):
        ours, theirs = pair("torchvision", name)
        assert isinstance(ours, AuxiliaryClassifier)
        x = torch.randn(2, 3, 299, 299, generator=torch.Generator().manual_seed(2))
        with oracles.mode([ours, theirs], True):
            expected = theirs(x)
            for mine, place in zip(ours.all_scores(x), order, strict=True):
                assert oracles.relative(mine, expected[place]) <= TOLERANCE


@pytest.mark.parametrize("name", [pytest.param("vgg11_bn", marks=pytest.mark.campaign), "convnext_v2_atto"])
def test_sums_in_another_order_are_timms_to_the_last_digits_in_double_precision(name: str):
    ours, theirs = pair("timm", name)
    assert max(differences(ours.double(), theirs.double(), [x.double() for x in images(name, standard=False)])) < 1e-13


def test_cbam_answers_as_timms_layer_with_biases():
    """timm publishes no such net; its ResNet-50 with its CBAM layer has no biases in the gates, which are zero here."""
    theirs = oracles.timm().create_model("resnet50", block_args={"attn_layer": "cbam"})
    theirs = oracles.without_chance(oracles.randomise(theirs))
    ours = zoo.build("cbam_resnet50")
    gates = (
        ("channel.fc1.*", "mlp.squeeze.*"),
        ("channel.fc2.*", "mlp.excite.*"),
        ("spatial.conv.conv.*", "spatial.conv.*"),
        ("spatial.conv.bn.*", "spatial.norm.*"),
    )
    rules = tuple((f"layer{{s}}.{{b}}.se.{a}", f"stages.{{s-1}}.{{b}}.body.attention.{b}") for a, b in gates)
    state = KeyMap("timm", (*rules, *key_map("resnet50", "timm").rules))(theirs.state_dict())
    biases = {name: torch.zeros_like(t) for name, t in ours.state_dict().items() if ".mlp." in name and name.endswith("bias")}
    load(ours, state | biases)
    assert max(differences(oracles.without_chance(ours), theirs, images("cbam_resnet50", standard=False))) <= TOLERANCE


def test_a_wrong_key_map_changes_the_output():
    """Two convolutions of one shape, swapped: every name and shape still agrees, the answer does not."""
    rules = (
        ("layer1.0.conv1.*", "stages.0.0.body.conv2.conv.*"),
        ("layer1.0.conv2.*", "stages.0.0.body.conv1.conv.*"),
        *key_map("resnet18", "torchvision").rules,
    )
    ours, theirs = pair("torchvision", "resnet18", keys=KeyMap("torchvision", rules))
    assert max(differences(ours, theirs, images("resnet18", standard=False)[:1])) > 1e-3


def test_a_checkpoint_of_another_net_is_refused():
    state = timm_net("resnet18d").state_dict()
    with pytest.raises(CheckpointMismatch, match="no rule of the torchvision key map"):
        key_map("resnet18", "torchvision")(state)


def test_files_from_before_todays_names_are_read():
    """torchvision's densenet and ViT files still have the names of older releases."""
    new = torchvision_net("densenet121").state_dict()
    old = {name.replace("norm1", "norm.1").replace("conv2", "conv.2"): tensor for name, tensor in new.items()}
    keys = key_map("densenet121", "torchvision")
    assert keys(old).keys() == keys(new).keys()
    assert (
        key_map("vit_b_32", "torchvision").translate("encoder.layers.encoder_layer_5.mlp.linear_1.bias")
        == "stages.1.2.think.body.widen.bias"
    )


def test_every_source_maps_only_nets_of_the_zoo():
    assert all(name in zoo.ZOO for nets in SOURCES.values() for name in nets)
