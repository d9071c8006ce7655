"""The table of nets: each name of the zoo, how it is built, and what images it was made for."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from receptron.blocks.classifier import Classifier
from receptron.blocks.norm import set_epsilon, set_momentum
from receptron.blocks.same import pad_like_tensorflow
from receptron.zoo import (
    alexnet,
    cifar_resnet,
    convnext,
    deeplab,
    densenet,
    efficientnet,
    efficientnet_lite,
    efficientnet_v2,
    googlenet,
    inception_v3,
    lenet,
    mobilenet_v1,
    mobilenet_v2,
    mobilenet_v3,
    mobilenet_v4,
    modernization,
    prototypical,
    regnet,
    repvgg,
    resnet,
    resnet_v2,
    senet,
    siamese,
    squeezenet,
    swin,
    unet,
    vgg,
    vit,
    xception,
)


@dataclass(frozen=True)
class Net:
    """How one name is built, and what images it was made for; classes and channels are as published.

    Attributes:
        make: Takes the number of classes.
        paper: Key of its row in `papers.PAPERS`.
        pixels: px of the side of the images that its paper or its release used.
        least: px of the smallest side that it can take.
        channels: Channels of an image.
        classes: Classes it tells apart.

    Example:
        >>> ZOO["lenet5"].pixels, ZOO["lenet5"].channels, ZOO["lenet5"].classes
        (28, 1, 10)
    """

    make: Callable[[int], Classifier]
    paper: str
    pixels: int = 224
    least: int = 32
    channels: int = 3
    classes: int = 1000


def family(
    make: Callable[[str, int], Classifier],
    names: Iterable[str],
    paper: str,
    *,
    sizes: Mapping[str, int] | None = None,
    least: Mapping[str, int] | None = None,
) -> dict[str, Net]:
    """Rows for a builder that takes a name; `sizes` and `least` for the nets that do not take 224 and 32 pixels."""
    return {name: Net(partial(make, name), paper, (sizes or {}).get(name, 224), (least or {}).get(name, 32)) for name in names}


def changed(net: Net, *changes: Callable[[Classifier], object]) -> Net:
    """The same net with `changes` applied from outside once it is built."""

    def make(classes: int) -> Classifier:
        built = net.make(classes)
        for change in changes:
            change(built)
        return built

    return Net(make, net.paper, net.pixels, net.least, net.channels, net.classes)


def paper_of(name: str) -> str:
    """Which of the papers in resnet.py brought `name`."""
    marks = {"resnext": "resnext", "wide_": "wide_resnet", "se_": "senet", "cbam_": "cbam"}
    own = "resnet_d" if name.removesuffix("_plain").endswith("d") and name.startswith("resnet") else "resnet"
    return next((paper for mark, paper in marks.items() if name.startswith(mark)), own)


timms_momentum = partial(set_momentum, momentum=0.1)  # torchvision takes 0.01 for MobileNetV3 and the largest EfficientNets
EFFICIENTNETS = family(
    efficientnet.efficientnet, efficientnet.TABLE, "efficientnet", sizes={name: row.pixels for name, row in efficientnet.TABLE.items()}
)
LITES = family(
    efficientnet_lite.efficientnet_lite,
    efficientnet_lite.TABLE,
    "efficientnet_lite",
    sizes={name: row[2] for name, row in efficientnet_lite.TABLE.items()},
)
V2_SIZES = {"efficientnet_v2_s": 384, "efficientnet_v2_m": 480, "efficientnet_v2_l": 480}
EFFICIENTNETS_V2 = family(efficientnet_v2.efficientnet_v2, efficientnet_v2.TABLE, "efficientnet_v2", sizes=V2_SIZES)
MOBILENETS_V3 = family(mobilenet_v3.mobilenet_v3, mobilenet_v3.TABLE, "mobilenet_v3")
MOBILENET_V2 = Net(mobilenet_v2.mobilenet_v2, "mobilenet_v2")
VGGS = [f"{name}{tail}" for name in vgg.TABLE for tail in ("", "_bn")]
CIFAR = {
    name: Net(partial(cifar_resnet.cifar_resnet, name), "resnet", 32, 4, classes=10) for name in (*cifar_resnet.TABLE, *cifar_resnet.PLAIN)
}

ZOO: dict[str, Net] = {
    "lenet5": Net(lenet.lenet5, "lenet", 28, 12, channels=1, classes=10),
    "lenet5_1998": Net(lenet.lenet5_1998, "lenet", 32, 16, channels=1, classes=10),
    "alexnet": Net(alexnet.alexnet, "alexnet", least=63),
    "alexnet_2012": Net(alexnet.alexnet_2012, "alexnet", least=63),
    **family(vgg.vgg, VGGS, "vgg"),
    "googlenet": Net(googlenet.googlenet, "googlenet"),
    "googlenet_auxiliary": Net(googlenet.googlenet_auxiliary, "googlenet"),
    "googlenet_2014": Net(googlenet.googlenet_2014, "googlenet"),
    "inception_v3": Net(inception_v3.inception_v3, "inception_v3", 299, 75),
    **{name: Net(partial(resnet.resnet, name), paper_of(name)) for name in resnet.TABLE},
    **CIFAR,
    **family(resnet_v2.resnet_v2, (*resnet_v2.TABLE, *resnet_v2.PLAIN), "resnet_v2"),
    **family(densenet.densenet, densenet.TABLE, "densenet"),
    "senet154": Net(senet.senet154, "senet"),
    **family(mobilenet_v1.mobilenet_v1, mobilenet_v1.WIDTHS, "mobilenet_v1"),
    "mobilenet_v2": MOBILENET_V2,
    "mobilenet_v2_tf": changed(MOBILENET_V2, pad_like_tensorflow),
    **MOBILENETS_V3,
    **{f"{name}_tf": changed(net, pad_like_tensorflow, timms_momentum) for name, net in MOBILENETS_V3.items()},
    **{f"{name}_timm": changed(net, partial(set_epsilon, epsilon=1e-5), timms_momentum) for name, net in MOBILENETS_V3.items()},
    "xception": Net(xception.xception, "xception", 299),
    **family(squeezenet.squeezenet, squeezenet.TABLE, "squeezenet", least={"squeezenet1_0": 21, "squeezenet1_1": 17}),
    **EFFICIENTNETS,
    **{
        f"{name}_tf": changed(net, pad_like_tensorflow, partial(set_epsilon, epsilon=1e-3), timms_momentum)
        for name, net in EFFICIENTNETS.items()
    },
    "efficientnet_b5_timm": changed(EFFICIENTNETS["efficientnet_b5"], partial(set_epsilon, epsilon=1e-5), timms_momentum),
    **{name: changed(net, pad_like_tensorflow) for name, net in LITES.items()},
    "efficientnet_lite0_timm": changed(LITES["efficientnet_lite0"], partial(set_epsilon, epsilon=1e-5)),
    **EFFICIENTNETS_V2,
    **{f"{name}_tf": changed(net, pad_like_tensorflow) for name, net in EFFICIENTNETS_V2.items()},
    **family(convnext.convnext, convnext.TABLE, "convnext"),
    **family(convnext.convnext, convnext.V2, "convnext_v2", sizes={"convnext_v2_huge": 384}),
    **family(modernization.modernized_resnet, modernization.TABLE, "convnext"),
    **family(vit.vit, vit.TABLE, "vit", least={name: row.patch for name, row in vit.TABLE.items()}),
    **family(regnet.regnet, regnet.NAMES, "regnet", sizes={f"regnet_y_{size}gf": 384 for size in (64, 128, 256)}),
    **family(repvgg.repvgg, repvgg.TABLE, "repvgg", sizes={"repvgg_d2se": 320}),
    **family(swin.swin, swin.TABLE, "swin", sizes={name: row.pixels for name, row in swin.TABLE.items()}),
    **family(
        mobilenet_v4.mobilenet_v4, mobilenet_v4.TABLE, "mobilenet_v4", sizes={name: row.pixels for name, row in mobilenet_v4.TABLE.items()}
    ),
    "unet": Net(unet.unet, "unet", 512, 16, channels=1, classes=2),
    "unet_2015": Net(unet.unet_2015, "unet", 572, 188, channels=1, classes=2),
    **{name: Net(net.make, "deeplab", 513, classes=21) for name, net in family(deeplab.deeplabv3, deeplab.TABLE, "deeplab").items()},
    "conv4": Net(prototypical.conv4, "prototypical", 28, 16, channels=1, classes=64),
    "koch": Net(siamese.koch, "siamese", 105, 65, channels=1, classes=964),
}  # fmt: skip
