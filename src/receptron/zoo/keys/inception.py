"""Names of GoogLeNet's and Inception v3's parameters in other libraries."""

from receptron.weights.keymap import KeyMap, Rule, conv_norm


def _pair(theirs: str, ours: str) -> tuple[Rule, Rule]:
    return conv_norm(f"{theirs}.conv", f"{theirs}.bn", ours)


_MODULES = {
    "branch1": "one", "branch2.0": "three.reduce", "branch2.1": "three.conv",
    "branch3.0": "five.reduce", "branch3.1": "five.conv", "branch4.1": "pool.conv",
}  # fmt: skip
_TRUNK: tuple[Rule, ...] = (
    *_pair("conv{i}", "stem.conv{i}"),
    *(
        rule
        for s, count in enumerate((2, 5, 2))
        for b in range(count)
        for theirs, ours in _MODULES.items()
        for rule in _pair(f"inception{s + 3}{'abcde'[b]}.{theirs}", f"stages.{s}.{b + 1}.{ours}")
    ),
    ("fc.*", "head.fc.*"),
)
_AUXILIARY: tuple[Rule, ...] = tuple(
    rule
    for aux, position in (("aux1", "1_1"), ("aux2", "1_4"))
    for rule in (
        *_pair(f"{aux}.conv", f"auxiliary.{position}.conv"),
        (f"{aux}.fc1.*", f"auxiliary.{position}.fc1.*"),
        (f"{aux}.fc2.*", f"auxiliary.{position}.fc.*"),
    )
)
GOOGLENET = KeyMap("torchvision", (*_TRUNK, ("aux{i}.*", None)))
"""The published file holds auxiliary heads, which were not trained: they are left out."""
GOOGLENET_AUXILIARY = KeyMap("torchvision", (*_TRUNK, *_AUXILIARY))

_STEM = {"1a_3x3": "conv1", "2a_3x3": "conv2", "2b_3x3": "conv3", "3b_1x1": "conv4", "4a_3x3": "conv5"}
_GRID35 = {
    "branch1x1": "one", "branch5x5_{c}": "five.conv{c}", "branch3x3dbl_{c}": "twice.conv{c}", "branch_pool": "pool.conv",
}  # fmt: skip
_SHRINK35 = {"branch3x3": "three", "branch3x3dbl_{c}": "twice.conv{c}"}
_GRID17 = {
    "branch1x1": "one", "branch7x7_{c}": "seven.conv{c}", "branch7x7dbl_{c}": "twice.conv{c}", "branch_pool": "pool.conv",
}  # fmt: skip
_SHRINK17 = {"branch3x3_{c}": "three.conv{c}", "branch7x7x3_{c}": "seven.conv{c}"}
_GRID8 = {
    "branch1x1": "one", "branch3x3_2a": "three.split.wide", "branch3x3_2b": "three.split.tall", "branch3x3_{c}": "three.conv{c}",
    "branch3x3dbl_3a": "twice.split.wide", "branch3x3dbl_3b": "twice.split.tall", "branch3x3dbl_{c}": "twice.conv{c}",
    "branch_pool": "pool.conv",
}  # fmt: skip
_GRIDS = {
    "5b": ("0.0", _GRID35), "5c": ("0.1", _GRID35), "5d": ("0.2", _GRID35), "6a": ("1.0", _SHRINK35),
    "6b": ("1.1", _GRID17), "6c": ("1.2", _GRID17), "6d": ("1.3", _GRID17), "6e": ("1.4", _GRID17),
    "7a": ("2.0", _SHRINK17), "7b": ("2.1", _GRID8), "7c": ("2.2", _GRID8),
}  # fmt: skip
_V3: tuple[Rule, ...] = (
    *(rule for theirs, ours in _STEM.items() for rule in _pair(f"Conv2d_{theirs}", f"stem.{ours}")),
    *(
        rule
        for name, (position, branches) in _GRIDS.items()
        for theirs, ours in branches.items()
        for rule in _pair(f"Mixed_{name}.{theirs}", f"stages.{position}.{ours}")
    ),
    *_pair("AuxLogits.conv{i}", "auxiliary.1_4.conv{i}"),
    ("AuxLogits.fc.*", "auxiliary.1_4.fc.*"),
    ("fc.*", "head.fc.*"),
)
INCEPTION_V3 = KeyMap("torchvision", _V3)
INCEPTION_V3_TIMM = KeyMap("timm", _V3)
