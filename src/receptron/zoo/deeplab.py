"""DeepLabv3. Chen et al. 2017, "Rethinking Atrous Convolution for Semantic Image Segmentation", arXiv:1706.05587, Fig. 5 and Section 4."""

from torch import Tensor, nn
from torch.nn.functional import interpolate

from receptron.blocks.aspp import aspp
from receptron.blocks.chain import chain
from receptron.blocks.classifier import Classifier
from receptron.blocks.conv import conv
from receptron.blocks.dilation import dilate
from receptron.zoo.resnet import resnet

RATES = {8: (12, 24, 36), 16: (6, 12, 18)}  # of the pyramid, by output stride
TABLE = {f"deeplabv3_resnet{n}{tail}": (f"resnet{n}", s) for n in (50, 101) for tail, s in (("", 8), ("_os16", 16))}


class DeepLab(Classifier):
    """A classifier of pixels: (N, C, H, W) -> (N, classes, H, W), from maps at 1/8 or 1/16 of the image."""

    def forward(self, x: Tensor) -> Tensor:
        return interpolate(self.head(self.features(x)), size=x.shape[-2:], mode="bilinear", align_corners=False)


def deeplab_on(encoder: Classifier, width: int, classes: int = 21, output_stride: int = 16) -> DeepLab:
    """DeepLabv3 on a classifier, whose strides are traded for dilation in place.

    Args:
        encoder: A classifier of the zoo that makes maps.
        width: Channels of its last map.
        classes: Classes of a pixel.
        output_stride: px of the image for each position of the last map: 8 or 16.

    Returns:
        (N, C, H, W) -> (N, classes, H, W).

    Raises:
        BadValue: For a stride that the encoder does not have on its way.

    Source: Chen et al. 2017, Rethinking Atrous Convolution for Semantic Image Segmentation, arXiv:1706.05587, Fig. 5 and section 4.

    Example:
        >>> import torch
        >>> net = deeplab_on(resnet("resnet18"), 512, classes=2).eval()
        >>> tuple(net(torch.zeros(1, 3, 65, 65)).shape)
        (1, 2, 65, 65)
    """
    dilate(encoder, output_stride)
    head = chain(aspp=aspp(width, 256, RATES[output_stride]), conv=conv(256, 256), fc=nn.Conv2d(256, classes, 1))
    net = DeepLab(encoder.stem, list(encoder.stages), head)
    net.name, net.min_pixels = f"deeplabv3_{encoder.name}", encoder.min_pixels
    return net


def deeplabv3(name: str, classes: int = 21) -> DeepLab:
    """(N, 3, H, W) -> (N, classes, H, W)."""
    encoder, output_stride = TABLE[name]
    return deeplab_on(resnet(encoder), 2048, classes, output_stride)
