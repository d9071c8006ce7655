"""Names of ResNet's parameters, and of its relatives', in other libraries."""

from receptron.weights.keymap import KeyMap, Rule, conv_norm

_BLOCKS: tuple[Rule, ...] = (
    *conv_norm("layer{s}.{b}.conv{c}", "layer{s}.{b}.bn{c}", "stages.{s-1}.{b}.body.conv{c}"),
    ("layer{s}.{b}.se.fc1.*", "stages.{s-1}.{b}.body.attention.gate.squeeze.*"),
    ("layer{s}.{b}.se.fc2.*", "stages.{s-1}.{b}.body.attention.gate.excite.*"),
    ("fc.*", "head.fc.*"),
)
_DOWN = conv_norm("layer{s}.{b}.downsample.0", "layer{s}.{b}.downsample.1", "stages.{s-1}.{b}.shortcut")
_POOLED_DOWN = conv_norm("layer{s}.{b}.downsample.1", "layer{s}.{b}.downsample.2", "stages.{s-1}.{b}.shortcut")
_STEM = conv_norm("conv1", "bn1", "stem.conv1")
_DEEP_STEM = (
    *conv_norm("conv1.0", "conv1.1", "stem.conv1"),
    *conv_norm("conv1.3", "conv1.4", "stem.conv2"),
    *conv_norm("conv1.6", "bn1", "stem.conv3"),
)

TORCHVISION = KeyMap("torchvision", (*_STEM, *_DOWN, *_BLOCKS))
TIMM = KeyMap("timm", (*_STEM, *_DOWN, *_BLOCKS))
TIMM_D = KeyMap("timm", (*_DEEP_STEM, *_POOLED_DOWN, *_BLOCKS))
AKAMASTER = KeyMap(
    "akamaster",
    (*conv_norm("conv1", "bn1", "stem"), ("linear.*", "head.fc.*"), *_BLOCKS),
)
"""CIFAR ResNets of github.com/akamaster/pytorch_resnet_cifar10."""
