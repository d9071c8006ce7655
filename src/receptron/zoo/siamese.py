"""Siamese network. Koch et al. 2015, "Siamese Neural Networks for One-shot Image Recognition", ICML workshop, Section 3.1 and Fig. 4."""

from functools import partial

from torch import Tensor, nn

from receptron.blocks.chain import chain
from receptron.blocks.classifier import Classifier
from receptron.blocks.conv import valid

bare = partial(valid, norm=None)


class Siamese(nn.Module):
    """Whether two images show the same: one network for both, then a weighted sum of differences of their vectors; no class layer.

    Args:
        backbone: A classifier, whose class layer is not used.

    Source: Koch et al. 2015, Siamese Neural Networks for One-shot Image Recognition, ICML workshop, section 3.1 and Fig. 4.

    Example:
        >>> import torch
        >>> from receptron.zoo import build
        >>> images = torch.rand(4, 1, 28, 28)
        >>> tuple(Siamese(build("lenet5"))(images, images).shape)
        (4,)
    """

    def __init__(self, backbone: Classifier) -> None:
        super().__init__()
        self.backbone = backbone
        self.score = nn.Linear(backbone.embedding_width, 1)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """How alike two images are, pair by pair.

        Args:
            first: (N, C, H, W).
            second: As many, of the same shape.

        Returns:
            (N,) logits; which way they point is learnt.

        Example:
            >>> import torch
            >>> from receptron.zoo import build
            >>> net, images = Siamese(build("lenet5")), torch.rand(2, 1, 28, 28)
            >>> torch.allclose(net(images, images), net.score.bias)
            True
        """
        apart = (self.backbone.embed(first) - self.backbone.embed(second)).abs()
        return self.score(apart).squeeze(1)


def koch(classes: int = 964) -> Classifier:
    """The paper's backbone: (N, 1, 105, 105) -> (N, classes); its vectors are 4,096 sigmoids. Without the class layer
    and with the score of `Siamese` it has 38,951,745 parameters.
    """
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
