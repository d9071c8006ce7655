"""Where batches come from: canvases cut anew each epoch, or activations cached at the frozen boundary.

A source keeps no state: the batch at (epoch, rows) is always the same, so resuming needs no more than two numbers.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from receptron.data.preprocessing.augmentation import Recipe, augmented
from receptron.data.reading.pixel_formats import Pixels
from receptron.weights.inputs import InputSpec

T = TypeVar("T")


class Source(Protocol):
    """Images with class numbers, in some fixed order."""

    @property
    def names(self) -> Sequence[str]:
        """One name per image, for errors and for the key of its views."""
        ...

    def batch(self, rows: np.ndarray, epoch: int) -> tuple[Tensor, Tensor]:
        """Inputs (N, C, H, W) and class numbers (N,) of the images `rows` in `epoch`."""
        ...


@dataclass(frozen=True)
class CanvasSource:
    """Canvases in memory, each seen through a new view every epoch."""

    canvases: Sequence[Pixels]
    names: Sequence[str]
    targets: Tensor
    spec: InputSpec
    channels: int
    recipe: Recipe
    seed: int

    def batch(self, rows: np.ndarray, epoch: int) -> tuple[Tensor, Tensor]:
        """Views of the images `rows`: float (N, channels, pixels, pixels), and class numbers (N,)."""
        picked: list[int] = rows.tolist()
        canvases, names = [self.canvases[i] for i in picked], [self.names[i] for i in picked]
        images = augmented(canvases, names, self.spec, self.recipe, channels=self.channels, seed=self.seed, epoch=epoch)
        return images, self.targets[torch.from_numpy(rows)]


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


def ahead(make: Callable[[int], T], steps: range) -> Iterator[tuple[int, T]]:
    """(step, make(step)) for each step in turn, the next one being made in a second thread while the caller works."""
    torch.get_num_threads()  # settles the number of this thread before another thread sets its own
    # One OpenMP thread for the second thread: a team of its own would spin and take the cores from the network.
    with ThreadPoolExecutor(1, "receptron-batch", initializer=torch.set_num_threads, initargs=(1,)) as pool:
        coming = pool.submit(make, steps[0]) if steps else None
        for step in steps:
            made = coming.result() if coming else make(step)
            coming = pool.submit(make, step + 1) if step + 1 in steps else None
            yield step, made
