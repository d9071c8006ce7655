"""Where batches come from: canvases cut anew each epoch, or activations cached at the frozen boundary.

A source keeps no state: the batch at (epoch, rows) is always the same, so resuming needs no more than two numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
import torch
from torch import Tensor

from receptron.data.augmentation.mixing import mixed, soft_targets
from receptron.data.augmentation.policy import Policy
from receptron.data.augmentation.views import augmented, mixes
from receptron.data.reading.pixel_formats import Canvas
from receptron.weights.inputs import InputSpec


class Source(Protocol):
    """Images with class numbers, in some fixed order."""

    @property
    def names(self) -> Sequence[str]:
        """One name per image, for errors and for the key of its views."""
        ...

    def batch(self, rows: np.ndarray, epoch: int) -> tuple[Tensor, Tensor]:
        """Inputs (N, C, H, W) of the images `rows` in `epoch`, and class numbers (N,), or shares (N, classes) where images are mixed."""
        ...


@dataclass(frozen=True)
class CanvasSource:
    """Canvases in memory, each seen through a new view every epoch."""

    canvases: Sequence[Canvas]
    names: Sequence[str]
    targets: Tensor
    spec: InputSpec
    channels: int
    policy: Policy
    seed: int
    classes: int  # of the shares in which labels of mixed images are given

    def batch(self, rows: np.ndarray, epoch: int) -> tuple[Tensor, Tensor]:
        """Views of the images `rows`: float (N, channels, pixels, pixels), and class numbers (N,); mixed ones with shares (N, classes)."""
        images, targets = self._views(rows, epoch), self.targets[torch.from_numpy(rows)]
        if not self.policy.mixes:
            return images, targets
        names = [self.names[i] for i in cast(list[int], rows.tolist())]
        pairs = mixes(names, self.spec, self.policy, count=len(self.names), seed=self.seed, epoch=epoch)
        others = self.targets[torch.from_numpy(pairs.partners)]
        return mixed(images, self._views(pairs.partners, epoch), pairs), soft_targets(targets, others, pairs, self.classes)

    def _views(self, rows: np.ndarray, epoch: int) -> Tensor:
        picked: list[int] = rows.tolist()
        canvases, names = [self.canvases[i] for i in picked], [self.names[i] for i in picked]
        return augmented(canvases, names, self.spec, self.policy, channels=self.channels, seed=self.seed, epoch=epoch)


@dataclass(frozen=True)
class ViewSource:
    """Activations (N, views, C, H, W) of several views of each image; every epoch shows each image through another one."""

    features: Tensor
    names: Sequence[str]
    targets: Tensor

    def batch(self, rows: np.ndarray, epoch: int) -> tuple[Tensor, Tensor]:
        """Activations (N, C, H, W) of the images `rows`, each in view (image + epoch) modulo views, and class numbers (N,)."""
        at = torch.from_numpy(rows)
        inputs = self.features[at, (at + epoch) % self.features.shape[1]]
        if inputs.dim() == 4:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        return inputs, self.targets[at]
