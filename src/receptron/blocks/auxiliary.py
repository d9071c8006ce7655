"""Extra classifiers halfway through a deep net, which help its first layers to learn. Szegedy et al. 2015, arXiv:1409.4842, Section 5."""

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from receptron.blocks.classifier import Classifier, checked


class AuxiliaryClassifier(Classifier):
    """A classifier with more heads, each after one block of one stage; they matter while training, and `forward` leaves them out.

    `auxiliary` is keyed by "stage_block": "1_4" sees the map after the fifth block of the second stage.
    """

    def __init__(self, stem: nn.Module, stages: Sequence[nn.Sequential], head: nn.Module, auxiliary: Mapping[str, nn.Module]) -> None:
        super().__init__(stem, stages, head)
        self.auxiliary = nn.ModuleDict(auxiliary)

    def all_scores(self, x: Tensor) -> list[Tensor]:
        """Scores (N, classes) of the head, then of each auxiliary head, first to last. Raises: ImageTooSmall."""
        x, more = self.stem(checked(x, self.min_pixels, self.name)), list[Tensor]()
        for s, stage in enumerate(self.stages):
            for b, block in enumerate(stage.children()):
                x = block(x)
                if (path := f"{s}_{b}") in self.auxiliary:
                    more.append(self.auxiliary[path](x))
        return [self.head(x), *more]
