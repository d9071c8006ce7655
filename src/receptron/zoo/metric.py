"""Networks that compare images instead of naming them, on any backbone: Siamese and prototypical.

Koch et al. 2015, "Siamese Neural Networks for One-shot Image Recognition", Section 3.1.
Snell et al. 2017, "Prototypical Networks for Few-shot Learning", arXiv:1703.05175, Eqs 1 and 2 and Algorithm 1.
"""

from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn

from receptron.blocks.chain import chain
from receptron.blocks.classifier import Classifier, linear_head
from receptron.blocks.conv import conv, valid


class Siamese(nn.Module):
    """Whether two images show the same: one network for both, then a weighted sum of the differences of their vectors."""

    def __init__(self, backbone: Classifier, width: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.score = nn.Linear(width, 1)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """(N, C, H, W) twice -> (N,) logits; the larger, the more alike."""
        apart = (self.backbone.embed(first) - self.backbone.embed(second)).abs()
        return self.score(apart).squeeze(1)


class Prototypical(nn.Module):
    """Name an image by the nearest class mean in the space of the backbone's vectors; has no weights of its own."""

    def __init__(self, backbone: Classifier) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, support: Tensor, labels: Tensor, query: Tensor) -> Tensor:
        """Examples (S, C, H, W) with labels (S,) of 0 to K - 1, and queries (Q, C, H, W) -> (Q, K) logits."""
        means = prototypes(self.backbone.embed(support), labels)
        return -torch.cdist(self.backbone.embed(query), means, compute_mode="donot_use_mm_for_euclid_dist").square()


def prototypes(vectors: Tensor, labels: Tensor) -> Tensor:
    """Mean vector of each class: (S, D) and (S,) -> (K, D)."""
    classes = int(labels.max()) + 1
    sums = vectors.new_zeros(classes, vectors.shape[1]).index_add(0, labels, vectors)
    return sums / torch.bincount(labels, minlength=classes).clamp(min=1).unsqueeze(1)


def siamese(backbone: Classifier) -> Siamese:
    """A Siamese network on `backbone`, whose class layer is not used."""
    return Siamese(backbone, width_of(backbone))


def width_of(backbone: Classifier) -> int:
    """Length of the vectors that `backbone.embed` makes."""
    layer = backbone.head.get_submodule("fc")
    return layer.in_features if isinstance(layer, nn.Linear) else int(layer.in_channels)  # pyright: ignore[reportArgumentType]


def conv4(classes: int = 64) -> Classifier:
    """Snell et al.'s backbone (Section 3.1): (N, 1, 28, 28) -> (N, classes); its vectors have 64 numbers.

    A global average stands before the class layer, so that larger images also fit; on 28x28 it changes nothing.
    """
    widths = (1, 64, 64, 64, 64)
    stages = [chain(conv=conv(c_in, c_out), pool=nn.MaxPool2d(2)) for c_in, c_out in pairwise(widths)]
    return Classifier(nn.Identity(), stages, linear_head(64, classes))


def koch(classes: int = 964) -> Classifier:
    """Koch et al.'s backbone (Fig. 4): (N, 1, 105, 105) -> (N, classes); its vectors are the 4,096 sigmoids of the paper."""
    bare = partial(valid, norm=None)
    stages = [
        chain(conv=bare(1, 64, 10), pool=nn.MaxPool2d(2)),
        chain(conv=bare(64, 128, 7), pool=nn.MaxPool2d(2)),
        chain(conv=bare(128, 128, 4), pool=nn.MaxPool2d(2)),
        chain(conv=bare(128, 256, 4)),
    ]
    head = chain(
        pool=nn.AdaptiveAvgPool2d(6), flatten=nn.Flatten(1), wide=nn.Linear(256 * 36, 4096), act=nn.Sigmoid(), fc=nn.Linear(4096, classes)
    )
    return Classifier(nn.Identity(), stages, head)
