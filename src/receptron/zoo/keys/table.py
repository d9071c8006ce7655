"""Which key map reads which net from which source."""

from receptron.errors import CheckpointMismatch
from receptron.weights.keymap import OURS, KeyMap
from receptron.zoo import (
    cifar_resnet,
    convnext,
    densenet,
    efficientnet,
    efficientnet_lite,
    mobilenet_v4,
    regnet,
    repvgg,
    resnet_v2,
    squeezenet,
    swin,
    vgg,
    vit,
)
from receptron.zoo.keys import densenet as dense
from receptron.zoo.keys import early, inception, mobile, modern, regular, resnet

_RESNETS = [f"resnet{n}" for n in (18, 34, 50, 101, 152)] + [
    "resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d", "wide_resnet50_2", "wide_resnet101_2",
]  # fmt: skip
_VGGS = [f"{name}{tail}" for name in vgg.TABLE for tail in ("", "_bn")]
_EFFICIENTNETS = [*efficientnet.TABLE]
_REGNETS = [f"regnet_y_{size}" for size in ("400mf", "800mf", "1_6gf", "3_2gf", "8gf", "16gf", "32gf", "128gf")]
_V2 = mobile.efficientnet(7, ("expand",), fused=3)

TORCHVISION: dict[str, KeyMap] = {
    "alexnet": early.ALEXNET,
    **{name: early.vgg(name, "torchvision") for name in _VGGS},
    **{name: early.squeezenet(name) for name in squeezenet.TABLE},
    "googlenet": inception.GOOGLENET,
    "googlenet_auxiliary": inception.GOOGLENET_AUXILIARY,
    "inception_v3": inception.INCEPTION_V3,
    **dict.fromkeys(_RESNETS, resnet.TORCHVISION),
    **dict.fromkeys(("deeplabv3_resnet50", "deeplabv3_resnet101"), resnet.DEEPLAB),
    **dict.fromkeys(densenet.TABLE, dense.TORCHVISION),
    **dict.fromkeys(("mobilenet_v2", "mobilenet_v2_tf"), mobile.MOBILENET_V2),
    **{name: mobile.mobilenet_v3(name) for name in ("mobilenet_v3_large", "mobilenet_v3_small")},
    **dict.fromkeys(_EFFICIENTNETS, mobile.efficientnet(7, mobile.GATED_SEPARABLE)),
    "efficientnet_v2_s": mobile.efficientnet(6, ("expand",), fused=3),
    **dict.fromkeys(("efficientnet_v2_m", "efficientnet_v2_l"), _V2),
    **dict.fromkeys([*convnext.TABLE][:4], modern.CONVNEXT),
    **{name: modern.vit(name, "torchvision") for name in [*vit.TABLE][1:]},
    **dict.fromkeys(("swin_t", "swin_s", "swin_b"), modern.SWIN),
    **dict.fromkeys(_REGNETS, regular.REGNET),
}
TIMM: dict[str, KeyMap] = {
    **{name: early.vgg(name, "timm") for name in _VGGS},
    "inception_v3": inception.INCEPTION_V3_TIMM,
    **dict.fromkeys((*_RESNETS, "se_resnet50", "se_resnet101", "se_resnet152"), resnet.TIMM),
    **dict.fromkeys(("resnet18d", "resnet34d", "resnet50d", "resnet101d", "resnet152d"), resnet.TIMM_D),
    **dict.fromkeys(resnet_v2.TABLE, resnet.V2),
    **dict.fromkeys(("senet154", "se_resnet50_v1", "se_resnet101_v1", "se_resnet152_v1"), resnet.TIMM_LEGACY),
    **dict.fromkeys(densenet.TABLE, dense.TIMM),
    "xception": dense.XCEPTION,
    "mobilenet_v1": mobile.MOBILENET_V1_TIMM,
    **dict.fromkeys(("mobilenet_v2", *_EFFICIENTNETS[:5], *(f"{name}_tf" for name in _EFFICIENTNETS)), mobile.EFFICIENTNET_TIMM),
    **dict.fromkeys(("efficientnet_b5_timm", *efficientnet_lite.TABLE, "efficientnet_lite0_timm"), mobile.EFFICIENTNET_TIMM),
    **{
        f"mobilenet_v3_{size}_{source}": mobile.mobilenet_v3_timm(f"mobilenet_v3_{size}")
        for size in ("large", "small")
        for source in ("timm", "tf")
    },
    **dict.fromkeys([f"efficientnet_v2_{size}_tf" for size in "sml"], mobile.EFFICIENTNET_V2_TIMM),
    **dict.fromkeys((*convnext.TABLE, *convnext.V2), modern.CONVNEXT_TIMM),
    **{name: modern.vit(name, "timm") for name in vit.TABLE},
    **dict.fromkeys(swin.TABLE, modern.SWIN_TIMM),
    **{name: mobile.mobilenet_v4(name) for name in mobilenet_v4.TABLE},
    **dict.fromkeys(regnet.NAMES, regular.REGNET_TIMM),
    **dict.fromkeys(repvgg.TABLE, regular.REPVGG_TIMM),
}
AKAMASTER: dict[str, KeyMap] = dict.fromkeys(cifar_resnet.TABLE, resnet.AKAMASTER)
LUKEMELAS: dict[str, KeyMap] = {name: mobile.efficientnet_lite(name) for name in efficientnet_lite.TABLE}
SOURCES = {"torchvision": TORCHVISION, "timm": TIMM, "akamaster": AKAMASTER, "lukemelas": LUKEMELAS}


def key_map(net: str, source: str) -> KeyMap:
    """The map from `source`'s names to ours for `net`. Raises: CheckpointMismatch."""
    if source == "receptron":
        return OURS
    maps = SOURCES.get(source, {})
    if net not in maps:
        known = [name for name, nets in SOURCES.items() if net in nets]
        raise CheckpointMismatch(
            f"there is no key map from {source} to {net}.",
            why=f"{net} has key maps for {', '.join(known) or 'no other library'}",
            mend="name the library whose parameter names the file uses, or save the weights under our own names",
        )
    return maps[net]
