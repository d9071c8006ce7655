"""DeepLabv3. Chen et al. 2017, "Rethinking Atrous Convolution for Semantic Image Segmentation", arXiv:1706.05587, Fig. 5 and Section 4."""

from torch import Tensor, nn
from torch.nn.functional import interpolate

from receptron.blocks.aspp import aspp
from receptron.blocks.chain import chain
from receptron.blocks.classifier import Classifier
from receptron.blocks.conv import conv
from receptron.blocks.dilation import dilate
from receptron.errors import BadValue
from receptron.records import short
from receptron.zoo.on_encoder import check_count, head_beside, probed
from receptron.zoo.resnet import resnet

RATES = (6, 12, 18)  # of the pyramid at an output stride of 16, doubled where that is halved (Section 4)
TABLE = {f"deeplabv3_resnet{n}{tail}": (f"resnet{n}", s) for n in (50, 101) for tail, s in (("", 8), ("_os16", 16))}


class DeepLab(Classifier):
    """A classifier of pixels: (N, C, H, W) -> (N, classes, H, W), from maps at 1/8 or 1/16 of the image."""

    def forward(self, x: Tensor) -> Tensor:
        return interpolate(self.head(self.features(x)), size=x.shape[-2:], mode="bilinear", align_corners=False)


def deeplab_on(encoder: Classifier, width: int | None = None, classes: int = 21, output_stride: int = 16) -> DeepLab:
    """DeepLabv3 on a classifier, whose strides are traded for dilation in place.

    Args:
        encoder: A classifier of the zoo that makes maps.
        width: Channels of its last map; None: found by a probe.
        classes: Classes of a pixel.
        output_stride: px of the image for each position of the last map: 8 or 16 in the paper, or another that the encoder has.

    Returns:
        (N, C, H, W) -> (N, classes, H, W).

    Raises:
        BadValue: For a stride that the encoder does not have on its way, a width that is not its own, and a network of tokens; the
            encoder is as it was.

    Source: Chen et al. 2017, Rethinking Atrous Convolution for Semantic Image Segmentation, arXiv:1706.05587, Fig. 5 and section 4.

    Example:
        >>> import torch
        >>> net = deeplab_on(resnet("resnet18"), classes=2).eval()
        >>> tuple(net(torch.zeros(1, 3, 65, 65)).shape)
        (1, 2, 65, 65)
    """
    check_count("classes", classes)
    check_count("output_stride", output_stride)
    found = _width(encoder, width)
    dilate(encoder, output_stride)
    rates = tuple(max(1, rate * 16 // output_stride) for rate in RATES)
    head = chain(aspp=aspp(found, 256, rates), conv=conv(256, 256), fc=nn.Conv2d(256, classes, 1))
    net = DeepLab(encoder.stem, list(encoder.stages), head_beside(encoder, head))
    net.name, net.min_pixels, net.input = f"deeplabv3_{encoder.name}", encoder.min_pixels, encoder.input
    return net


def _width(encoder: Classifier, said: int | None) -> int:
    """Channels of the encoder's last map. Raises: BadValue where another number was said."""
    name = encoder.name or "this network"
    if encoder.patch:
        raise BadValue(f"{name} makes tokens, not maps.", why="it has no strides to trade for dilation", mend="take a convolutional net")
    found = probed(encoder)[-1].shape[1]
    if said not in (None, found):
        raise BadValue(f"width is {short(said)}.", why=f"the last map of {name} has {found:,} channels", mend="leave width out")
    return found


def deeplabv3(name: str, classes: int = 21) -> DeepLab:
    """(N, 3, H, W) -> (N, classes, H, W)."""
    encoder, output_stride = TABLE[name]
    return deeplab_on(resnet(encoder), 2048, classes, output_stride)
