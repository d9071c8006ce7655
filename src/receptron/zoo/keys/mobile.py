"""Names of the MobileNets' and EfficientNets' parameters: torchvision numbers a block's parts, timm names them by their position."""

from collections.abc import Sequence

from receptron.weights.keymap import KeyMap, Rule, conv_norm
from receptron.zoo.efficientnet_lite import layers_of
from receptron.zoo.mobilenet_v2 import TABLE as V2
from receptron.zoo.mobilenet_v3 import TABLE as V3
from receptron.zoo.mobilenet_v4 import TABLE as V4
from receptron.zoo.mobilenet_v4 import Attended, Fused, Plain, Row

Parts = Sequence[str]
INVERTED, SEPARABLE = ("expand", "depthwise", "narrow"), ("depthwise", "narrow")
GATED, GATED_SEPARABLE = ("expand", "depthwise", "gate", "narrow"), ("depthwise", "gate", "narrow")


def gate(theirs: tuple[str, str], ours: str) -> tuple[Rule, Rule]:
    """Rules for the two layers of a squeeze-and-excitation gate."""
    return (f"{theirs[0]}.*", f"{ours}.gate.gate.squeeze.*"), (f"{theirs[1]}.*", f"{ours}.gate.gate.excite.*")


def numbered(theirs: str, ours: str, parts: Parts) -> list[Rule]:
    """torchvision's block: part i is `theirs`.i, a convolution 0 and its norm 1."""
    rules: list[Rule] = []
    for i, part in enumerate(parts):
        at = f"{theirs}.{i}"
        rules += gate((f"{at}.fc1", f"{at}.fc2"), ours) if part == "gate" else conv_norm(f"{at}.0", f"{at}.1", f"{ours}.{part}")
    return rules


def placed(theirs: str, ours: str, names: dict[str, str]) -> list[Rule]:
    """timm's block: our part and its convolution there, in order; norms are bn1, bn2, bn3, the gate is `se`."""
    rules: list[Rule] = list(gate((f"{theirs}.se.conv_reduce", f"{theirs}.se.conv_expand"), ours))
    for i, (part, convolution) in enumerate(names.items(), 1):
        rules += conv_norm(f"{theirs}.{convolution}", f"{theirs}.bn{i}", f"{ours}.{part}")
    return rules


TIMM_SEPARABLE = {"depthwise": "conv_dw", "narrow": "conv_pw"}
TIMM_INVERTED = {"expand": "conv_pw", "depthwise": "conv_dw", "narrow": "conv_pwl"}
TIMM_FUSED = {"expand": "conv_exp", "narrow": "conv_pwl"}
_TIMM_STEM = conv_norm("conv_stem", "bn1", "stem")
_TIMM_HEAD: tuple[Rule, ...] = (*conv_norm("conv_head", "bn2", "head.last"), ("classifier.*", "head.fc.*"))
_BLOCK, _OURS = "blocks.{s}.{b}", "stages.{s}.{b}.body"


def _v2() -> list[Rule]:
    """torchvision numbers all blocks through, and a block's last convolution and norm stand without a wrapper."""
    rules: list[Rule] = []
    at = 1
    for s, (expand, _, repeats, _) in enumerate(V2):
        for b in range(repeats):
            parts = INVERTED if expand > 1 else SEPARABLE
            theirs, ours, last = f"features.{at}.conv", f"stages.{s}.{b}.body", len(parts) - 1
            rules += [*numbered(theirs, ours, parts[:-1]), *conv_norm(f"{theirs}.{last}", f"{theirs}.{last + 1}", f"{ours}.narrow")]
            at += 1
    return rules


def mobilenet_v3(name: str) -> KeyMap:
    """torchvision's names: all blocks numbered through."""
    rules: list[Rule] = [*conv_norm("features.0.0", "features.0.1", "stem")]
    c_in, stage, b = 16, 0, 0
    for at, row in enumerate(V3[name], 1):
        stage, b = (row.stage, 0) if row.stage != stage else (stage, b)
        parts = [part for part, there in zip(GATED, (row.expanded != c_in, True, row.se, True), strict=True) if there]
        rules += numbered(f"features.{at}.block", f"stages.{stage}.{b}.body", parts)
        c_in, b = row.channels, b + 1
    last = len(V3[name]) + 1
    rules += conv_norm(f"features.{last}.0", f"features.{last}.1", "head.last")
    return KeyMap("torchvision", (*rules, ("classifier.0.*", "head.wide.*"), ("classifier.3.*", "head.fc.*")))


def efficientnet(stages: int, first: Parts, fused: int = 0) -> KeyMap:
    """torchvision's names: stage s is features.(s + 1); the first stage has the parts `first`, the next ones up to `fused` two parts."""
    rules: list[Rule] = [*conv_norm("features.0.0", "features.0.1", "stem"), *numbered("features.1.{b}.block", "stages.0.{b}.body", first)]
    for s in range(1, stages):
        parts = ("expand", "narrow") if s < fused else GATED
        rules += numbered(f"features.{s + 1}.{{b}}.block", f"stages.{s}.{{b}}.body", parts)
    last = f"features.{stages + 1}"
    return KeyMap("torchvision", (*rules, *conv_norm(f"{last}.0", f"{last}.1", "head.last"), ("classifier.1.*", "head.fc.*")))


def efficientnet_lite(name: str) -> KeyMap:
    """The names of github.com/lukemelas/EfficientNet-PyTorch: all blocks numbered through, norms by what they follow."""
    rules: list[Rule] = [*conv_norm("_conv_stem", "_bn0", "stem"), *conv_norm("_conv_head", "_bn1", "head.last"), ("_fc.*", "head.fc.*")]
    at = 0
    for s, layers in enumerate(layers_of(name)):
        for b in range(layers):
            for i, (part, theirs) in enumerate((("expand", "expand"), ("depthwise", "depthwise"), ("narrow", "project"))):
                rules += conv_norm(f"_blocks.{at}._{theirs}_conv", f"_blocks.{at}._bn{i}", f"stages.{s}.{b}.body.{part}")
            at += 1
    return KeyMap("lukemelas", tuple(rules))


MOBILENET_V1_TIMM = KeyMap(
    "timm",
    (
        *_TIMM_STEM,
        *conv_norm(f"{_BLOCK}.conv_dw", f"{_BLOCK}.bn1", "stages.{s}.{b}.depthwise"),
        *conv_norm(f"{_BLOCK}.conv_pw", f"{_BLOCK}.bn2", "stages.{s}.{b}.pointwise"),
        ("classifier.*", "head.fc.*"),
    ),
)
MOBILENET_V2 = KeyMap(
    "torchvision",
    (
        *conv_norm("features.0.0", "features.0.1", "stem"),
        *_v2(),
        *conv_norm("features.18.0", "features.18.1", "head.last"),
        ("classifier.1.*", "head.fc.*"),
    ),
)
EFFICIENTNET_TIMM = KeyMap(
    "timm",
    (
        *_TIMM_STEM,
        *placed("blocks.0.{b}", "stages.0.{b}.body", TIMM_SEPARABLE),
        *placed(_BLOCK, _OURS, TIMM_INVERTED),
        *_TIMM_HEAD,
    ),
)
"""MobileNetV2 has the same names there."""


def mobilenet_v3_timm(name: str) -> KeyMap:
    """timm's names; its last stage is our head's first convolution."""
    stages = V3[name][-1].stage + 1
    return KeyMap(
        "timm",
        (
            *_TIMM_STEM,
            *placed("blocks.0.{b}", "stages.0.{b}.body", TIMM_SEPARABLE),
            *conv_norm(f"blocks.{stages}.0.conv", f"blocks.{stages}.0.bn1", "head.last"),
            *placed(_BLOCK, _OURS, TIMM_INVERTED),
            ("conv_head.*", "head.wide.*"),
            ("classifier.*", "head.fc.*"),
        ),
    )


EFFICIENTNET_V2_TIMM = KeyMap(
    "timm",
    (
        *_TIMM_STEM,
        *conv_norm("blocks.0.{b}.conv", "blocks.0.{b}.bn1", "stages.0.{b}.body.expand"),
        *(rule for s in (1, 2) for rule in placed(f"blocks.{s}.{{b}}", f"stages.{s}.{{b}}.body", TIMM_FUSED)),
        *placed(_BLOCK, _OURS, TIMM_INVERTED),
        *_TIMM_HEAD,
    ),
)

_UNIVERSAL = {"before": "dw_start", "expand": "pw_exp", "depthwise": "dw_mid", "narrow": "pw_proj"}


def _v4_block(row: Row, theirs: str, ours: str) -> list[Rule]:
    """timm's names of one line of a table."""
    if isinstance(row, Plain):
        return [*conv_norm(f"{theirs}.conv", f"{theirs}.bn1", ours)]
    if isinstance(row, Fused):
        return placed(theirs, f"{ours}.body", TIMM_FUSED)
    rules: list[Rule] = [(f"{theirs}.layer_scale.gamma", f"{ours}.body.gain.gain")]
    if isinstance(row, Attended):
        at, here = f"{theirs}.attn", f"{ours}.body.attention"
        rules += [
            (f"{theirs}.norm.*", f"{ours}.body.norm.*"),
            (f"{at}.query.proj.*", f"{here}.query.*"),
            (f"{at}.output.proj.*", f"{here}.out.*"),
        ]
        parts = (("down_conv", "down"), ("norm", "norm"), ("proj", "project"))
        return rules + [(f"{at}.{of}.{a}.*", f"{here}.{of}.{b}.*") for of in ("key", "value") for a, b in parts]
    for part, there in _UNIVERSAL.items():
        rules += conv_norm(f"{theirs}.{there}.conv", f"{theirs}.{there}.bn", f"{ours}.body.{part}")
    return rules


def mobilenet_v4(name: str) -> KeyMap:
    """timm's names; its last stage is our head's first convolution."""
    stages = V4[name].stages
    blocks = [(f"{s}.{b}", row) for s, rows in enumerate(stages) for b, row in enumerate(rows)]
    last = f"blocks.{len(stages)}.0"
    rules = [rule for at, row in blocks for rule in _v4_block(row, f"blocks.{at}", f"stages.{at}")]
    head = (*conv_norm(f"{last}.conv", f"{last}.bn1", "head.last"), *conv_norm("conv_head", "norm_head", "head.wide"))
    return KeyMap("timm", (*_TIMM_STEM, *rules, *head, ("classifier.*", "head.fc.*")))
