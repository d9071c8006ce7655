"""Lessons that nets of the zoo decide."""

from torch import nn

from receptron.tutor.figures import zoo_facts as zoo
from receptron.tutor.figures.figures import net_parameters, times, year
from receptron.tutor.lessons.lesson import Fault, Lesson
from receptron.zoo.papers import PAPERS

HISTORY = ("lenet", "alexnet", "vgg", "googlenet", "resnet", "efficientnet", "convnext")


def _ratio(larger: str, smaller: str) -> float:
    return zoo.parameters_of(larger) / zoo.parameters_of(smaller)


def gate_work() -> int:
    """Multiply-accumulates of all gates of SE-ResNet-50."""
    return zoo.macs_of("se_resnet50") - zoo.macs_of("resnet50")


def convs(name: str) -> list[nn.Conv2d]:
    """Convolutions of a net, in order."""
    return [module for module in zoo.inside(name, nn.Conv2d) if isinstance(module, nn.Conv2d)]


def projections(name: str) -> int:
    """Shortcuts of a net that are convolutions."""
    return sum(1 for path, module in zoo.shape_of(name).named_modules() if path.endswith("shortcut.conv") and isinstance(module, nn.Conv2d))


def saturated_grey() -> tuple[float, float, float]:
    """A grey pixel after its saturation is doubled: each channel moves away from a mean that it already has."""
    grey = (0.4, 0.4, 0.4)
    mean = sum(grey) / 3
    red, green, blue = (mean + 2 * (channel - mean) for channel in grey)
    return red, green, blue


LESSONS = (
    Lesson(
        "googlenet-size",
        Fault.DISPUTED,
        "architectures",
        "GoogLeNet has 5 M parameters; others say 6.8 M, 12 times fewer than VGG.",
        "Twelve is the paper's own factor against AlexNet (60 M over 5 M). The rows of its Table 1 add up to "
        "6.8 M, and the net has {} parameters "
        "without auxiliary heads: {} times fewer than AlexNet, {} times fewer than VGG-16.",
        (net_parameters("googlenet"), times("alexnet_2012", "googlenet"), times("vgg16", "googlenet")),
        lambda: 20 < _ratio("vgg16", "googlenet") < 22 and _ratio("alexnet_2012", "googlenet") < 12,
        "Szegedy et al. 2015, arXiv:1409.4842, section 1 and Table 1",
    ),
    Lesson(
        "mobilenet-thirtieth",
        Fault.WRONG,
        "separable",
        "MobileNet V1 reached AlexNet's accuracy with a thirtieth of the parameters.",
        "The full MobileNet has {} parameters, {} times fewer than AlexNet's {}, and is 13 points better. At "
        "half width and 160 pixels the paper's "
        "table has it 3 points above AlexNet with 45 times fewer: {} times by our count. No row of the table gives 30.",
        (
            net_parameters("mobilenet_v1"),
            times("alexnet_2012", "mobilenet_v1"),
            net_parameters("alexnet_2012"),
            times("alexnet_2012", "mobilenet_v1_050"),
        ),
        lambda: _ratio("alexnet_2012", "mobilenet_v1") < 15 and 44 < _ratio("alexnet_2012", "mobilenet_v1_050") < 47,
        "Howard et al. 2017, arXiv:1704.04861, Tables 8 and 9",
    ),
    Lesson(
        "identity-path-is-not-clean",
        Fault.LOOSE,
        "skip-connections",
        "The gradient reaches every layer of a ResNet through I^N = I.",
        "In the ResNet of 2015 a ReLU follows every sum and {} shortcuts of ResNet-50 are 1x1 projections "
        "with a norm, so the path is no identity "
        "there. ResNet V2 ({}) moved norm and ReLU into the branch for this reason.",
        (lambda: str(projections("resnet50")), year("resnet_v2")),
        lambda: projections("resnet50") == 4,
        "He et al. 2016, Identity Mappings in Deep Residual Networks, arXiv:1603.05027, section 2",
    ),
    Lesson(
        "not-all-separable",
        Fault.LOOSE,
        "separable",
        "In MobileNet all convolutions are depthwise separable.",
        "All but the first: a full 3x3 from 3 to {} channels. The paper says so too.",
        (lambda: str(convs("mobilenet_v1")[0].out_channels),),
        lambda: convs("mobilenet_v1")[0].groups == 1 and convs("mobilenet_v1")[0].kernel_size == (3, 3),
        "Howard et al. 2017, arXiv:1704.04861, section 3.2",
    ),
    Lesson(
        "who-introduced-separable",
        Fault.LOOSE,
        "separable",
        "MobileNet (2017) introduced depthwise separable convolutions.",
        "It made nets of them for telephones. Xception ({}) came before MobileNet ({}), and both name Sifre's thesis of 2014.",
        (year("xception"), year("mobilenet_v1")),
        lambda: PAPERS["xception"].year < PAPERS["mobilenet_v1"].year,
        "Sifre 2014, Rigid-Motion Scattering for Image Classification, thesis; Chollet 2017, arXiv:1610.02357, section 2",
    ),
    Lesson(
        "convnext-separates-too",
        Fault.LOOSE,
        "separable",
        "ConvNeXt uses depthwise but not separable convolutions.",
        "Its block is a depthwise 7x7 ({} groups in the first stage) followed by two 1x1: space and channels "
        "are handled apart, which is what separable means. "
        "Only a norm stands between.",
        (lambda: str(max(conv.groups for conv in convs("convnext_tiny")[:2])),),
        lambda: any(conv.groups == conv.in_channels > 1 and conv.kernel_size == (7, 7) for conv in convs("convnext_tiny")),
        "Liu et al. 2022, arXiv:2201.03545, section 2.3",
    ),
    Lesson(
        "cost-of-attention",
        Fault.WRONG,
        "receptive-field",
        "Attention (SENet, CBAM) and self-attention see everything at O(n²) cost.",
        "Quadratic is self-attention alone. A squeeze-and-excitation gate averages each channel once: all gates of SE-ResNet-50 add {} "
        "multiply-accumulates to {}, less than a tenth of a per cent.",
        (lambda: f"{gate_work():,}", lambda: f"{zoo.macs_of('resnet50'):,}"),
        lambda: 0 < gate_work() < 0.001 * zoo.macs_of("resnet50"),
        "Hu et al. 2018, arXiv:1709.01507, section 4",
    ),
    Lesson(
        "resnet-d-still-pools",
        Fault.LOOSE,
        "pooling",
        "ResNet-D and ConvNeXt replaced pooling by strided convolutions, older ResNets pool.",
        "ResNet-50-D still has {} max pooling in its stem and even adds {} average poolings on its "
        "shortcuts; and every ResNet downsamples between "
        "stages by strided convolutions.",
        (lambda: str(len(zoo.inside("resnet50d", nn.MaxPool2d))), lambda: str(len(zoo.inside("resnet50d", nn.AvgPool2d)))),
        lambda: len(zoo.inside("resnet50d", nn.MaxPool2d)) == 1 and len(zoo.inside("resnet50d", nn.AvgPool2d)) == 3,
        "He et al. 2019, Bag of Tricks, arXiv:1812.01187, Fig. 2",
    ),
    Lesson(
        "eight-architectures",
        Fault.WRONG,
        "architectures",
        "There are 8 key architectures, in order from LeNet to ConvNeXt.",
        "The usual history tells of {}, from LeNet ({}) to ConvNeXt ({}). Add MobileNet ({}) and there are eight.",
        (lambda: str(len(HISTORY)), year("lenet"), year("convnext"), year("mobilenet_v1")),
        lambda: len(HISTORY) == 7 and [PAPERS[key].year for key in HISTORY] == sorted(PAPERS[key].year for key in HISTORY),
    ),
    Lesson(
        "dense-within-blocks",
        Fault.LOOSE,
        "architectures",
        "In DenseNet every layer receives the maps of all layers before it.",
        "Of its own dense block. Between the {} blocks a transition layer halves channels and size, so that "
        "maps could not be joined across.",
        (lambda: str(len(zoo.inside("densenet121", nn.AvgPool2d)) + 1),),
        lambda: len(zoo.inside("densenet121", nn.AvgPool2d)) == 3,
        "Huang et al. 2017, arXiv:1608.06993, Fig. 2",
    ),
    Lesson(
        "vgg-only-3x3",
        Fault.LOOSE,
        "architectures",
        "VGG uses 3x3 convolutions exclusively.",
        "VGG-16 (configuration D) and VGG-19 do: all {} windows of VGG-16 are 3x3. The paper's configuration C has three 1x1.",
        (lambda: str(len(convs("vgg16"))),),
        lambda: all(conv.kernel_size == (3, 3) for conv in convs("vgg16")),
        "Simonyan and Zisserman 2015, arXiv:1409.1556, Table 1",
    ),
    Lesson(
        "flip-x-ray",
        Fault.LOOSE,
        "transfer",
        "For chest X-rays, flip horizontally and jitter the colours.",
        "A mirrored chest has its heart on the right, which is a disease of its own: leave the flip out "
        "where side matters. And a grey picture copied "
        "to three channels has no colour to jitter: doubling the saturation leaves {}; brightness and contrast are what is left.",
        (lambda: " ".join(f"{channel:.1f}" for channel in saturated_grey()),),
        lambda: all(abs(channel - 0.4) < 1e-12 for channel in saturated_grey()),
        "Garcea et al. 2023, Data augmentation for medical imaging, Comput. Biol. Med. 152:106391",
    ),
)
