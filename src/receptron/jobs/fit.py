"""From images on two sides to a trained network and its answers on the training side, out of fold."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from receptron.blocks.classifier import Classifier
from receptron.data.ingest import Reading
from receptron.data.preprocessing.augmentation import recipe_for
from receptron.data.splitting.folds import folds
from receptron.data.splitting.split import Split
from receptron.evaluation import baselines
from receptron.jobs.initial_weights import Start
from receptron.training.context import Climbed, Ground, Images, Surroundings
from receptron.training.features.extraction import Features, pooled_centres
from receptron.training.ladder.from_scratch import pixels_of, train_from_scratch
from receptron.training.ladder.ladder import climb
from receptron.training.records import Rung, Trial

FOLDS, FEW_FOLDS, MANY_IMAGES = 5, 3, 600  # from so many images on three folds tell as much, at half the work
SCRATCH_FOLDS = 10  # from scratch one fold is lost to learning, so it is a smaller one


@dataclass(frozen=True)
class Learnt:
    """What training brought."""

    net: Classifier
    climbed: Climbed
    rungs: tuple[Rung, ...]
    trials: tuple[Trial, ...]
    ground: Ground
    features: Features | None

    @property
    def truth(self) -> NDArray[np.int64]:
        """Class numbers of the images that `climbed.logits` are for."""
        return self.ground.images.targets.numpy()[self.climbed.rows]

    def nearest(self, images: Images) -> NDArray[np.int64]:
        """Rung 0's answers on other images: the class of the most similar training image."""
        if self.features is None:
            known, asked = pixels_of(self.ground, self.ground.images), pixels_of(self.ground, images)
        else:
            known, asked = self.features.pooled[:, 0], pooled_centres(self.features, self.ground, images)
        return baselines.nearest(known, self.ground.images.targets, asked)


@dataclass(frozen=True)
class Manner:
    """How to learn."""

    seed: int
    device: str
    precision: str
    has_test: bool


def learn(reading: Reading, split: Split, start: Start, manner: Manner, around: Surroundings) -> Learnt:
    """Climb the ladder from pretrained weights, or train from scratch where there are none."""
    ground = _ground(reading, split, start, manner, around)
    if start.pretrained is None:
        scratch = train_from_scratch(start.maker(len(ground.classes)), ground)
        return Learnt(_classifier(scratch.climbed), scratch.climbed, scratch.rungs, scratch.trials, ground, None)
    ladder = climb(start.make(len(ground.classes)), ground)
    return Learnt(_classifier(ladder.climbed), ladder.climbed, ladder.rungs, ladder.trials, ground, ladder.features)


def images_at(reading: Reading, places: tuple[int, ...], classes: tuple[str, ...]) -> Images:
    """Images of one side."""
    entries = [reading.entries[place] for place in places]
    number = {label: i for i, label in enumerate(classes)}
    targets = torch.tensor([number[entry.item.label] for entry in entries], dtype=torch.long)
    return Images(tuple(entry.sha256 for entry in entries), tuple(str(entry.item.path) for entry in entries), targets)


def classes_of(reading: Reading, split: Split) -> tuple[str, ...]:
    """Class names that have a training image, in alphabetical order."""
    return tuple(sorted({reading.entries[place].item.label for place in split.train}))


def _ground(reading: Reading, split: Split, start: Start, manner: Manner, around: Surroundings) -> Ground:
    classes = classes_of(reading, split)
    images = images_at(reading, split.train, classes)
    row = {place: i for i, place in enumerate(split.train)}
    wanted = FEW_FOLDS if len(images) >= MANY_IMAGES else FOLDS
    wanted = min(wanted if start.pretrained or not manner.has_test else SCRATCH_FOLDS, len(images))
    parts = tuple(np.array([row[int(place)] for place in part], np.int64) for part in folds(split, wanted, manner.seed))
    if reading.canvases is None:
        raise ValueError("the images were read without canvases")
    return Ground(
        images=images, folds=parts, classes=classes, canvases=reading.canvases, spec=start.spec, channels=start.channels,
        recipe=recipe_for(start.spec.pixels, grey=start.grey), device=manner.device, precision=manner.precision, seed=manner.seed,
        around=around, full_folds=not manner.has_test,
    )  # fmt: skip


def _classifier(climbed: Climbed) -> Classifier:
    if not isinstance(climbed.net, Classifier):
        raise TypeError(f"{type(climbed.net).__name__} is no classifier of the zoo")
    return climbed.net
