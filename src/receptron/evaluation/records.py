"""What measuring a model gives, as records: each number with its interval, every value's range beside it, held when it is read back."""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from msgspec import Meta

from receptron.data.audit.preconditions import LONGEST_LABEL
from receptron.wording import counted

ROUNDING = 1e-9
TOO_FEW = "unknown: too few groups"  # the method of an interval that could not be made, which then spans everything
Count: TypeAlias = Annotated[int, Meta(ge=0, le=2**53)]
Label: TypeAlias = Annotated[str, Meta(min_length=1, max_length=LONGEST_LABEL)]
Note: TypeAlias = Annotated[str, Meta(max_length=1000)]
_Share: TypeAlias = Annotated[float, Meta(ge=-ROUNDING, le=1 + ROUNDING)]


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval and how that was found; a share of images, or the difference of two shares.

    Attributes:
        value: What was measured, -1 to 1.
        low: Lower end of the interval.
        high: Upper end of the interval.
        count: Images it rests on.
        method: How the interval was made: "Wilson", "bootstrap of 2,000 resamples", `TOO_FEW`, ...

    Example:
        >>> from receptron import load
        >>> found = load("digits-model").card.evaluation.accuracy
        >>> found.low < found.value < found.high, found.count, found.method
        (True, 359, 'Wilson')
    """

    value: Annotated[float, Meta(ge=-1 - ROUNDING, le=1 + ROUNDING)]
    low: Annotated[float, Meta(ge=-1 - ROUNDING, le=1 + ROUNDING)]
    high: Annotated[float, Meta(ge=-1 - ROUNDING, le=1 + ROUNDING)]
    count: Count
    method: Note

    @property
    def unknown(self) -> bool:
        """Whether nothing is known of how sure the value is; the interval then spans everything."""
        return self.method == TOO_FEW

    @property
    def words(self) -> str:
        """As it is told, a share as percent.

        >>> Estimate(0.9234, 0.886, 0.95, 100, "Wilson").words, Estimate(0.9, 0, 1, 10, TOO_FEW).words
        ('92.3 % (88.6 to 95.0 %)', '90.0 % (unknown: too few groups)')
        """
        return f"{100 * self.value:.1f} % ({self.method if self.unknown else f'{100 * self.low:.1f} to {100 * self.high:.1f} %'})"


@dataclass(frozen=True)
class ClassScore:
    """One row of the per-class table."""

    label: Label
    support: Count  # true images of the class
    precision: Estimate
    recall: Estimate
    f1: Estimate


@dataclass(frozen=True)
class Bin:
    """One bar of the reliability diagram: answers whose confidence lies in [low, high)."""

    low: _Share
    high: _Share
    count: Count
    confidence: _Share  # mean
    accuracy: _Share


@dataclass(frozen=True)
class Novelty:
    """Whether an image is of none of the classes that the network knows, and what says so.

    Attributes:
        none_of_these: Whether a score is over its limit in the model's `NoveltyRule`, as it is for about 5 % of known images.
        by: The scores that are: "neighbour distance" finds what is unrelated, "relative Mahalanobis distance" what is near.
        neighbours: Distance to the nearest training images, 0 to 2.
        mahalanobis: Distance to the nearest class minus that to all images; the larger, the stranger.

    Example:
        >>> from receptron import load
        >>> found = load("digits-model").predict(["scans/first.png"])[0].novelty
        >>> found.none_of_these == bool(found.by), 0 <= found.neighbours <= 2
        (True, True)
    """

    none_of_these: bool
    by: tuple[str, ...]
    neighbours: float
    mahalanobis: float


@dataclass(frozen=True)
class Answer:
    """What the network said of one image, with probabilities after temperature scaling; of a broken one, only the `fault`.

    Attributes:
        path: The image's path, or its number where it has none.
        predicted: The likeliest class, or where training had balanced the classes what would be if all were as common; empty where
            there is no answer.
        confidence: Its probability, 0 to 1.
        probabilities: That of every class.
        label: The true class, where known.
        fault: Why there is no answer; None where there is one.
        candidates: The classes of which the true one is one with the coverage of the model's `SetRule`, likeliest first;
            empty if it has none, or too few images to make one of.
        novelty: Whether it is of none of the classes; None where the model cannot tell.

    Example:
        >>> from receptron import load
        >>> known, broken = load("digits-model").predict(["scans/first.png", "gone.png"])
        >>> known.predicted in known.probabilities, broken.fault
        (True, 'no such file')
    """

    path: str
    predicted: str
    confidence: float
    probabilities: dict[str, float]
    label: str | None = None
    fault: str | None = None
    candidates: tuple[str, ...] = ()
    novelty: Novelty | None = None

    @property
    def answered(self) -> bool:
        """Whether the image could be read."""
        return self.fault is None

    def top(self, count: int) -> list[tuple[str, float]]:
        """What is answered and then the likeliest other classes, with their probabilities.

        Args:
            count: How many, at most.

        Returns:
            The answer first, which of most models is the likeliest class.

        Example:
            >>> Answer("a.png", "cat", 0.7, {"ant": 0.1, "cat": 0.7, "dog": 0.2}).top(2)
            [('cat', 0.7), ('dog', 0.2)]
        """
        return sorted(self.probabilities.items(), key=lambda pair: (pair[0] != self.predicted, -pair[1]))[:count]


@dataclass(frozen=True)
class SetRule:
    """Which classes are in an image's set: those of at least the probability `least`, and the likeliest one always.

    Attributes:
        coverage: Share of images whose set holds the true class, over many images like those that the rule was made from.
        least: Probability, after temperature scaling; 0 where there were too few images to promise anything less than every class.
        count: Images, or groups of images, that it was made from.
        grouped: Whether they were groups.

    Example:
        >>> from receptron import load
        >>> rule = load("digits-model").card.sets
        >>> rule.coverage, rule.grouped, 0 < rule.least < 1
        (0.95, False, True)
    """

    coverage: Annotated[float, Meta(gt=0, lt=1)]
    least: _Share
    count: Count
    grouped: bool


@dataclass(frozen=True)
class SetFigures:
    """What sets of classes come to on images that their rule was not made from."""

    held: Estimate  # share of images whose set holds the true class
    single: Estimate  # share of images whose set is one class
    mean_size: Annotated[float, Meta(ge=0)]  # classes in a set


@dataclass(frozen=True)
class SuspectLabel:
    """A training image whose label is probably wrong, by answers of networks that never saw it."""

    path: str
    label: str  # as given
    belief: float  # probability of that label
    usual: float  # mean probability of that label over all training images that bear it
    likelier: str  # the class that it more probably is
    likelier_belief: float
    examples: tuple[str, ...] = ()  # the images most like it whose label is believed, of its label
    likelier_examples: tuple[str, ...] = ()  # and of the class that it more probably is


@dataclass(frozen=True)
class SuspectLabels:
    """Every training image whose label is probably wrong, the least believed first; or why that cannot be told."""

    images: tuple[SuspectLabel, ...]
    looked_at: int  # training images with an out-of-fold answer
    judged_by: str  # the rung whose out-of-fold answers were taken
    unknown: str = ""  # why nothing can be told; empty where it can
    decided: int = 0  # images that would be doubted too, had not a person said their class

    @property
    def decided_words(self) -> str:
        """How many are not listed because a person looked at them, as a sentence; empty where none is."""
        return f"{counted(self.decided, 'more image')} would be doubted, but a person said the class." if self.decided else ""


@dataclass(frozen=True)
class CurvePoint:
    """One size of a learning curve."""

    share: _Share  # of the training images that a head learnt from
    accuracy: _Share  # on those that it did not


@dataclass(frozen=True)
class PredictedShare:
    """A share of images that nobody has measured yet, with its 90 % interval."""

    value: _Share
    low: _Share
    high: _Share


@dataclass(frozen=True)
class ClassCurve:
    """The learning curve of one class, of the share of its images that are answered rightly; None where it has too few."""

    label: Label
    images: Count  # training images
    points: tuple[CurvePoint, ...]
    now: PredictedShare | None
    doubled: PredictedShare | None


@dataclass(frozen=True)
class LearningCurve:
    """What twice the training images would bring the linear head; or why that cannot be told."""

    points: tuple[CurvePoint, ...]  # smallest first
    now: PredictedShare | None  # with all images that are here
    doubled: PredictedShare | None  # with twice as many, of every class
    classes: tuple[ClassCurve, ...]
    next_class: str = ""  # whose share of right answers twice its images would raise most
    next_unknown: str = ""  # why no class can be named
    images: Count = 0  # training images
    unknown: str = ""  # why nothing can be told; empty where it can

    @property
    def words(self) -> str:
        """In one line.

        >>> now, doubled = PredictedShare(0.88, 0.86, 0.9), PredictedShare(0.91, 0.885, 0.93)
        >>> print(LearningCurve((), now, doubled, (), next_class="tulips", images=400).words)
        a linear head on twice the 400 images is right on 88.5 to 93.0 % (90 % interval), now 88.0 %; most would come of more tulips
        >>> LearningCurve((), None, None, (), unknown="there is one class only").words
        'unknown, because there is one class only'
        """
        if self.now is None or self.doubled is None:
            return f"unknown, because {self.unknown}"
        ends = f"{100 * self.doubled.low:.1f} to {100 * self.doubled.high:.1f} %"
        told = f"a linear head on twice the {self.images:,} images is right on {ends} (90 % interval), now {100 * self.now.value:.1f} %"
        wanted = f"most would come of more {self.next_class}" if self.next_class else f"of which class is unknown: {self.next_unknown}"
        return f"{told}; {wanted}"


@dataclass(frozen=True)
class Evaluation:
    """Every metric on one set of images, each with its interval.

    Attributes:
        count: Images.
        source: Which: "240 test images", "5-fold cross-validation on 98 images", ...
        accuracy: Share of right answers.
        balanced_accuracy: Mean recall of the classes.
        classes: Precision, recall and F1 of each.
        confusion: Counts; rows are the truth, columns the answer, both in the order of the classes.
        ece_before: Expected calibration error with temperature 1.
        ece_after: The same with the model's temperature.
        reliability_before: Bars of the reliability diagram with temperature 1.
        reliability_after: The same with the model's temperature.

    Source: Guo et al. 2017, On Calibration of Modern Neural Networks, arXiv:1706.04599, for the calibration error.

    Example:
        >>> from receptron import load
        >>> found = load("digits-model").card.evaluation
        >>> found.count, len(found.confusion), found.classes[0].label
        (359, 10, '0')
    """

    count: Annotated[int, Meta(ge=1, le=2**53)]
    source: Note
    accuracy: Estimate
    balanced_accuracy: Estimate
    classes: tuple[ClassScore, ...]
    confusion: tuple[tuple[Count, ...], ...]
    ece_before: Estimate
    ece_after: Estimate
    reliability_before: tuple[Bin, ...]
    reliability_after: tuple[Bin, ...]


@dataclass(frozen=True)
class BaselineComparison:
    """The network against a baseline on the same images."""

    baseline: Note  # "majority class", "nearest neighbour", ...
    baseline_accuracy: Estimate
    gain: Estimate  # network minus baseline, paired
    better: bool  # the interval of the gain lies above zero
