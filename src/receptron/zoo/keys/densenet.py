"""Names of DenseNet's parameters, on which torchvision and timm agree, and of Xception's in timm."""

from receptron.weights.keymap import KeyMap, Rule, conv_norm

_LAYER = "features.denseblock{s}.denselayer{l}"
_DENSE: tuple[Rule, ...] = (
    *conv_norm("features.conv0", "features.norm0", "stem"),
    *conv_norm(f"{_LAYER}.conv1", f"{_LAYER}.norm1", "stages.{s-1}.layers.{l-1}.new.squeeze"),
    *conv_norm(f"{_LAYER}.conv2", f"{_LAYER}.norm2", "stages.{s-1}.layers.{l-1}.new.grow"),
    *conv_norm(f"{_LAYER}.conv.1", f"{_LAYER}.norm.1", "stages.{s-1}.layers.{l-1}.new.squeeze"),  # torchvision's files from before 0.3
    *conv_norm(f"{_LAYER}.conv.2", f"{_LAYER}.norm.2", "stages.{s-1}.layers.{l-1}.new.grow"),
    *conv_norm("features.transition{s}.conv", "features.transition{s}.norm", "stages.{s}.down.mix"),
    ("features.norm5.*", "head.norm.*"),
    ("classifier.*", "head.fc.*"),
)
TORCHVISION, TIMM = KeyMap("torchvision", _DENSE), KeyMap("timm", _DENSE)


def _separable(theirs: str, norm: str, ours: str) -> tuple[Rule, ...]:
    return (f"{theirs}.conv1.*", f"{ours}.depthwise.*"), *conv_norm(f"{theirs}.pointwise", norm, f"{ours}.pointwise")


def _block(theirs: str, ours: str, *, first: int = 1, depth: int = 2) -> list[Rule]:
    """`first` is 1 where a ReLU leads the numbered list, 0 where none does."""
    rules: list[Rule] = [*conv_norm(f"{theirs}.skip", f"{theirs}.skipbn", f"{ours}.shortcut")]
    for i in range(depth):
        at = first + 3 * i
        rules += _separable(f"{theirs}.rep.{at}", f"{theirs}.rep.{at + 1}", f"{ours}.body.sep{i + 1}")
    return rules


XCEPTION = KeyMap(
    "timm",
    (
        *conv_norm("conv1", "bn1", "stem.conv1"),
        *conv_norm("conv2", "bn2", "stem.conv2"),
        *_block("block1", "stages.0", first=0),
        *_block("block2", "stages.1"),
        *_block("block3", "stages.2"),
        *(rule for b in range(8) for rule in _block(f"block{4 + b}", f"stages.3.{b}", depth=3)),
        *_block("block12", "stages.4.0"),
        *_separable("conv3", "bn3", "stages.4.1.sep1"),
        *_separable("conv4", "bn4", "stages.4.1.sep2"),
        ("fc.*", "head.fc.*"),
    ),
)
