"""From images on two sides to a trained network and its answers on the training side, out of fold."""

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from receptron.blocks.classifier import Classifier
from receptron.data.augmentation.policy import FittedPolicy
from receptron.data.ingest import Ingested
from receptron.data.splitting.folds import folds
from receptron.data.splitting.split import Split
from receptron.evaluation import baselines
from receptron.jobs.training.initial_weights import InitialWeights
from receptron.jobs.training.planning.room import check_room
from receptron.training.balancing.balance_choice import asked_balance
from receptron.training.balancing.records import BalanceRecord
from receptron.training.context import Images, RunEnvironment, TrainingContext
from receptron.training.ensembling import Ensembling
from receptron.training.features.extraction import Features, pooled_centres
from receptron.training.features.input_check import check_input
from receptron.training.ladder.from_scratch import pixels_of, train_from_scratch
from receptron.training.ladder.ladder import run_ladder
from receptron.training.ladder.outcome import LadderOutcome
from receptron.training.loop.recipe import Recipe
from receptron.training.recipe_shape import shaped
from receptron.training.records import InputCheck, RungRecord, ScratchSearch, SyntheticEffect, Trial

FOLDS, FEW_FOLDS, MANY_IMAGES = 5, 3, 600  # from so many images on three folds tell as much, at half the work
SCRATCH_FOLDS = 10  # from scratch one fold is lost to learning, so it is a smaller one


@dataclass(frozen=True)
class FittedNetwork:
    """What training brought."""

    net: Classifier
    outcome: LadderOutcome
    rungs: tuple[RungRecord, ...]
    trials: tuple[Trial, ...]
    context: TrainingContext
    features: Features | None
    head_logits: NDArray[np.float64] | None  # (N, classes) of the linear head, out of fold, for all training images
    head_strength: float | None  # scikit-learn's C of the linear head
    input_check: InputCheck | None
    balance: BalanceRecord | None = None
    synthetic: SyntheticEffect | None = None  # what synthetic images brought
    searches: tuple[ScratchSearch, ...] = ()  # of rate and decay, from scratch

    @property
    def truth(self) -> NDArray[np.int64]:
        """Class numbers of the images that `outcome.logits` are for."""
        return self.context.images.targets.numpy()[self.outcome.rows]

    @property
    def known(self) -> Tensor:
        """(N, D) what the nearest neighbour compares, of the training images."""
        return pixels_of(self.context, self.context.images) if self.features is None else self.features.pooled[:, 0]

    def nearest(self, images: Images) -> NDArray[np.int64]:
        """Rung 0's answers on other images: the class of the most similar training image."""
        asked = pixels_of(self.context, images) if self.features is None else pooled_centres(self.features, self.context, images)
        return baselines.nearest(self.known, self.context.images.targets, asked)


@dataclass(frozen=True)
class FitOptions:
    """How to fit."""

    seed: int
    device: str
    precision: str
    has_test: bool
    augmentation: FittedPolicy
    recipe: Recipe = field(default_factory=Recipe)
    ensembling: Ensembling = field(default_factory=Ensembling)


def fit_network(
    reading: Ingested,
    split: Split,
    start: InitialWeights,
    fit_options: FitOptions,
    environment: RunEnvironment,
    synthetic: Images | None = None,
) -> FittedNetwork:
    """Climb the ladder from pretrained weights, or train from scratch where there are none; `synthetic` images are learnt from besides."""
    context = replace(context_of(reading, split, start, fit_options, environment), synthetic=synthetic)
    if environment.work:
        check_room(environment.work.parent, start.make(len(context.classes)), trained=start.pretrained is None)
    if start.pretrained is None:
        weighed, balance = asked_balance(context)
        context = replace(context, balance=weighed)
        make = start.maker(len(context.classes))
        scratch = train_from_scratch(lambda: shaped(make(), fit_options.recipe, pretrained=False), context)
        return FittedNetwork(
            _classifier(scratch.outcome), scratch.outcome, scratch.rungs, scratch.trials, scratch.context, None, None, None, None,
            balance, scratch.synthetic, scratch.searches,
        )  # fmt: skip
    net = shaped(start.make(len(context.classes)), fit_options.recipe, pretrained=True)
    checked = check_input(net, context)
    if checked.fault:
        environment.progress.tell(f"Warning: {checked.fault}")
    ladder = run_ladder(net, context)
    return FittedNetwork(
        _classifier(ladder.outcome), ladder.outcome, ladder.rungs, ladder.trials, ladder.context, ladder.features, ladder.head_logits,
        ladder.head_strength, checked, ladder.balance, ladder.synthetic,
    )  # fmt: skip


def images_at(reading: Ingested, split: Split, places: tuple[int, ...], classes: tuple[str, ...]) -> Images:
    """Images of one side. Copies of one photo and images of one group are not independent, so they share a number."""
    entries = [reading.entries[place] for place in places]
    number = {label: i for i, label in enumerate(classes)}
    targets = torch.tensor([number[entry.item.label] for entry in entries], dtype=torch.long)
    digests, names = (entry.sha256 for entry in entries), (str(entry.item.path) for entry in entries)
    return Images(tuple(digests), tuple(names), targets, split.unit_numbers(places), split.summary.noun)


def classes_of(reading: Ingested, split: Split) -> tuple[str, ...]:
    """Class names that have a training image, in alphabetical order."""
    return tuple(sorted({reading.entries[place].item.label for place in split.train}))


def context_of(
    reading: Ingested, split: Split, start: InitialWeights, fit_options: FitOptions, environment: RunEnvironment
) -> TrainingContext:
    """What training on these images from `start` stands on."""
    classes = classes_of(reading, split)
    images = images_at(reading, split, split.train, classes)
    row = {place: i for i, place in enumerate(split.train)}
    wanted = FEW_FOLDS if len(images) >= MANY_IMAGES else FOLDS
    every_fold = not fit_options.has_test or fit_options.ensembling.kind == "folds"
    wanted = min(wanted if start.pretrained or every_fold else SCRATCH_FOLDS, len(images))  # or as many as there are groups
    parts = tuple(np.array([row[int(place)] for place in part], np.int64) for part in folds(split, wanted, fit_options.seed))
    if reading.canvases is None:
        raise ValueError("the images were read without canvases")
    return TrainingContext(
        images=images, folds=parts, classes=classes, canvases=reading.canvases, spec=start.spec, channels=start.channels,
        policy=fit_options.augmentation.policy, device=fit_options.device,
        precision=fit_options.precision, seed=fit_options.seed,
        environment=environment, full_folds=every_fold, depth=reading.depth, recipe=fit_options.recipe,
        ensembling=fit_options.ensembling,
    )  # fmt: skip


def _classifier(outcome: LadderOutcome) -> Classifier:
    if not isinstance(outcome.net, Classifier):
        raise TypeError(f"{type(outcome.net).__name__} is no classifier of the zoo")
    return outcome.net
