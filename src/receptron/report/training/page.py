"""One HTML page from one `Run`: what stands in it is gathered here, how it looks is in page.html.j2 and page.css."""

from collections.abc import Callable
from pathlib import Path

from receptron.atomic_write import write_file
from receptron.data.reading.file_bytes import IMAGE_MEMORY, within
from receptron.report import words
from receptron.report.frame import framed
from receptron.report.svg import Chart
from receptron.report.thumbnails import Pictures, Thumbnails, data_uri, from_folder
from receptron.report.training.commands import again, following, reviewing
from receptron.report.training.confusion import confusion, mixups
from receptron.report.training.curves import curves, rate_test
from receptron.report.training.decisions import timed
from receptron.report.training.intervals import IntervalRow, baselines, chart, recalls, track
from receptron.report.training.learning_curve import learning_curve
from receptron.report.training.of_a_hundred import of_a_hundred
from receptron.report.training.reliability import reliability
from receptron.report.training.selection import answers_shown, by_label, files_shown, findings_shown, samples_shown, suspects_shown
from receptron.report.training.verdict import caveats, verdict
from receptron.training.records import Run
from receptron.wording import counted

FILTERS: dict[str, Callable[..., str]] = {
    "percent": words.percent,
    "interval": words.interval,
    "with_interval": words.with_interval,
    "lead": words.lead,
    "gain": words.gain,
    "number": words.number,
    "magnitude": words.magnitude,
    "duration": words.duration,
    "day": words.day,
    "sentence": words.sentence,
    "shortened": words.shortened,
}
TOOLS: dict[str, object] = {
    "track": track,
    "of_hundred": words.of_hundred,
    "things": words.things,
    "counted": counted,
    "files_shown": files_shown,
    "by_label": by_label,
}


def write(run: Run, images: Pictures | Path | None = None, sheet: bytes | None = None) -> Path:
    """Write the report to `run.report`, whole or not at all.

    `images` gives the bytes of an image by its path in the record, or is the folder where those paths start; left out, the audited root.
    `sheet` is a WebP of training images as the network saw them. Raises: StorageFault.
    """
    write_file(run.report, render(run, images, sheet))
    return run.report


def render(run: Run, images: Pictures | Path | None = None, sheet: bytes | None = None) -> str:
    """The page as text. Images that cannot be read are named in their place; nothing outside the page is ever asked for."""
    limits = within(float(run.settings.get("image memory", IMAGE_MEMORY)))
    source = images if callable(images) else from_folder(images or run.audit.root, limits)
    told = content(run, Thumbnails(source, run.card.depth, limits)) | {"sheet": data_uri(sheet) if sheet else ""}
    return framed("training/page.html.j2", told | TOOLS, FILTERS, ["training/page.css"])


def content(run: Run, picture: Thumbnails) -> dict[str, object]:
    """What the page tells, by the names that its template uses. Mistakes are looked at most, so they spend the budget of bytes first."""
    card = run.card
    return {
        "run": run,
        "card": card,
        "evaluation": card.evaluation,
        "provenance": card.provenance,
        "verdict": verdict(card.comparisons),
        "caveats": caveats(run),
        "figures": figures(run),
        "rate_tests": [drawn for found in run.rate_searches if (drawn := rate_test(found))],
        "curves": curves(run.curves),
        "mixups": mixups(card.evaluation),
        "mistakes": answers_shown(run.mistakes, picture),
        "doubtful": answers_shown(run.doubtful, picture),
        "suspects": suspects_shown(run.suspects, picture),
        "findings": findings_shown(run.audit.findings, picture),
        "samples": samples_shown(run.samples, picture),
        "again": again(run),
        "reviewing": reviewing(run),
        "timed": timed(run.decisions),
        "following": following(run),
    }


def figures(run: Run) -> dict[str, Chart]:
    """Every chart of the page but the curves, by its name there; a chart without data is left out."""
    card, evaluation = run.card, run.card.evaluation
    found = {
        "of_a_hundred": of_a_hundred(evaluation.accuracy),
        "baselines": baselines(evaluation, card.comparisons),
        "confusion": confusion(evaluation),
        "recalls": recalls(evaluation.classes),
        "before": reliability("before temperature scaling", evaluation.reliability_before, evaluation.ece_before),
        "after": reliability("after temperature scaling", evaluation.reliability_after, evaluation.ece_after),
    }
    if (curve := learning_curve(run.learning_curve)) is not None:
        found["learning_curve"] = curve
    if run.given is not None:
        rows = [IntervalRow("honest, leaks removed", evaluation.accuracy, main=True), IntervalRow("test side as given", run.given.accuracy)]
        found["given"] = chart("The honest figure beside the given one", rows)
    return found
