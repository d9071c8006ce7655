"""Prototypical networks. Snell et al. 2017, "Prototypical Networks for Few-shot Learning", arXiv:1703.05175, Eqs 1 and 2, Section 3.1."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from receptron.blocks.chain import chain
from receptron.blocks.classifier import Classifier, linear_head
from receptron.blocks.conv import conv

WIDTHS = (1, 64, 64, 64, 64)


class Prototypical(nn.Module):
    """Name an image by the nearest class mean in the space of the backbone's vectors; has no weights of its own.

    Args:
        backbone: A classifier, whose class layer is not used.

    Source: Snell et al. 2017, Prototypical Networks for Few-shot Learning, arXiv:1703.05175, eqs 1 and 2.

    Example:
        >>> net = Prototypical(conv4())
        >>> support, labels, query = torch.rand(6, 1, 28, 28), torch.tensor([0, 0, 1, 1, 2, 2]), torch.rand(4, 1, 28, 28)
        >>> tuple(net(support, labels, query).shape)
        (4, 3)
    """

    def __init__(self, backbone: Classifier) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, support: Tensor, labels: Tensor, query: Tensor) -> Tensor:
        """Logits of queries, given a few examples of each class.

        Args:
            support: Examples (S, C, H, W).
            labels: Their classes (S,), 0 to K - 1.
            query: Images (Q, C, H, W).

        Returns:
            (Q, K): minus the squared distance from each class mean.

        Example:
            >>> support = torch.rand(2, 1, 28, 28)
            >>> Prototypical(conv4()).eval()(support, torch.tensor([0, 1]), support).argmax(1).tolist()
            [0, 1]
        """
        return distances(self.backbone.embed(query), prototypes(self.backbone.embed(support), labels))


def prototypes(vectors: Tensor, labels: Tensor) -> Tensor:
    """Mean vector of each class: (S, D) and (S,) -> (K, D)."""
    classes = int(labels.max()) + 1
    sums = vectors.new_zeros(classes, vectors.shape[1]).index_add(0, labels, vectors)
    return sums / torch.bincount(labels, minlength=classes).clamp(min=1).unsqueeze(1)


def distances(queries: Tensor, means: Tensor) -> Tensor:
    """Minus the squared Euclidean distance: (Q, D) and (K, D) -> (Q, K)."""
    return -(queries.unsqueeze(1) - means).square().sum(2)


def conv4(classes: int = 64) -> Classifier:
    """The paper's backbone: (N, 1, 28, 28) -> (N, classes); its vectors have 64 numbers.

    A global average stands before the class layer, so that larger images also fit; on 28x28 it changes nothing.
    """
    stages = [chain(conv=conv(c_in, c_out), pool=nn.MaxPool2d(2)) for c_in, c_out in pairwise(WIDTHS)]
    return Classifier(nn.Identity(), stages, linear_head(WIDTHS[-1], classes))
