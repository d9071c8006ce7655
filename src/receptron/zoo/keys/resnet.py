"""Names of ResNet's parameters, and of its relatives', in other libraries."""

from receptron.weights.keymap import KeyMap, Rule, conv_norm

_GATES: tuple[Rule, ...] = tuple(
    (f"layer{{s}}.{{b}}.{se}.{theirs}.*", f"stages.{{s-1}}.{{b}}.body.attention.gate.{ours}.*")
    for se in ("se", "se_module")
    for theirs, ours in (("fc1", "squeeze"), ("fc2", "excite"))
)
_BLOCKS: tuple[Rule, ...] = (*conv_norm("layer{s}.{b}.conv{c}", "layer{s}.{b}.bn{c}", "stages.{s-1}.{b}.body.conv{c}"), *_GATES)
_DOWN = conv_norm("layer{s}.{b}.downsample.0", "layer{s}.{b}.downsample.1", "stages.{s-1}.{b}.shortcut")
_POOLED_DOWN = conv_norm("layer{s}.{b}.downsample.1", "layer{s}.{b}.downsample.2", "stages.{s-1}.{b}.shortcut")
_STEM = conv_norm("conv1", "bn1", "stem.conv1")
_DEEP_STEM = (
    *conv_norm("conv1.0", "conv1.1", "stem.conv1"),
    *conv_norm("conv1.3", "conv1.4", "stem.conv2"),
    *conv_norm("conv1.6", "bn1", "stem.conv3"),
)
_FC: Rule = ("fc.*", "head.fc.*")

TORCHVISION = KeyMap("torchvision", (*_STEM, *_DOWN, *_BLOCKS, _FC))
TIMM = KeyMap("timm", (*_STEM, *_DOWN, *_BLOCKS, _FC))
TIMM_D = KeyMap("timm", (*_DEEP_STEM, *_POOLED_DOWN, *_BLOCKS, _FC))
TIMM_LEGACY = KeyMap(
    "timm", (*conv_norm("layer0.conv{c}", "layer0.bn{c}", "stem.conv{c}"), *_DOWN, *_BLOCKS, ("last_linear.*", "head.fc.*"))
)
"""The SE networks that Cadene ported from the authors' Caffe files."""
AKAMASTER = KeyMap("akamaster", (*conv_norm("conv1", "bn1", "stem"), ("linear.*", "head.fc.*"), *_BLOCKS))
"""CIFAR ResNets of github.com/akamaster/pytorch_resnet_cifar10."""
DEEPLAB = KeyMap(
    "torchvision",
    (
        *((f"backbone.{theirs}", ours) for theirs, ours in (*_STEM, *_DOWN, *_BLOCKS)),
        *conv_norm("classifier.0.convs.0.0", "classifier.0.convs.0.1", "head.aspp.branches.pixel"),
        *(
            rule
            for i, rate in enumerate((12, 24, 36), 1)
            for rule in conv_norm(f"classifier.0.convs.{i}.0", f"classifier.0.convs.{i}.1", f"head.aspp.branches.rate{rate}")
        ),
        *conv_norm("classifier.0.convs.4.1", "classifier.0.convs.4.2", "head.aspp.branches.image.conv"),
        *conv_norm("classifier.0.project.0", "classifier.0.project.1", "head.aspp.mix"),
        *conv_norm("classifier.1", "classifier.2", "head.conv"),
        ("classifier.4.*", "head.fc.*"),
        ("aux_classifier.*", None),
    ),
)
V2 = KeyMap(
    "timm",
    (
        ("stem.conv.*", "stem.conv.*"),
        ("stages.{s}.blocks.{b}.downsample.conv.*", "stages.{s}.{b}.shortcut.*"),
        ("stages.{s}.blocks.{b}.norm1.*", "stages.{s}.{b}.first.norm.*"),
        ("stages.{s}.blocks.{b}.conv1.*", "stages.{s}.{b}.body.conv1.*"),
        *conv_norm("stages.{s}.blocks.{b}.conv{c}", "stages.{s}.blocks.{b}.norm{c}", "stages.{s}.{b}.body.conv{c}"),
        ("norm.*", "head.norm.*"),
        ("head.fc.*", "head.fc.*"),
    ),
)
