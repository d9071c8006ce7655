"""What training stands on: the images of the training side, the network it starts from, the machine, the time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from receptron.data.augmentation.policy import Policy
from receptron.data.preprocessing.image_cache import Canvases
from receptron.data.reading.depth_scale import NOMINAL, DepthScale
from receptron.data.reading.pixel_formats import Canvas
from receptron.data.splitting.groups import in_groups
from receptron.evaluation.grouped_intervals import Groups, numbered
from receptron.progress import Progress, Silent
from receptron.training.balancing.class_balance import ClassBalance
from receptron.training.batches.sources import CanvasSource
from receptron.training.callbacks.signals import StopSignals
from receptron.training.checkpointing.checkpoint import Checkpoints
from receptron.training.checkpointing.decision_log import SPENT, DecisionLog
from receptron.training.checkpointing.time_budget import TimeBudget
from receptron.training.ensembling import Ensembling
from receptron.training.loop.hooks import Hooks
from receptron.training.loop.recipe import Recipe
from receptron.training.records import EpochRecord, PhaseName
from receptron.weights.inputs import InputSpec


@dataclass(frozen=True)
class Images:
    """Labelled images of one side, in a fixed order."""

    digests: tuple[str, ...]  # sha256 of each file
    names: tuple[str, ...]  # path of each, as people know it
    targets: Tensor  # (N,) class numbers
    groups: Groups | None = None  # (N,) images of one number are not independent; None where all are
    noun: str = ""  # what a group is, "patient"; empty where images come in no groups but copies

    def __len__(self) -> int:
        return len(self.names)

    def part(self, rows: NDArray[np.int64]) -> "Images":
        """The images `rows`."""
        picked: Sequence[int] = rows.tolist()
        return Images(
            tuple(self.digests[i] for i in picked),
            tuple(self.names[i] for i in picked),
            self.targets[torch.from_numpy(rows)],
            None if self.groups is None else self.groups[rows],
            self.noun,
        )

    def counted(self, what: str) -> str:
        """How many they are, and of how many groups: "40 test images from 4 patients"."""
        return in_groups(f"{len(self):,} {what}", self.groups, self.noun)


@dataclass(frozen=True)
class RunEnvironment:
    """Where a run works, how long it may, who is told and who may stop it."""

    work: Path | None  # checkpoints and decisions of this run
    cache: Path | None  # activations, shared by all runs
    time_budget: TimeBudget
    decisions: DecisionLog
    signals: StopSignals = field(default_factory=StopSignals)
    progress: Progress = field(default_factory=Silent)
    every: float = 15.0  # seconds between checkpoints
    log: Callable[[EpochRecord], None] | None = None  # told of each epoch

    def hooks(self, phase: PhaseName) -> Hooks:
        """The hooks of one phase, with checkpoints of its own."""
        self.note_time()
        slug = "".join(letter if letter.isalnum() else "-" for letter in str(phase))
        checkpoints = Checkpoints(self.work / "checkpoints" / slug) if self.work else None
        return Hooks(
            checkpoints, self.every, self.signals, self.progress, self.log, self.note_time, lambda epoch: self._is_over(phase, epoch)
        )

    def _is_over(self, phase: PhaseName, epoch: int) -> bool:
        """Whether the time was used up when `epoch` epochs of a phase were done; decided once, and remembered."""
        key = f"time was up in {phase}, after epoch"
        known = self.decisions.recall(key, int)
        if known is None and self.time_budget.left < 0:
            known = self.decisions.note(key, epoch)
        return known is not None and epoch >= known

    def note_time(self) -> None:
        """Write down how much time is used up, so that an interrupted run does not get it twice."""
        self.decisions.note(SPENT, self.time_budget.spent)


@dataclass(frozen=True)
class TrainingContext:
    """Everything that training needs to know."""

    images: Images
    folds: tuple[NDArray[np.int64], ...]  # held-out rows of each fold
    classes: tuple[str, ...]
    canvases: Canvases
    spec: InputSpec
    channels: int
    policy: Policy
    device: str
    precision: str  # "auto", "float32" or "bfloat16"
    seed: int
    environment: RunEnvironment
    full_folds: bool = False  # cross-validate the last rung on every fold, because there is no test side
    depth: DepthScale = NOMINAL  # by which the canvases were made
    synthetic: Images | None = None  # generated images: learnt from beside the others, on no fold, and never judged on
    recipe: Recipe = field(default_factory=Recipe)
    balance: ClassBalance = field(default_factory=ClassBalance)  # how classes with few images are weighed
    ensembling: Ensembling = field(default_factory=Ensembling)  # whether several networks answer together

    @property
    def extra(self) -> int:
        """How many synthetic images each fit sees besides."""
        return len(self.synthetic) if self.synthetic else 0

    def learnt_from(self, rows: NDArray[np.int64]) -> Images:
        """What a fit sees that learns from the images `rows`: these, and every synthetic image."""
        part, more = self.images.part(rows), self.synthetic
        if more is None:
            return part
        return Images(part.digests + more.digests, part.names + more.names, torch.cat([part.targets, more.targets]))

    def groups_of(self, rows: NDArray[np.int64]) -> Groups | None:
        """Groups of training images, numbered from 0; None where all are independent."""
        return None if self.images.groups is None else numbered(self.images.groups[rows])

    def pictures(self, images: Images) -> list[Canvas]:
        """Canvases of `images`."""
        return [self.canvases[digest] for digest in images.digests]


def canvas_source(context: TrainingContext, images: Images) -> CanvasSource:
    """Batches of `images`, each seen through a new view every epoch."""
    return CanvasSource(
        context.pictures(images), images.names, images.targets, context.spec, context.channels, context.policy, context.seed,
        len(context.classes),
    )  # fmt: skip


def learning_rows(count: int, held_out: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows of 0..count-1 that are not held out."""
    return np.setdiff1d(np.arange(count), held_out)
