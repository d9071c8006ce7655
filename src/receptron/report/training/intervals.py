"""A value with its interval on a line from 0 to 100 %: for baselines, rungs, and classes."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from receptron.evaluation.records import BaselineComparison, ClassScore, Estimate, Evaluation
from receptron.report.svg import Chart, box, line, tag
from receptron.report.words import interval, number, percent, shortened, with_interval

MOST_ROWS = 60  # classes drawn; the table beside names all


@dataclass(frozen=True)
class IntervalRow:
    """One named line of the chart."""

    name: str
    estimate: Estimate
    main: bool = False  # the one that the chart is about


def track(estimate: Estimate, *, main: bool = True, bar: bool = False) -> Markup:
    """The line itself, stretched to its place: a dot or bar at the value, a whisker over the interval.

    Strokes do not stretch with the picture, so the dot, a stroke of no length with round ends, stays round at any width.
    """
    tone = "main" if main else "quiet"
    low, value, high = (min(max(100 * v, 0), 100) for v in (estimate.low, estimate.value, estimate.high))
    marks = [line(0, 10, 100, 10, "rail")]
    if bar:
        marks.append(box(0, 4, value, 12, f"bar {tone}"))
    marks.append(line(low, 10, high, 10, f"whisker {tone}{' over' if bar else ''}"))
    if not bar:
        marks.append(line(value, 10, value, 10, f"dot {tone}"))
    attributes = {"class": "track", "viewBox": "0 0 100 20", "preserveAspectRatio": "none", "aria-hidden": "true", "focusable": "false"}
    return tag("svg", attributes, *marks)


def chart(title: str, rows: Sequence[IntervalRow], *, bar: bool = False) -> Chart:
    """All rows under one another on one scale."""
    text = f"{title}. " + "; ".join(f"{row.name}: {with_interval(row.estimate)}" for row in rows) + "."
    drawn = [_row(row, bar) for row in rows]
    scale = tag("div", {"class": "scale"}, *(tag("span", {}, mark) for mark in ("0", "25", "50", "75", "100\N{NO-BREAK SPACE}%")))
    numbers = tuple((r.name, percent(r.estimate.value), interval(r.estimate), number(r.estimate.count), r.estimate.method) for r in rows)
    picture = tag("div", {"class": "rows", "role": "img", "aria-label": text}, *drawn, scale)
    return Chart(title, text, picture, ("", "Value", "95 % interval", "Images", "Method"), numbers)


def baselines(evaluation: Evaluation, comparisons: Sequence[BaselineComparison]) -> Chart:
    """The network's accuracy above that of each baseline on the same images."""
    below = sorted(comparisons, key=lambda c: -c.baseline_accuracy.value)
    rows = [IntervalRow("this network", evaluation.accuracy, main=True), *(IntervalRow(c.baseline, c.baseline_accuracy) for c in below)]
    return chart("Accuracy beside the baselines", rows)


def recalls(classes: Sequence[ClassScore]) -> Chart:
    """How many images of each class were found, the hardest class first."""
    hardest = sorted(classes, key=lambda c: c.recall.value)[:MOST_ROWS]
    title = "Found of each class (recall), hardest first" + (f", {len(hardest)} of {len(classes)}" if len(hardest) < len(classes) else "")
    return chart(title, [IntervalRow(c.label, c.recall, main=True) for c in hardest], bar=True)


def _row(row: IntervalRow, bar: bool) -> Markup:
    name = tag("span", {"class": "name", "title": row.name}, tag("bdi", {}, shortened(row.name, 30)))
    value = tag("span", {"class": "value"}, percent(row.estimate.value))
    return tag("div", {"class": "row main" if row.main else "row"}, name, track(row.estimate, main=row.main, bar=bar), value)
