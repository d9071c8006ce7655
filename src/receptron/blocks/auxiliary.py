"""Extra classifiers halfway through a deep net, which help its first layers to learn. Szegedy et al. 2015, arXiv:1409.4842, Section 5."""

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from receptron.blocks.classifier import Classifier, checked
from receptron.errors import ImageTooSmall


class AuxiliaryClassifier(Classifier):
    """A classifier with more heads, each after one block of one stage; they matter while training, and `forward` leaves them out.

    `auxiliary` is keyed by "stage_block": "1_4" sees the map after the fifth block of the second stage. `least_map` is the smallest side
    of a map that these heads take.
    """

    def __init__(
        self, stem: nn.Module, stages: Sequence[nn.Sequential], head: nn.Module, auxiliary: Mapping[str, nn.Module], least_map: int = 1
    ) -> None:
        super().__init__(stem, stages, head)
        self.auxiliary, self.least_map = nn.ModuleDict(auxiliary), least_map

    def all_scores(self, x: Tensor) -> list[Tensor]:
        """Scores (N, classes) of the head, then of each auxiliary head, first to last. Raises: ImageTooSmall."""
        x, more = self.stem(checked(x, self.min_pixels, self.name)), list[Tensor]()
        for s, stage in enumerate(self.stages):
            for b, block in enumerate(stage.children()):
                x = block(x)
                if (path := f"{s}_{b}") in self.auxiliary:
                    self._check_map(x)
                    more.append(self.auxiliary[path](x))
        return [self.head(x), *more]

    def _check_map(self, x: Tensor) -> None:
        high, wide = x.shape[-2:]
        if min(high, wide) < self.least_map:
            raise ImageTooSmall(
                f"the auxiliary heads of {self.name or 'this network'} need maps of {self.least_map}x{self.least_map}, got {high}x{wide}.",
                why="they pool and convolve without padding",
                mend="give larger images, as large as published, or use the scores of the head alone",
            )
