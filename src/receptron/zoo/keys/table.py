"""Which key map reads which net from which source."""

from receptron.errors import CheckpointMismatch
from receptron.weights.keymap import OURS, KeyMap
from receptron.zoo import cifar_resnet
from receptron.zoo.keys import mobilenet_v2, resnet

_RESNETS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d")
_RESNETS += ("wide_resnet50_2", "wide_resnet101_2")

TORCHVISION: dict[str, KeyMap] = {
    **dict.fromkeys(_RESNETS, resnet.TORCHVISION),
    **dict.fromkeys(("mobilenet_v2", "mobilenet_v2_tf"), mobilenet_v2.TORCHVISION),
}
TIMM: dict[str, KeyMap] = {
    **dict.fromkeys((*_RESNETS, "se_resnet50", "se_resnet101", "se_resnet152"), resnet.TIMM),
    **dict.fromkeys(("resnet18d", "resnet34d", "resnet50d", "resnet101d", "resnet152d"), resnet.TIMM_D),
    **dict.fromkeys(("mobilenet_v2", "mobilenet_v2_tf"), mobilenet_v2.TIMM),
}
AKAMASTER: dict[str, KeyMap] = dict.fromkeys(cifar_resnet.TABLE, resnet.AKAMASTER)
SOURCES = {"torchvision": TORCHVISION, "timm": TIMM, "akamaster": AKAMASTER}


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
