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
    learning: "RungLearning | None" = None  # how its layers learn; None: nothing in it is trained by the loop


@dataclass(frozen=True)
class LayerRate:
    """How fast one level of a network learns."""

    level: str  # "head", "stage 4" or "stem"
    share: float  # of the rung's rate
    rate: float  # at its highest
    from_epoch: int  # from 1


@dataclass(frozen=True)
class RungLearning:
    """How the layers of a rung learn."""

    layers: tuple[LayerRate, ...]  # from the head backward
    batchnorm: str  # "trained", "frozen" or "re-estimated"
    norms: str  # the same in words
    sizes: str = ""  # at which sizes images were shown, where they differ from that of the network

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The small table: level, share of the rate, highest rate, first epoch; neighbours that are alike stand in one row."""
        rows: list[tuple[str, ...]] = []
        for layer in self.layers:
            told = (f"{layer.share:.3g}", f"{layer.rate:.2g}", str(layer.from_epoch))
            if rows and rows[-1][1:] == told:
                rows[-1] = (f"{rows[-1][0].split(' to ')[0]} to {layer.level}", *told)
            else:
                rows.append((layer.level, *told))
        return rows


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
class TriedPoint:
    """One rate and decay tried for training from scratch, and how it did on images that it had not learnt from."""

    rate: float
    decay: float
    epochs: int  # it was tried for
    loss: float | None  # log-loss after temperature scaling; None where it diverged
    accuracy: float | None


@dataclass(frozen=True)
class ScratchSearch:
    """Which rate and decay to train from scratch with."""

    rate: float
    decay: float
    default: tuple[float, float]  # rate and decay that would have been taken unsearched
    learnt_from: int  # images
    chosen_by: int  # images, which neither the search learnt from nor the figures of the run rest on
    tried: tuple[TriedPoint, ...]  # round by round
    unknown: str  # why the default was taken without a search; empty where there was one
    gain: float | None = None  # how much less log-loss the best had than the default; None: it is the default, or one of them diverged
    error: float | None = None  # standard error of that, paired image by image; None as well where it cannot be told

    @property
    def words(self) -> str:
        """What was chosen and why, in one line."""
        point = f"rate {self.rate:g} and decay {self.decay:g}"
        if self.unknown:
            return f"{point} not searched for: {self.unknown}"
        longest = max(one.epochs for one in self.tried)
        count = len({(one.rate, one.decay) for one in self.tried})
        finalists = [one for one in self.tried if one.epochs == longest and one.loss is not None]
        if not finalists:
            return f"{point} not found wanting: every one of {count} tried diverged"
        best = min(finalists, key=lambda one: one.loss or 0.0)
        loss, by = f"{best.loss:.3f}", f"by log-loss on {counted(self.chosen_by, 'image')} set aside"
        if self.gain is None:
            usual = "it is the default" if (best.rate, best.decay) == self.default else "the default diverged"
            return f"{point} were the best of {count} tried, {by} ({loss}): {usual}"
        leader, less = f"rate {best.rate:g} and decay {best.decay:g}", f"{self.gain:.3f} less than the default"
        ours = f"{leader} were the best of {count} tried, {by} ({loss}, {less})"
        error = "that of so few cannot be told" if self.error is None else f"{self.error:.3f}"
        if (best.rate, best.decay) == (self.rate, self.decay):
            return f"{ours}, which is more than one standard error ({error})"
        return f"{point} stay, the default: {ours}, which is no more than one standard error ({error})"


@dataclass(frozen=True)
class SyntheticEffect:
    """What synthetic images brought, judged on real images that were held out; they are left out where they surely hurt."""

    judged: str  # the rung that learnt with and without them
    without: Estimate | None  # right answers of that rung without them; None: not measured
    beside: Estimate | None  # and with them
    gain: Estimate | None  # of the second over the first, paired
    used: bool
    unknown: str = ""  # why nothing was measured; empty where it was


@dataclass(frozen=True)
class SyntheticImages:
    """Generated images that were learnt from beside the real ones, and never judged on."""

    folder: str
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]  # over the digests of those that could be used, with their labels
    images: int  # that could be used
    classes: dict[str, int]
    missing: tuple[str, ...]  # classes without one
    copies_of_test: int  # left out: copies of real images of the test side
    copies_of_training: int  # left out: copies of real training images, which are held out in turn
    broken: int  # that cannot be read
    effect: SyntheticEffect | None = None

    @property
    def words(self) -> str:
        """What was used, in one line."""
        told = f"{counted(self.images, 'image')} of {self.folder}"
        away = [f"{counted(self.copies_of_test, 'copy')} of test images"] if self.copies_of_test else []
        away += [f"{counted(self.copies_of_training, 'copy')} of training images"] if self.copies_of_training else []
        away += [f"{self.broken:,} unreadable"] if self.broken else []
        told += f" ({', '.join(away)} left out)" if away else ""
        used = self.effect is None or self.effect.used
        return f"{told}, learnt from beside the real ones" if used else f"{told}, not learnt from: they surely hurt"

    @property
    def effect_words(self) -> str:
        """What they brought, in one line."""
        found = self.effect
        if found is None or found.gain is None or found.beside is None:
            return f"what they bring is unknown, because {found.unknown if found else 'it was not measured'}"
        ends = found.gain.method if found.gain.unknown else f"{100 * found.gain.low:+.1f} to {100 * found.gain.high:+.1f}"
        real = counted(found.gain.count, "real image")
        return f"{found.judged} {100 * found.gain.value:+.1f} points ({ends}) with them on {real} held out, to {found.beside.words}"


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
        searches: Which rate and decay a training from scratch took, and what else was tried; one for each network that is judged.
        balance: How classes with few images were weighed, and what was tried; None: not asked for.
        rate_searches: Range tests that found a learning rate, where one was to be found.
        synthetic: Generated images that were learnt from, and what they brought; None where none were given.

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
    searches: tuple[ScratchSearch, ...] = ()
    balance: BalanceRecord | None = None
    rate_searches: tuple[RateSearch, ...] = ()
    synthetic: SyntheticImages | None = None
