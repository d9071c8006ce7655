"""Accuracy against the number of training images: measured on parts of them, and with its interval at twice as many."""

import math
from collections.abc import Sequence

from receptron.evaluation.records import ClassCurve, LearningCurve, PredictedShare
from receptron.report.scales import Scale, ticks
from receptron.report.svg import Chart, Key, label, line, picture, tag
from receptron.report.words import NOTHING, percent

WIDTH, HEIGHT = 420, 250
LEFT, RIGHT, TOP, BOTTOM = 46, 34, 14, 40


def learning_curve(found: LearningCurve | None) -> Chart | None:
    """The curve, or None where there is none. Images are on a scale on which each doubling is as wide."""
    if found is None or found.now is None or found.doubled is None:
        return None
    at = [(point.share * found.images, point.accuracy) for point in found.points]
    ends = [(found.images, found.now), (2 * found.images, found.doubled)]
    x = Scale(math.log2(at[0][0]), math.log2(2 * found.images), LEFT, WIDTH - RIGHT)
    low = min([accuracy for _, accuracy in at] + [one.low for _, one in ends])
    y = Scale(math.floor(low * 10) / 10, 1, HEIGHT - BOTTOM, TOP)
    text = (
        f"Accuracy of the linear head: {percent(at[0][1])} from {at[0][0]:,.0f} images, {percent(found.now.value)} from {found.images:,}, "
    )
    text += f"{percent(found.doubled.low)} to {percent(found.doubled.high)} predicted from {2 * found.images:,}."
    measured = [(x(math.log2(count)), y(accuracy)) for count, accuracy in at]
    strokes = [
        tag("path", {"d": "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in measured), "class": "curve"}),
        *(tag("circle", {"cx": a, "cy": b, "r": 4.0, "class": "curve end"}) for a, b in measured),
        *(_reach(x(math.log2(count)), one, y) for count, one in ends),
    ]
    legend = (Key("curve", "measured on parts of the images"), Key("believed", "predicted, with its 90 % interval"))
    columns = ("", *(f"{count:,.0f} images" for count, _ in at), "All", "Twice as many", "90 % interval")
    return Chart("Accuracy of the linear head by the number of training images", text,
                 picture(WIDTH, HEIGHT, text, *_axes(x, y, [at[0][0], found.images / 2, found.images, 2 * found.images]), *strokes),
                 columns, _rows(found), legend)  # fmt: skip


def _reach(x: float, one: PredictedShare, y: Scale) -> str:
    """A predicted figure: a stroke over its interval, and a dot."""
    stroke = line(x, y(one.low), x, y(one.high), "believed")
    return tag("g", {}, stroke, tag("circle", {"cx": x, "cy": y(one.value), "r": 4.0, "class": "dot-miss"}))


def _axes(x: Scale, y: Scale, counts: Sequence[float]) -> list[str]:
    marks: list[str] = []
    for value in ticks(y.low, y.high, 4):
        words = f"{value * 100:.0f}{'%' if value == 1 else ''}"
        marks += [line(LEFT, y(value), WIDTH - RIGHT, y(value), "grid"), label(LEFT - 8, y(value) + 4, words, anchor="end")]
    marks += [label(x(math.log2(count)), HEIGHT - BOTTOM + 18, f"{count:,.0f}", anchor="middle") for count in counts]
    return [*marks, label((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 5, "training images", anchor="middle", name="axis")]


def _rows(found: LearningCurve) -> tuple[tuple[str, ...], ...]:
    """All images, then each class by the share of its own that is answered rightly."""
    whole = ClassCurve("all images", found.images, found.points, found.now, found.doubled)
    return tuple(_row(one) for one in (whole, *found.classes))


def _row(one: ClassCurve) -> tuple[str, ...]:
    measured = [percent(point.accuracy) for point in one.points]
    if one.now is None or one.doubled is None:
        return (one.label, *measured, NOTHING, NOTHING, "too few images")
    ends = f"{percent(one.doubled.low)} to {percent(one.doubled.high)}"
    return (one.label, *measured, percent(one.now.value), percent(one.doubled.value), ends)
