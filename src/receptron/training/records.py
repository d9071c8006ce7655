"""Everything that one run of the main job found out: the record that the screen prints and the report draws."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from msgspec import Meta

from receptron.bundle.card import ModelCard
from receptron.data.records import Audit, SplitSummary
from receptron.evaluation.records import ROUNDING, Answer, Estimate, Evaluation, LearningCurve, SuspectLabels
from receptron.training.balancing.records import BalanceRecord
from receptron.training.rate_search import RateSearch
from receptron.wording import counted

Seconds: TypeAlias = Annotated[float, Meta(ge=0, le=1e9)]


@dataclass(frozen=True)
class RungRecord:
    """One step of the ladder that was validated."""

    name: str  # "majority class", "nearest neighbour", "linear head", "last stage", "everything", "from scratch"
    accuracy: Estimate | None  # cross-validated on the training side; None where that was not done
    gain: Estimate | None  # over the rung below, paired
    seconds: Seconds
    taken: bool
    why: str  # why it was taken or left, in one sentence
    short_of_time: bool = False  # it was left because the time did not suffice; more may change that


@dataclass(frozen=True)
class PhaseName:
    """Which phase of training: what is trained, and without which images.

    >>> str(PhaseName("last stage", 0)), str(PhaseName("last stage"))
    ('last stage, without fold 1', 'last stage, all training images')
    """

    rung: str
    fold: int | None = None  # that is held out, from 0; None: all training images are learnt from

    def __str__(self) -> str:
        return f"{self.rung}, " + ("all training images" if self.fold is None else f"without fold {self.fold + 1}")


@dataclass(frozen=True)
class EpochRecord:
    """One epoch of one training phase."""

    phase: PhaseName
    epoch: int  # from 0, as the loop counts; people are shown it from 1
    loss: float
    accuracy: float | None  # on the images held out, where there are any
    rate: float  # learning rate at the epoch's end
    images_per_second: float


@dataclass(frozen=True)
class RankedWeights:
    """Weights that were at hand for `--net auto`, and how a linear head on their frozen features did."""

    net: str
    reference: str
    accuracy: Estimate | None  # cross-validated on training images; None where there was no time
    gain: Estimate | None  # over the weights that were chosen, paired on the same images; None for those
    seconds: float | None  # to see every training image once on this machine
    chosen: bool
    why: str


@dataclass(frozen=True)
class Trial:
    """One number format tried on this machine."""

    stage: str  # what was timed: "features", "features of NET", "last stage", "everything" or "from scratch"
    precision: str
    memory_format: str
    images_per_second: float
    chosen: bool


@dataclass(frozen=True)
class InputCheck:
    """Whether pretrained weights are fed as they were trained: what reaches their first BatchNorm, beside what that keeps."""

    layer: str  # the first BatchNorm; empty where there is none
    images: int  # training images that were looked at
    misfit: float | None  # median over channels of the divergence of the two normal distributions, in nats; None: unknown
    better: str  # a usual normalisation under which they fit much better, as "mean 0.5, std 0.5"; empty: none known, or none needed
    better_misfit: float | None
    fault: str  # what is wrong, as a sentence; empty where nothing was found
    unknown: str = ""  # why nothing could be checked


@dataclass(frozen=True)
class AugmentationRecord:
    """How training images were varied."""

    policy: str  # its name; "auto" has become one
    changes: tuple[tuple[str, str], ...]  # what, and how far
    left_out: tuple[str, ...] = ()  # what of the policy was not applied, each with the reason
    reasons: tuple[tuple[str, str], ...] = ()  # why the policy changes nothing else: what, and the reason


@dataclass(frozen=True)
class JudgedImage:
    """What a network said of one image that it had not learnt from."""

    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    label: str
    predicted: str
    confidence: Annotated[float, Meta(ge=0, le=1 + ROUNDING)]
    group: Annotated[int, Meta(ge=0)]  # images of one number are not independent


@dataclass(frozen=True)
class LabelCorrections:
    """What tables of corrections changed, and what that brought against the run whose labels were reviewed."""

    tables: tuple[str, ...]
    changed: int  # labels
    confirmed: int  # labels that were decided to be right
    undecided: int  # rows without a decision
    run: str  # folder of the run that was reviewed; empty where no table names one
    gain: Estimate | None = None  # in accuracy, paired on the images that both runs were judged on by the same labels
    images: int = 0  # of these
    mended: int = 0
    broken: int = 0
    unknown: str = ""  # why there is no gain; empty where there is

    @property
    def words(self) -> str:
        """What the tables said, in one line."""
        rows = f"{counted(self.undecided, 'row')} without a decision"
        return f"{counted(self.changed, 'label')} changed, {self.confirmed:,} confirmed, {rows}"

    @property
    def gain_words(self) -> str:
        """What that brought, in one line."""
        if self.gain is None:
            return f"gain unknown, because {self.unknown}"
        ends = self.gain.method if self.gain.unknown else f"{100 * self.gain.low:+.1f} to {100 * self.gain.high:+.1f}"
        answers = f"{self.mended:,} answers mended, {self.broken:,} broken"
        return f"{100 * self.gain.value:+.1f} points ({ends}) against {self.run} on the same {counted(self.images, 'image')}: {answers}"


@dataclass(frozen=True)
class Stage:
    """Seconds that one part of the run took."""

    name: str
    seconds: Seconds


@dataclass(frozen=True)
class Run:
    """Everything that one training found out. `train` makes one.

    Attributes:
        model: The model directory.
        report: The report, one HTML file.
        card: What is known of the network.
        audit: What is wrong with the images.
        split: How the sides came about.
        ladder: Steps of the ladder, with why each was taken or left.
        stopped: Why the ladder ended where it did.
        curves: One row an epoch.
        trials: Number formats that were tried on this machine.
        stages: Seconds of each part of the run.
        mistakes: Wrong answers, surest first.
        doubtful: Right answers, least sure first.
        given: Figures on the user's own test side as given, where it leaked.
        samples: A few files per class.
        decisions: What was decided by the clock of this machine; `--like` gives it to another run.
        settings: Every flag and its value.
        seconds: Of all sittings.
        interrupted: Whether a Ctrl-C ended it early; it can be gone on with.
        suspects: Training images that are probably mislabelled; None: not looked for.
        input_check: Whether pretrained weights are fed as they were trained; None: from scratch, where nothing is expected.
        ranking: The weights at hand, best first, where the network was to be chosen among them.
        augmentation: How training images were varied; None in runs of before.
        judged: Every image that the figures rest on, with its answer: what another run is compared by.
        corrections: What tables of corrected labels changed and brought; None where none was given.
        learning_curve: Whether more images would help; None: not looked for.
        balance: How classes with few images were weighed, and what was tried; None: not asked for.
        rate_searches: Range tests that found a learning rate, where one was to be found.

    Example:
        >>> from pathlib import Path
        >>> from receptron.records import from_json
        >>> run = from_json(Path("digits-model/run.json").read_bytes(), Run)
        >>> run.card.net, [rung.name for rung in run.ladder]
        ('lenet5', ['majority class', 'nearest neighbour', 'from scratch'])
    """

    model: Path
    report: Path
    card: ModelCard
    audit: Audit
    split: SplitSummary
    ladder: tuple[RungRecord, ...]
    stopped: str
    curves: tuple[EpochRecord, ...]
    trials: tuple[Trial, ...]
    stages: tuple[Stage, ...]
    mistakes: tuple[Answer, ...]
    doubtful: tuple[Answer, ...]
    given: Evaluation | None
    samples: dict[str, tuple[str, ...]]
    decisions: dict[str, Any]
    settings: dict[str, str]
    seconds: Seconds
    interrupted: bool = False
    suspects: SuspectLabels | None = None
    input_check: InputCheck | None = None
    ranking: tuple[RankedWeights, ...] = ()
    augmentation: AugmentationRecord | None = None
    judged: tuple[JudgedImage, ...] = ()
    corrections: LabelCorrections | None = None
    learning_curve: LearningCurve | None = None
    balance: BalanceRecord | None = None
    rate_searches: tuple[RateSearch, ...] = ()
