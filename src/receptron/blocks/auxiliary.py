"""Extra classifiers halfway through a deep net, which help its first layers to learn. Szegedy et al. 2015, arXiv:1409.4842, Section 5."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from receptron.blocks.classifier import Classifier, checked
from receptron.blocks.gradient_checkpointing import checkpointed
from receptron.errors import ImageTooSmall


class AuxiliaryScores(NamedTuple):
    """What such a classifier answers in train mode: scores (N, classes) of the head, and of each auxiliary head, first to last.

    `weight` is what the paper gives the loss of each auxiliary head.
    """

    logits: Tensor
    auxiliary: list[Tensor]
    weight: float

    def total(self, loss: Callable[[Tensor], Tensor]) -> Tensor:
        """The loss to learn from: that of the head, and `weight` times that of each auxiliary head.

        >>> two = AuxiliaryScores(torch.tensor(1.0), [torch.tensor(10.0), torch.tensor(20.0)], weight=0.3)
        >>> two.total(lambda scores: 2 * scores)
        tensor(20.)
        """
        return torch.stack([loss(self.logits), *(self.weight * loss(scores) for scores in self.auxiliary)]).sum(0)


class AuxiliaryClassifier(Classifier):
    """A classifier with more heads, each after one block of one stage: in train mode it answers `AuxiliaryScores`, in eval mode scores.

    `auxiliary` is keyed by "stage_block": "1_4" sees the map after the fifth block of the second stage. `least_map` is the smallest side
    of a map that these heads take, `weight` what the paper gives their losses. TorchScript leaves them out in either mode.
    """

    def __init__(
        self,
        stem: nn.Module,
        stages: Sequence[nn.Sequential],
        head: nn.Module,
        auxiliary: Mapping[str, nn.Module],
        weight: float,
        least_map: int = 1,
    ) -> None:
        super().__init__(stem, stages, head)
        self.auxiliary, self.weight, self.least_map = nn.ModuleDict(auxiliary), weight, least_map

    def forward(self, x: Tensor) -> Tensor | AuxiliaryScores:  # pyright: ignore[reportIncompatibleMethodOverride], as torchvision's nets
        if not torch.jit.is_scripting() and self.training and len(self.auxiliary):  # pyright: ignore[reportPrivateImportUsage]
            scores = self.all_scores(x)
            return AuxiliaryScores(scores[0], scores[1:], self.weight)
        return self.head(self.features(x))

    def reset_head(self, classes: int) -> None:
        """As of every classifier, the auxiliary heads too, which go where the classes do. Raises: BadValue."""
        super().reset_head(classes)
        if classes == 0:
            self.remove_auxiliary()

    def remove_auxiliary(self) -> None:
        """Take the auxiliary heads away, in place: what is left answers scores (N, classes) in train mode too."""
        self.auxiliary = nn.ModuleDict()

    def all_scores(self, x: Tensor) -> list[Tensor]:
        """Scores (N, classes) of the head, then of each auxiliary head, first to last. Raises: ImageTooSmall."""
        x, more = self.stem(checked(x, self.min_pixels, self.name)), list[Tensor]()
        for s, stage in enumerate(self.stages):
            for b, block in enumerate(stage.children()):
                x = checkpointed(block, x) if self.checkpointing and self.training else block(x)
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
                mend="give images as large as published, or train without these heads: net.remove_auxiliary()",
            )
