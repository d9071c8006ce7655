"""The one JSON of a model directory, as records: what the network is, what it expects, how good it is, where it came from.

Every number and text has its range beside it, held when the card is read; `contradictions` holds the fields against each other.
"""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from msgspec import Meta

from receptron.data.audit.preconditions import LONGEST_LABEL, MOST_CLASSES
from receptron.weights.inputs import InputSpec

ROUNDING = 1e-9
_Share: TypeAlias = Annotated[float, Meta(ge=-ROUNDING, le=1 + ROUNDING)]
_Count: TypeAlias = Annotated[int, Meta(ge=0, le=2**53)]
_Label: TypeAlias = Annotated[str, Meta(min_length=1, max_length=LONGEST_LABEL)]
_Note: TypeAlias = Annotated[str, Meta(max_length=1000)]
_Digest: TypeAlias = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval and how that was found; a share of images, or the difference of two shares."""

    value: Annotated[float, Meta(ge=-1 - ROUNDING, le=1 + ROUNDING)]
    low: Annotated[float, Meta(ge=-1 - ROUNDING, le=1 + ROUNDING)]
    high: Annotated[float, Meta(ge=-1 - ROUNDING, le=1 + ROUNDING)]
    count: _Count  # images it rests on
    method: _Note  # "Wilson", "bootstrap of 2,000 resamples", ...


@dataclass(frozen=True)
class ClassScore:
    """One row of the per-class table."""

    label: _Label
    support: _Count  # true images of the class
    precision: Estimate
    recall: Estimate
    f1: Estimate


@dataclass(frozen=True)
class Bin:
    """One bar of the reliability diagram: answers whose confidence lies in [low, high)."""

    low: _Share
    high: _Share
    count: _Count
    confidence: _Share  # mean
    accuracy: _Share


@dataclass(frozen=True)
class Answer:
    """What the network said of one image, with probabilities after temperature scaling; of a broken one, only the `fault`."""

    path: str
    predicted: str
    confidence: float
    probabilities: dict[str, float]
    label: str | None = None  # the truth, where known
    fault: str | None = None  # why there is no answer; `predicted` is then empty

    @property
    def answered(self) -> bool:
        """Whether the image could be read."""
        return self.fault is None

    def top(self, count: int) -> list[tuple[str, float]]:
        """The `count` likeliest classes with their probabilities, likeliest first."""
        return sorted(self.probabilities.items(), key=lambda pair: -pair[1])[:count]


@dataclass(frozen=True)
class Evaluation:
    """Every metric on one set of images, each with its interval."""

    count: Annotated[int, Meta(ge=1, le=2**53)]
    source: _Note  # "240 test images", "5-fold cross-validation on 98 images", ...
    accuracy: Estimate
    balanced_accuracy: Estimate
    classes: tuple[ClassScore, ...]
    confusion: tuple[tuple[_Count, ...], ...]  # rows: truth, columns: answer, both in the order of `classes`
    ece_before: Estimate  # expected calibration error with temperature 1
    ece_after: Estimate
    reliability_before: tuple[Bin, ...]
    reliability_after: tuple[Bin, ...]


@dataclass(frozen=True)
class Comparison:
    """The network against a baseline on the same images."""

    baseline: _Note  # "majority class", "nearest neighbour", ...
    baseline_accuracy: Estimate
    gain: Estimate  # network minus baseline, paired
    better: bool  # the interval of the gain lies above zero


@dataclass(frozen=True)
class Provenance:
    """Where a model came from, enough to make it again."""

    receptron: _Note
    versions: Annotated[dict[_Note, _Note], Meta(max_length=100)]  # python, torch, numpy, pillow, ...
    command: Annotated[str, Meta(max_length=100_000)]
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
    data_sha256: _Digest  # over the sorted digests of all images with their labels
    weights: Annotated[str, Meta(max_length=10_000)]  # reference or file of the pretrained weights, or "none"
    weights_sha256: Annotated[str, Meta(pattern="^([0-9a-f]{64})?$")]
    device: _Note
    precision: _Note
    memory_format: _Note
    made: Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d(T\S{1,30})?$")]  # ISO 8601, UTC


@dataclass(frozen=True)
class Card:
    """Everything that predict, evaluate and every later use know about a model besides its weights."""

    net: Annotated[str, Meta(min_length=1, max_length=100)]  # name in the zoo
    classes: Annotated[tuple[_Label, ...], Meta(min_length=2, max_length=MOST_CLASSES)]
    channels: Annotated[int, Meta(ge=1, le=3)]  # 1 or 3
    input: InputSpec
    temperature: Annotated[float, Meta(ge=0.01, le=100)]
    rung: _Note  # what was trained: "linear head", "last stage", "everything", "from scratch"
    parameters: _Count
    macs: _Count  # per image
    evaluation: Evaluation
    comparisons: Annotated[tuple[Comparison, ...], Meta(max_length=100)]
    provenance: Provenance
    format: Annotated[int, Meta(ge=1, le=1)] = 1
