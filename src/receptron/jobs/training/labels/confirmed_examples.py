"""What a doubted image is to be held against: the images most like it whose label is believed, of its own label and of the proposed one."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from receptron.evaluation.records import SuspectLabels
from receptron.jobs.training.fit import FittedNetwork
from receptron.training.context import Images

EXAMPLES = 3  # of each class


def with_examples(found: SuspectLabels, learnt: FittedNetwork, believed: NDArray[np.int64], root: Path) -> SuspectLabels:
    """The suspects with their nearest examples among the training images (rows) that are `believed`; told relative to `root`."""
    if not found.images:
        return found
    images = learnt.context.images
    paths = [os.path.relpath(name, root) for name in images.names]
    row = {path: number for number, path in enumerate(paths)}
    features = F.normalize(learnt.known.float(), dim=1)
    number = {label: i for i, label in enumerate(learnt.context.classes)}
    rows = torch.from_numpy(believed)

    def nearest(asked: int, label: str) -> tuple[str, ...]:
        there = rows[images.targets[rows] == number[label]]
        return tuple(paths[place] for place in _nearest(features, asked, there, images))

    return replace(
        found,
        images=tuple(
            replace(one, examples=nearest(row[one.path], one.label), likelier_examples=nearest(row[one.path], one.likelier))
            for one in found.images
        ),
    )


def _nearest(features: Tensor, asked: int, among: Tensor, images: Images) -> list[int]:
    """The rows `among` with the smallest angle to `asked`; of copies of one photo, or of the image itself, none."""
    if images.groups is not None and not images.noun:
        groups = torch.from_numpy(images.groups)
        among = among[groups[among] != groups[asked]]
    likeness = features[among] @ features[asked]
    return [int(among[place]) for place in likeness.argsort(descending=True, stable=True)[:EXAMPLES]]
