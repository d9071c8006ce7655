"""The reliability diagram: whether answers given with 80 % confidence are right 80 % of the time."""

from collections.abc import Sequence

from receptron.evaluation.records import Bin, Estimate
from receptron.report.scales import Scale
from receptron.report.svg import Chart, Key, box, label, line, picture
from receptron.report.words import number, percent, with_interval

WIDTH, HEIGHT = 330, 356
LEFT, RIGHT, TOP, FLOOR, STRIP = 46, 12, 12, 270, 34  # FLOOR is where 0 % lies; the strip of counts stands below it


def reliability(title: str, bins: Sequence[Bin], error: Estimate) -> Chart:
    """Bars reach the accuracy of each confidence bin; the tick across is the mean confidence there; the diagonal is perfect."""
    x, y = Scale(0, 1, LEFT, WIDTH - RIGHT), Scale(0, 1, FLOOR, TOP)
    filled = [b for b in bins if b.count]
    text = f"Reliability {title}: expected calibration error {with_interval(error)}. " + "; ".join(
        f"confidence {percent(b.confidence, 0)}, right {percent(b.accuracy, 0)} of {b.count}" for b in filled
    )
    inside = [*_axes(x, y), *(mark for b in filled for mark in _bar(b, x, y)), line(x(0), y(0), x(1), y(1), "perfect")]
    inside += _counts(filled, x)
    rows = tuple(
        (f"{b.low * 100:.0f} to {percent(b.high, 0)}", number(b.count), percent(b.confidence), percent(b.accuracy)) for b in filled
    )
    columns = ("Confidence", "Images", "Mean confidence", "Right")
    legend = (Key("bar main", "right, of those answered so"), Key("believed", "mean confidence"), Key("perfect", "perfect"))
    return Chart(title[:1].upper() + title[1:], text + ".", picture(WIDTH, HEIGHT, text, *inside), columns, rows, legend)


def _axes(x: Scale, y: Scale) -> list[str]:
    marks: list[str] = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        words = f"{share * 100:.0f}{'%' if share == 1 else ''}"
        marks += [line(x(0), y(share), x(1), y(share), "grid"), label(x(0) - 8, y(share) + 4, words, anchor="end")]
        marks += [label(x(share), FLOOR + STRIP + 24, words, anchor="end" if share == 1 else "middle")]
    return [*marks, label((x(0) + x(1)) / 2, HEIGHT - 5, "confidence", anchor="middle", name="axis")]


def _bar(b: Bin, x: Scale, y: Scale) -> list[str]:
    tip = f"{b.count} answers at {percent(b.confidence)} mean confidence: {percent(b.accuracy)} right"
    left, width = x(b.low) + 1.5, x(b.high) - x(b.low) - 3
    return [
        box(left, y(b.accuracy), width, FLOOR - y(b.accuracy), "bar main", tip),
        line(left - 1, y(b.confidence), left + width + 1, y(b.confidence), "believed"),
    ]


def _counts(bins: Sequence[Bin], x: Scale) -> list[str]:
    most = max((b.count for b in bins), default=1)
    heights = [(b, max(STRIP * b.count / most, 1.0)) for b in bins]
    tip = "images in this bin"
    return [box(x(b.low) + 1.5, FLOOR + 6, x(b.high) - x(b.low) - 3, h, "bar quiet", f"{b.count} {tip}") for b, h in heights]
