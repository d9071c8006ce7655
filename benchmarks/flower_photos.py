"""The flowers of both folders as one set, drawn from and split anew, and written as tables that `train` takes."""

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


class Flowers:
    """All 1,800 photos, in a fixed order, with their class numbers."""

    def __init__(self, shared: Path) -> None:
        self.root = (shared / "data/flowers").resolve()
        self.files = sorted(
            [*self.root.glob("train/*/*.jpg"), *self.root.glob("val/*/*.jpg")], key=lambda file: (file.parent.name, file.name)
        )
        self.classes = sorted({file.parent.name for file in self.files})
        self.truth = np.array([self.classes.index(file.parent.name) for file in self.files])

    def split(self, number: int, parts: int = 5) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Training and test rows: part `number` of `parts`, classes spread evenly, is the test."""
        order = np.random.default_rng(0).permutation(len(self.files))
        order = order[np.argsort(self.truth[order], kind="stable")]
        return np.sort(np.concatenate([order[i::parts] for i in range(parts) if i != number])), np.sort(order[number::parts])

    def drawn(self, per_class: int, test: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """So many training photos of each class at random, and `test` others."""
        order = np.random.default_rng(seed).permutation(len(self.files))
        few = np.concatenate([order[self.truth[order] == label][:per_class] for label in range(len(self.classes))])
        return few, np.setdiff1d(order, few, assume_unique=True)[:test]

    def table(self, place: Path, train: NDArray[np.int64], test: NDArray[np.int64]) -> Path:
        """A table of the photos on both sides, which `train` takes with --root `self.root`."""
        with place.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["path", "label", "split"])
            for side, rows in (("train", train), ("test", test)):
                writer.writerows([str(self.files[row].relative_to(self.root)), self.files[row].parent.name, side] for row in rows)
        return place
