"""Real or luck? The plain answer, from the paired comparisons with the baselines, and what a reader should hold against it."""

from dataclasses import dataclass

from receptron.data.splitting.few_groups import few_groups
from receptron.evaluation.records import BaselineComparison
from receptron.report.words import gain, percent, things
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
    figures = f"{gain(worst.gain)}, paired on the same {things(worst.gain.count, 'image')}"
    if worst.gain.unknown:
        return ReportVerdict("unknown", "Unknown", f"Its gain over {against} is {figures}. Images of further groups are needed to tell.")
    if worst.gain.high < 0:
        return ReportVerdict("worse", "Worse than the baseline", f"It does worse than {against}: {figures}. Do not use this network.")
    if all(c.better for c in comparisons):
        return ReportVerdict("real", "Real, not luck", f"It beats {against} by {figures}. Chance alone does not explain that.")
    return ReportVerdict(
        "unsure", "Could be luck", f"Its gain over {against} is {figures}. That interval reaches zero: more images are needed to tell."
    )


def caveats(run: Run) -> tuple[str, ...]:
    """What stands against the headline, one sentence each."""
    evaluation, found = run.card.evaluation, []
    width = (evaluation.accuracy.high - evaluation.accuracy.low) * 100
    if told := few_groups(run.split):
        found.append(told)
    elif evaluation.count < FEW and not evaluation.accuracy.unknown:
        found.append(f"It rests on {things(evaluation.count, 'image')} only, so the interval is {width:.0f} points wide.")
    if run.split.leaks:
        found.append(
            f"{things(run.split.leaks, 'test image')} of the given split had a twin in training; the figure here is the one without them."
        )
    errors = sum(f.severity == "error" for f in run.audit.findings)
    if errors:
        found.append(f"{things(errors, 'finding')} in the images {'is' if errors == 1 else 'are'} serious.")
    return tuple(found)


def the(baseline: str) -> str:
    """A baseline as it stands in a sentence."""
    return f"the {baseline}"
