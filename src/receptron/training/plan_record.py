"""What a training is going to do, told before it: the record that `receptron train PATH --plan` prints."""

from dataclasses import dataclass

from receptron.data.records import Audit, SplitSummary
from receptron.evaluation.records import Estimate
from receptron.training.records import AugmentationRecord, InputCheck, RankedWeights, RungRecord, Seconds, SyntheticImages, Trial


@dataclass(frozen=True)
class ImagesSeen:
    """What the images are, of those that can be read."""

    count: int
    smallest: tuple[int, int]  # width, height in px of the image of least area
    median: tuple[int, int]  # medians of width and of height
    largest: tuple[int, int]
    grey: int  # images without colour


@dataclass(frozen=True)
class PlannedStart:
    """Which network with which weights, and why."""

    net: str
    weights: str  # "none" from scratch
    pixels: int
    channels: int
    parameters: int
    macs: int
    why: str


@dataclass(frozen=True)
class DomainDistance:
    """How far the images are from what the weights know: one linear head, cross-validated alike on what each sees of the same images."""

    weights: Estimate  # right answers from the weights' features
    pixels: Estimate  # right answers from the pixels themselves, averaged down
    gain: Estimate  # of the first over the second, paired
    majority: float  # share of the commonest class
    images: int  # training images that were looked at

    @property
    def mended(self) -> float:
        """Share of the errors of raw pixels that the weights mend; negative where they make more; 0 where there are none."""
        return self.gain.value / (1 - self.pixels.value) if self.pixels.value < 1 else 0.0


@dataclass(frozen=True)
class PlannedFeatures:
    """What the frozen part of the network is shown, through the cache."""

    views: int  # of each image, the centre among them
    images_per_second: float
    expected: Seconds  # by a short trial, for what was not in the cache
    took: Seconds  # until all were there
    cached: int  # images that were in the cache


@dataclass(frozen=True)
class PlannedRung:
    """A rung above the linear head, timed by a step or two on this machine."""

    name: str
    tried: bool  # whether the training will try it, if all rungs before are taken
    least: Seconds | None  # one fold, and the final training; None: not timed
    most: Seconds | None  # all folds, and the final training
    why: str


@dataclass(frozen=True)
class Plan:
    """The strategy before any training; every figure is one of these images on this machine."""

    path: str
    images: ImagesSeen
    audit: Audit
    split: SplitSummary
    training: int  # images
    test: int
    folds: tuple[int, ...]  # training images held out in each
    start: PlannedStart
    ranking: tuple[RankedWeights, ...]
    input_check: InputCheck | None  # None from scratch
    distance: DomainDistance | None
    distance_unknown: str  # why; empty where it is known
    augmentation: AugmentationRecord
    features: PlannedFeatures | None
    measured: tuple[RungRecord, ...]  # both baselines, and the linear head where features could be made
    rungs: tuple[PlannedRung, ...]
    accuracy: Estimate | None  # to expect: that of the linear head, out of fold
    accuracy_unknown: str  # why; empty where it is known
    trials: tuple[Trial, ...]
    time: Seconds  # that the training may take
    seconds: Seconds  # that the plan took
    settings: dict[str, str]
    synthetic: SyntheticImages | None  # generated images that are learnt from besides
    next: str  # the command that trains
