"""The one JSON of a model directory, as records: what the network is, what it expects, how good it is, where it came from."""

from dataclasses import dataclass

from receptron.weights.inputs import InputSpec


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval and how that was found."""

    value: float
    low: float
    high: float
    count: int  # images it rests on
    method: str  # "Wilson", "bootstrap of 2,000 resamples", ...


@dataclass(frozen=True)
class ClassScore:
    """One row of the per-class table."""

    label: str
    support: int  # true images of the class
    precision: Estimate
    recall: Estimate
    f1: Estimate


@dataclass(frozen=True)
class Bin:
    """One bar of the reliability diagram: answers whose confidence lies in [low, high)."""

    low: float
    high: float
    count: int
    confidence: float  # mean
    accuracy: float


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

    count: int
    source: str  # "240 test images", "5-fold cross-validation on 98 images", ...
    accuracy: Estimate
    balanced_accuracy: Estimate
    classes: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...]  # rows: truth, columns: answer, both in the order of `classes`
    ece_before: Estimate  # expected calibration error with temperature 1
    ece_after: Estimate
    reliability_before: tuple[Bin, ...]
    reliability_after: tuple[Bin, ...]


@dataclass(frozen=True)
class Comparison:
    """The network against a baseline on the same images."""

    baseline: str  # "majority class", "nearest neighbour", ...
    baseline_accuracy: Estimate
    gain: Estimate  # network minus baseline, paired
    better: bool  # the interval of the gain lies above zero


@dataclass(frozen=True)
class Provenance:
    """Where a model came from, enough to make it again."""

    receptron: str
    versions: dict[str, str]  # python, torch, numpy, pillow, ...
    command: str
    seed: int
    data_sha256: str  # over the sorted digests of all images with their labels
    weights: str  # reference or file of the pretrained weights, or "none"
    weights_sha256: str
    device: str
    precision: str
    memory_format: str
    made: str  # ISO 8601, UTC


@dataclass(frozen=True)
class Card:
    """Everything that predict, evaluate and every later use know about a model besides its weights."""

    net: str  # name in the zoo
    classes: tuple[str, ...]
    channels: int
    input: InputSpec
    temperature: float
    rung: str  # what was trained: "linear head", "last stage", "everything", "from scratch"
    parameters: int
    macs: int  # per image
    evaluation: Evaluation
    comparisons: tuple[Comparison, ...]
    provenance: Provenance
    format: int = 1
