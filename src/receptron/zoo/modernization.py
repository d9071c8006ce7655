"""From ResNet-50 to ConvNeXt-T, one change at a time. Liu et al. 2022, "A ConvNet for the 2020s", arXiv:2201.03545, Fig. 2, Section 2."""

from dataclasses import dataclass, replace
from functools import partial

from torch import nn

from receptron.blocks.chain import chain, repeat
from receptron.blocks.classifier import Classifier, linear_head
from receptron.blocks.conv import relu
from receptron.blocks.norm import ChannelNorm
from receptron.blocks.residual import Residual
from receptron.zoo.convnext import convnext_head, down


@dataclass(frozen=True)
class ModernizationStep:
    """The network at one step; `top1` is the paper's ImageNet accuracy in per cent."""

    change: str
    top1: float
    depths: tuple[int, int, int, int] = (3, 4, 6, 3)
    patches: bool = False
    depthwise: bool = False
    width: int = 64
    inverted: bool = False
    spatial_first: bool = False
    kernel: int = 3
    gelu: bool = False
    few_acts: bool = False
    few_norms: bool = False
    layer_norm: bool = False
    separate_down: bool = False


START = ModernizationStep("ResNet-50, trained for 300 epochs with modern augmentation", 78.8)
CHANGES: tuple[tuple[str, float, dict[str, object]], ...] = (
    ("blocks per stage 3:4:6:3 become 3:3:9:3, as in Swin-T", 79.4, {"depths": (3, 3, 9, 3)}),
    ("the stem cuts patches of 4x4", 79.5, {"patches": True}),
    ("the 3x3 convolution becomes depthwise", 78.3, {"depthwise": True}),
    ("width 64 becomes 96", 80.5, {"width": 96}),
    ("the bottleneck is inverted: wide inside, narrow outside", 80.6, {"inverted": True}),
    ("the depthwise convolution moves to the front", 79.9, {"spatial_first": True}),
    ("its kernel grows to 7x7", 80.6, {"kernel": 7}),
    ("ReLU becomes GELU", 80.6, {"gelu": True}),
    ("one activation per block", 81.3, {"few_acts": True}),
    ("one norm per block", 81.4, {"few_norms": True}),
    ("BatchNorm becomes LayerNorm", 81.5, {"layer_norm": True}),
    ("separate layers shrink the map, with norms: ConvNeXt-T but for its layer scale", 82.0, {"separate_down": True}),
)


def modernization_steps() -> tuple[ModernizationStep, ...]:
    """ResNet-50 and the network after each of the twelve changes."""
    steps = [START]
    for change, top1, settings in CHANGES:
        steps.append(replace(steps[-1], change=change, top1=top1, **settings))  # pyright: ignore[reportArgumentType]  (a table of fields)
    return tuple(steps)


TABLE = {f"convnext_ladder_{i:02d}": step for i, step in enumerate(modernization_steps())}


def modernized_resnet(name: str, classes: int = 1000) -> Classifier:
    """(N, 3, H, W) -> (N, classes): the network after step `name`."""
    step = TABLE[name]
    outer = [step.width * 2**i * (1 if step.inverted else 4) for i in range(4)]
    stages = list[nn.Module]()
    for i, (depth, c_out) in enumerate(zip(step.depths, outer, strict=True)):
        c_in = outer[i - 1] if i else step.width
        if step.separate_down:
            blocks = repeat(partial(block, step=step), c_out, c_out, depth)
            stages.append(chain(down=down(c_in, c_out) if i else None, blocks=blocks))
        else:
            stages.append(repeat(partial(block, step=step), c_in, c_out, depth, stride=2 if i else 1))
    head = convnext_head(outer[-1], classes) if step.separate_down else linear_head(outer[-1], classes)
    return Classifier(stem(step, step.width), stages, head)


def stem(step: ModernizationStep, width: int) -> nn.Module:
    """ResNet's 7x7 and pool, or 4x4 patches; ConvNeXt's own has no activation."""
    if not step.patches:
        pool = nn.MaxPool2d(3, 2, padding=1)
        return chain(conv=nn.Conv2d(3, width, 7, 2, padding=3, bias=False), norm=norm(step)(width), act=relu(), pool=pool)
    act = None if step.few_acts else activation(step)
    return chain(conv=nn.Conv2d(3, width, 4, 4, bias=step.layer_norm), norm=norm(step)(width), act=act)


def block(c_in: int, c_out: int, stride: int, *, step: ModernizationStep) -> Residual:
    """Three convolutions and a shortcut: (N, c_in, H, W) -> (N, c_out, H/stride, W/stride)."""
    mid = c_out * 4 if step.inverted else c_out // 4
    spatial = c_in if step.spatial_first else mid
    groups = spatial if step.depthwise else 1
    filters = (spatial, spatial, step.kernel, stride, groups)
    shapes = (
        [filters, (c_in, mid, 1, 1, 1), (mid, c_out, 1, 1, 1)]
        if step.spatial_first
        else [(c_in, mid, 1, 1, 1), filters, (mid, c_out, 1, 1, 1)]
    )
    normed = {0} if step.few_norms else {0, 1, 2}
    active = {1} if step.few_acts else {0, 1}
    parts: dict[str, nn.Module | None] = {}
    for i, (a, b, kernel, by, groups) in enumerate(shapes):
        plain = i not in normed or step.layer_norm
        parts[f"conv{i + 1}"] = nn.Conv2d(a, b, kernel, by, padding=kernel // 2, groups=groups, bias=plain)
        parts[f"norm{i + 1}"] = norm(step)(b) if i in normed else None
        parts[f"act{i + 1}"] = activation(step) if i in active else None
    return Residual(chain(**parts), shortcut(c_in, c_out, stride, step), None if step.few_acts else activation(step))


def shortcut(c_in: int, c_out: int, stride: int, step: ModernizationStep) -> nn.Module | None:
    """ResNet's projection where the shape changes."""
    if stride == 1 and c_in == c_out:
        return None
    return chain(conv=nn.Conv2d(c_in, c_out, 1, stride, bias=step.layer_norm), norm=norm(step)(c_out))


def norm(step: ModernizationStep) -> type[nn.Module]:
    """The norm of this step, made from a number of channels."""
    return ChannelNorm if step.layer_norm else nn.BatchNorm2d


def activation(step: ModernizationStep) -> nn.Module:
    """The activation of this step."""
    return nn.GELU() if step.gelu else relu()
