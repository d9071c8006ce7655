"""What torchvision and timm call the nets of the zoo, and how to build theirs."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

import oracles

REGNETS = {
    "200mf": "002", "400mf": "004", "600mf": "006", "800mf": "008_tv", "1_6gf": "016", "3_2gf": "032", "4gf": "040", "6_4gf": "064",
    "8gf": "080_tv", "12gf": "120", "16gf": "160", "32gf": "320", "64gf": "640", "128gf": "1280", "256gf": "2560",
}  # fmt: skip
TIMM_NAMES = {
    "mobilenet_v1": "mobilenetv1_100",
    "mobilenet_v2": "mobilenetv2_100",
    "mobilenet_v3_large_timm": "mobilenetv3_large_100",
    "mobilenet_v3_small_timm": "mobilenetv3_small_100",
    "mobilenet_v3_large_tf": "tf_mobilenetv3_large_100",
    "mobilenet_v3_small_tf": "tf_mobilenetv3_small_100",
    "xception": "legacy_xception",
    "senet154": "legacy_senet154",
    "efficientnet_b5_timm": "efficientnet_b5",
    "efficientnet_lite0_timm": "efficientnet_lite0",
    **{f"efficientnet_lite{n}": f"tf_efficientnet_lite{n}" for n in range(5)},
    **{f"se_resnet{n}": f"seresnet{n}" for n in (50, 101, 152)},
    **{f"se_resnet{n}_v1": f"legacy_seresnet{n}" for n in (50, 101, 152)},
    **{f"resnet{n}_v2": f"resnetv2_{n}" for n in (18, 34, 50, 101, 152)},
    **{f"efficientnet_b{n}_tf": f"tf_efficientnet_b{n}" for n in range(8)},
    **{f"efficientnet_v2_{size}_tf": f"tf_efficientnetv2_{size}" for size in "sml"},
    **{f"convnext_v2_{size}": f"convnextv2_{size}" for size in ("atto", "femto", "pico", "nano", "tiny", "base", "large", "huge")},
    **{
        f"mobilenet_v4_{kind}": f"mobilenetv4_{kind}"
        for kind in ("conv_small", "conv_medium", "conv_large", "hybrid_medium", "hybrid_large")
    },
    **{f"swin_{size[0]}": f"swin_{size}_patch4_window7_224" for size in ("tiny", "small", "base", "large")},
    **{f"swin_{size[0]}_384": f"swin_{size}_patch4_window12_384" for size in ("base", "large")},
    **{f"regnet_y_{name}": f"regnety_{digits}" for name, digits in REGNETS.items()},
    **{f"regnet_y_{name}_pycls": f"regnety_{REGNETS[name].removesuffix('_tv')}" for name in ("800mf", "8gf")},
    **{f"vit_{size[0]}_{patch}": f"vit_{size}_patch{patch}_224" for size in ("small", "base", "large") for patch in (16, 32)},
}


def torchvision_net(name: str) -> nn.Module:
    models = oracles.torchvision().models
    if name.startswith("deeplab"):
        return models.segmentation.__dict__[name](weights=None, weights_backbone=None)
    options: dict[str, object] = {}
    if name.startswith("googlenet"):
        options = {"aux_logits": name.endswith("auxiliary"), "init_weights": False}
    elif name == "inception_v3":
        options = {"init_weights": False}
    return models.__dict__[name.removesuffix("_auxiliary").removesuffix("_tf")](weights=None, **options)


def timm_net(name: str) -> nn.Module:
    options = {"aux_logits": True} if name == "inception_v3" else {}
    return oracles.timm().create_model(TIMM_NAMES.get(name, name), num_classes=1000, **options)  # some are published without a head


RIVALS: dict[str, Callable[[str], nn.Module]] = {"torchvision": torchvision_net, "timm": timm_net}


def scores(answer: object) -> Tensor:
    """Class scores of a rival, whatever it wraps them in."""
    if isinstance(answer, dict):
        return answer["out"]
    if isinstance(answer, Tensor):
        return answer
    return next(part for part in answer if isinstance(part, torch.Tensor))  # type: ignore[attr-defined]
