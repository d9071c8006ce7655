"""Real or luck? The plain answer, from the paired comparisons with the baselines, and what a reader should hold against it."""

from dataclasses import dataclass

from receptron.data.splitting.few_groups import few_groups
from receptron.data.splitting.given_folds import departure
from receptron.evaluation.records import BaselineComparison
from receptron.report.words import lead, percent, sentence, things
from receptron.training.records import Run

FEW = 100  # images, below which the interval is wide enough to be told in words


@dataclass(frozen=True)
class ReportVerdict:
    """The answer in a few words, its reason, and how a picture should colour it."""

    kind: str  # "real", "unsure", "worse" or "unknown"
    title: str
    reason: str


def verdict(comparisons: tuple[BaselineComparison, ...]) -> ReportVerdict:
    """Real only where the network beats every baseline by more than chance explains."""
    if not comparisons:
        return ReportVerdict(
            "unknown", "Not compared", "No baseline was measured on the same images, so nothing says what guessing would reach."
        )
    worst = min(comparisons, key=lambda c: c.gain.low)
    against = f"{the(worst.baseline)} ({percent(worst.baseline_accuracy.value)})"
    told = f"{lead(worst.gain)} than {against}, paired on the same {things(worst.gain.count, 'image')}"
    if worst.gain.unknown:
        return ReportVerdict("unknown", "Unknown", f"It did {told}. Images of further groups are needed to tell.")
    if worst.gain.high < 0:
        return ReportVerdict("worse", "Worse than the baseline", f"It did {told}. Do not use this network.")
    if all(c.better for c in comparisons):
        return ReportVerdict("real", "Real, not luck", f"It did {told}. Chance alone does not explain that.")
    return ReportVerdict("unsure", "Could be luck", f"It did {told}. That interval reaches zero: more images are needed to tell.")


def caveats(run: Run) -> tuple[str, ...]:
    """What stands against the headline, one sentence each."""
    evaluation, found = run.card.evaluation, []
    width = (evaluation.accuracy.high - evaluation.accuracy.low) * 100
    if told := few_groups(run.split):
        found.append(told)
    elif evaluation.count < FEW and not evaluation.accuracy.unknown:
        found.append(f"It rests on {things(evaluation.count, 'image')} only, so the interval is {width:.0f} points wide.")
    if told := departure(run.split.given_folds, run.split.noun):
        found.append(told)
    if run.split.leaks:
        found.append(
            f"{things(run.split.leaks, 'test image')} of the given split had a twin in training; the figure here is the one without them."
        )
    if run.input_check and run.input_check.fault:
        found.append(f"{sentence(run.input_check.fault)} Correct what is said of the weights, and train again.")
    errors = sum(f.severity == "error" for f in run.audit.findings)
    if errors:
        found.append(f"{things(errors, 'finding')} in the images {'is' if errors == 1 else 'are'} serious.")
    return tuple(found)


def the(baseline: str) -> str:
    """A baseline as it stands in a sentence."""
    return f"the {baseline}"
