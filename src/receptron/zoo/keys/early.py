"""Names of AlexNet's, VGG's and SqueezeNet's parameters in other libraries, which number their layers through."""

from receptron.weights.keymap import KeyMap, Rule
from receptron.zoo import squeezenet as squeeze
from receptron.zoo import vgg as tower

_THREE_LAYERS: tuple[Rule, ...] = (("classifier.0.*", "head.fc1.*"), ("classifier.3.*", "head.fc2.*"), ("classifier.6.*", "head.fc.*"))
ALEXNET = KeyMap(
    "torchvision",
    (
        ("features.0.*", "stem.conv.*"),
        ("features.3.*", "stages.0.conv2.conv.*"),
        *((f"features.{at}.*", f"stages.1.conv{i}.conv.*") for at, i in ((6, 3), (8, 4), (10, 5))),
        ("classifier.1.*", "head.fc1.*"),
        ("classifier.4.*", "head.fc2.*"),
        ("classifier.6.*", "head.fc.*"),
    ),
)


def vgg(name: str, source: str) -> KeyMap:
    """torchvision and timm agree on the convolutions; timm makes the first two wide layers convolutions of 7x7 and 1x1."""
    norm = name.endswith("_bn")
    rules: list[Rule] = []
    at = 0
    for s, depth in enumerate(tower.TABLE[name.removesuffix("_bn")]):
        for layer in range(depth):
            rules.append((f"features.{at}.*", f"stages.{s}.{layer}.conv.*"))
            if norm:
                rules.append((f"features.{at + 1}.*", f"stages.{s}.{layer}.norm.*"))
            at += 3 if norm else 2
        at += 1  # max pool
    timm = (("pre_logits.fc1.*", "head.fc1.*"), ("pre_logits.fc2.*", "head.fc2.*"), ("head.fc.*", "head.fc.*"))
    return KeyMap(source, (*rules, *(timm if source == "timm" else _THREE_LAYERS)))


def squeezenet(name: str) -> KeyMap:
    """Fire modules and pools share one count, which the convolution, its activation and the first pool begin."""
    rules: list[Rule] = [("features.0.*", "stem.conv.*"), ("classifier.1.*", "head.fc.*")]
    at = 2
    for s, group in enumerate(squeeze.TABLE[name][2]):
        for f in range(1, len(group) + 1):
            theirs, ours = f"features.{at + f}", f"stages.{s}.{f}"
            rules.append((f"{theirs}.squeeze.*", f"{ours}.squeeze.conv.*"))
            rules += [(f"{theirs}.expand{k}x{k}.*", f"{ours}.expand.{branch}.conv.*") for k, branch in ((1, "one"), (3, "three"))]
        at += len(group) + 1
    return KeyMap("torchvision", tuple(rules))
