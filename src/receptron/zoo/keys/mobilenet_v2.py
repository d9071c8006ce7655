"""Names of MobileNetV2's parameters in other libraries."""

from receptron.weights.keymap import KeyMap, Rule, conv_norm
from receptron.zoo.mobilenet_v2 import TABLE

_PARTS = ("expand", "depthwise", "narrow")


def _torchvision() -> list[Rule]:
    """torchvision numbers all blocks through; the first block, which does not widen, lacks the first part."""
    rules: list[Rule] = []
    at = 1
    for s, (expand, _, repeats, _) in enumerate(TABLE):
        for b in range(repeats):
            parts = _PARTS if expand > 1 else _PARTS[1:]
            theirs, ours = f"features.{at}.conv", f"stages.{s}.{b}.body"
            for i, part in enumerate(parts[:-1]):
                rules += conv_norm(f"{theirs}.{i}.0", f"{theirs}.{i}.1", f"{ours}.{part}")
            last = len(parts) - 1
            rules += conv_norm(f"{theirs}.{last}", f"{theirs}.{last + 1}", f"{ours}.narrow")
            at += 1
    return rules


TORCHVISION = KeyMap(
    "torchvision",
    (
        *conv_norm("features.0.0", "features.0.1", "stem"),
        *_torchvision(),
        *conv_norm("features.18.0", "features.18.1", "head.last"),
        ("classifier.1.*", "head.fc.*"),
    ),
)
TIMM = KeyMap(
    "timm",
    (
        *conv_norm("conv_stem", "bn1", "stem"),
        *conv_norm("blocks.0.{b}.conv_dw", "blocks.0.{b}.bn1", "stages.0.{b}.body.depthwise"),
        *conv_norm("blocks.0.{b}.conv_pw", "blocks.0.{b}.bn2", "stages.0.{b}.body.narrow"),
        *conv_norm("blocks.{s}.{b}.conv_pw", "blocks.{s}.{b}.bn1", "stages.{s}.{b}.body.expand"),
        *conv_norm("blocks.{s}.{b}.conv_dw", "blocks.{s}.{b}.bn2", "stages.{s}.{b}.body.depthwise"),
        *conv_norm("blocks.{s}.{b}.conv_pwl", "blocks.{s}.{b}.bn3", "stages.{s}.{b}.body.narrow"),
        *conv_norm("conv_head", "bn2", "head.last"),
        ("classifier.*", "head.fc.*"),
    ),
)
