"""Which images an epoch shows, in which order, and how often: each once, or the classes equally often. Drawn from seed and epoch alone."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from receptron.data.stateless_random import keyed, order
from receptron.training.batches.sources import Source


@dataclass(frozen=True)
class Visits:
    """Images in the order in which an epoch shows them."""

    rows: NDArray[np.int64]  # (N,)
    times: NDArray[np.int64]  # (N,) how often the image was shown before in the same epoch

    def part(self, start: int, end: int) -> "Visits":
        """Those from `start` to before `end`."""
        return Visits(self.rows[start:end], self.times[start:end])


def shuffled(count: int, seed: int, epoch: int) -> Visits:
    """Each of `count` images once."""
    return Visits(order(count, seed, epoch), np.zeros(count, np.int64))


def balanced(targets: Tensor, seed: int) -> Callable[[int], Visits]:
    """Epoch -> as many visits as there are images with class numbers `targets` (N,), equally many to each class that is there.

    The images of a class are gone through in an order of their own, again from its start where they are few; which classes get one more
    where the number does not divide changes with the epoch. Images of large classes wait for a later epoch.
    """
    labels = targets.numpy()
    members = [np.flatnonzero(labels == number) for number in np.unique(labels)]

    def visits(epoch: int) -> Visits:
        share, extra = divmod(len(labels), len(members))
        more = set(keyed(seed, "classes with one more", epoch).permutation(len(members))[:extra].tolist())
        parts = [_of_class(rows, range(epoch * share, (epoch + 1) * share + (i in more)), seed, i) for i, rows in enumerate(members)]
        mix = order(len(labels), seed, epoch)
        return Visits(np.concatenate([part.rows for part in parts])[mix], np.concatenate([part.times for part in parts])[mix])

    return visits


def batch_of(source: Source, visits: Visits, epoch: int, epochs: int) -> tuple[Tensor, Tensor]:
    """Inputs and targets of `visits`, in their order; an image that comes again in an epoch of `epochs` shows a view of none of them."""
    if not visits.times.any():
        return source.batch(visits.rows, epoch)
    made = {time: np.flatnonzero(visits.times == time) for time in np.unique(visits.times).tolist()}
    parts = [source.batch(visits.rows[places], epoch + time * epochs) for time, places in made.items()]
    back = torch.from_numpy(np.argsort(np.concatenate(list(made.values()))))
    return torch.cat([inputs for inputs, _ in parts])[back], torch.cat([targets for _, targets in parts])[back]


def _of_class(rows: NDArray[np.int64], places: range, seed: int, number: int) -> Visits:
    """The images `rows` of one class at `places` of an endless row of shuffles, so that over the epochs each gets its turn."""
    rounds, within = np.divmod(np.array(places, np.int64), len(rows))
    drawn = {turn: keyed(seed, "order of class", number, turn).permutation(rows) for turn in np.unique(rounds).tolist()}
    picked = np.array([drawn[turn][place] for turn, place in zip(rounds.tolist(), within.tolist(), strict=True)], np.int64)
    times, shown = np.zeros(len(picked), np.int64), dict[int, int]()
    for place, row in enumerate(picked.tolist()):
        times[place] = shown.get(row, 0)
        shown[row] = shown.get(row, 0) + 1
    return Visits(picked, times)
