"""Names of RegNet's and RepVGG's parameters in other libraries."""

from receptron.weights.keymap import KeyMap, Rule, conv_norm
from receptron.zoo.keys.mobile import gate

_OURS = "stages.{s-1}.{b}"
_THEIRS = "trunk_output.block{s}.block{s}-{b}"
_BODY = f"{_THEIRS}.f"
REGNET = KeyMap(
    "torchvision",
    (
        *conv_norm("stem.0", "stem.1", "stem"),
        *conv_norm(f"{_THEIRS}.proj.0", f"{_THEIRS}.proj.1", f"{_OURS}.shortcut"),
        *gate((f"{_BODY}.se.fc1", f"{_BODY}.se.fc2"), f"{_OURS}.body"),
        *(rule for c, at in enumerate("abc", 1) for rule in conv_norm(f"{_BODY}.{at}.0", f"{_BODY}.{at}.1", f"{_OURS}.body.conv{c}")),
        ("fc.*", "head.fc.*"),
    ),
)
_FIRST_IS_ONE = "stages.{s-1}.{b-1}"
REGNET_TIMM = KeyMap(
    "timm",
    (
        *conv_norm("stem.conv", "stem.bn", "stem"),
        *conv_norm("s{s}.b{b}.downsample.conv", "s{s}.b{b}.downsample.bn", f"{_FIRST_IS_ONE}.shortcut"),
        *gate(("s{s}.b{b}.se.fc1", "s{s}.b{b}.se.fc2"), f"{_FIRST_IS_ONE}.body"),
        *conv_norm("s{s}.b{b}.conv{c}.conv", "s{s}.b{b}.conv{c}.bn", f"{_FIRST_IS_ONE}.body.conv{{c}}"),
        ("head.fc.*", "head.fc.*"),
    ),
)


def _branches(theirs: str, ours: str) -> tuple[Rule, ...]:
    return (
        *conv_norm(f"{theirs}.conv_kxk.conv", f"{theirs}.conv_kxk.bn", f"{ours}.conv.three"),
        *conv_norm(f"{theirs}.conv_1x1.conv", f"{theirs}.conv_1x1.bn", f"{ours}.conv.one"),
        (f"{theirs}.identity.*", f"{ours}.conv.same.*"),
        (f"{theirs}.attn.fc1.*", f"{ours}.attention.gate.squeeze.*"),
        (f"{theirs}.attn.fc2.*", f"{ours}.attention.gate.excite.*"),
    )


REPVGG_TIMM = KeyMap("timm", (*_branches("stem", "stem"), *_branches("stages.{s}.{b}", "stages.{s}.{b}"), ("head.fc.*", "head.fc.*")))
