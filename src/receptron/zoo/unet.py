"""U-Net. Ronneberger et al. 2015, "U-Net: Convolutional Networks for Biomedical Image Segmentation", arXiv:1505.04597, Fig. 1."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import cast

from torch import Tensor, nn
from torch.fx import wrap
from torch.nn.functional import interpolate

from receptron.blocks.chain import chain
from receptron.blocks.classifier import Classifier
from receptron.blocks.conv import conv, valid
from receptron.blocks.decoder import Decoder
from receptron.zoo.on_encoder import PROBE, check_count, head_beside, probed

WIDTHS = (64, 128, 256, 512, 1024)
ON_ENCODER = (256, 128, 64, 32, 16)  # channels of the decoder on a classifier, deepest first


def double(c_in: int, c_out: int, *, make: Callable[..., nn.Module] = conv) -> nn.Sequential:
    """Two 3x3 convolutions with ReLU: (N, c_in, H, W) -> (N, c_out, H, W), four pixels less if `make` does not pad."""
    return chain(conv1=make(c_in, c_out, 3, norm=None), conv2=make(c_out, c_out, 3, norm=None))


class UNet(Classifier):
    """A classifier of pixels: (N, C, H, W) -> (N, classes, H', W'), H' = H unless its convolutions do not pad.

    `handed` says which maps of the pyramid the decoder receives, finest first; None: all.
    """

    def __init__(self, stem: nn.Module, stages: Sequence[nn.Module], head: Decoder, handed: Sequence[int] | None = None) -> None:
        super().__init__(stem, stages, head)
        self.padded, self.handed = True, list(range(1 + len(stages)) if handed is None else handed)

    def handed_maps(self, x: Tensor) -> list[Tensor]:
        """Maps (N, C, H, W) that the decoder receives, finest first. Raises: ImageTooSmall."""
        maps = self.pyramid(x)
        return [maps[i] for i in self.handed]

    def before_classes(self, x: Tensor) -> Tensor:
        """What `head.fc` sees: (N, C, H, W) -> (N, width, H', W'). Raises: ImageTooSmall."""
        return cast(Decoder, self.head).up_to_classes(self.handed_maps(x))

    def forward(self, x: Tensor) -> Tensor:
        scores = self.head(self.handed_maps(x))
        return at_size_of(x, scores) if self.padded else scores


@wrap  # a call of its own where a network is traced symbolically: sizes decide here
def at_size_of(x: Tensor, scores: Tensor) -> Tensor:
    """Scores (N, classes, H', W') stretched to the height and width of `x`, where they differ."""
    if scores.shape[-2:] == x.shape[-2:]:
        return scores
    return interpolate(scores, size=x.shape[-2:], mode="bilinear", align_corners=False)


def unet(classes: int = 2, *, padded: bool = True) -> UNet:
    """(N, 1, H, W) -> (N, classes, H, W); 31,030,658 parameters."""
    merge = partial(double, make=conv if padded else valid)
    stages = [chain(pool=nn.MaxPool2d(2), convs=merge(c_in, c_out)) for c_in, c_out in pairwise(WIDTHS)]
    net = UNet(merge(1, WIDTHS[0]), stages, Decoder(WIDTHS, WIDTHS[-2::-1], classes, merge))
    net.padded = padded
    return net


def unet_2015(classes: int = 2) -> UNet:
    """(N, 1, 572, 572) -> (N, classes, 388, 388), as in the paper: no padding, so the finer maps are cropped and the mask is smaller."""
    return unet(classes, padded=False)


def unet_on(encoder: Classifier, classes: int = 2) -> UNet:
    """U-Net whose way down is a classifier of the zoo, with its weights.

    The last map of each size, which has seen most, is handed across; two 3x3 convolutions with BatchNorm follow each step up.

    Args:
        encoder: A classifier of the zoo.
        classes: Classes of a pixel.

    Returns:
        (N, C, H, W) -> (N, classes, H, W).

    Raises:
        BadValue: For classes that are no whole number of 1 or more.

    Source: Ronneberger et al. 2015, U-Net: Convolutional Networks for Biomedical Image Segmentation, arXiv:1505.04597, Fig. 1.

    Example:
        >>> import torch
        >>> from receptron.zoo import build
        >>> tuple(unet_on(build("mobilenet_v2")).eval()(torch.zeros(1, 3, 64, 64)).shape)
        (1, 2, 64, 64)
    """
    check_count("classes", classes)
    maps = probed(encoder)
    sizes = [m.shape[-1] for m in maps]
    handed = [i for i, size in enumerate(sizes) if size not in sizes[i + 1 :]]
    steps = (PROBE // sizes[-1]).bit_length() - 1
    head = Decoder([maps[i].shape[1] for i in handed], ON_ENCODER[:steps], classes, normed_double)
    net = UNet(encoder.stem, list(encoder.stages), head_beside(encoder, head), handed)
    net.patch = encoder.patch
    net.name, net.min_pixels, net.input = f"unet_{encoder.name}", encoder.min_pixels, encoder.input
    return net


def normed_double(c_in: int, c_out: int) -> nn.Sequential:
    """`double` with BatchNorm."""
    return chain(conv1=conv(c_in, c_out), conv2=conv(c_out, c_out))
