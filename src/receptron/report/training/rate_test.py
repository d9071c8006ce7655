"""The loss at each learning rate that a range test tried, and the rate that was chosen."""

import math

from receptron.report.scales import Scale, ticks
from receptron.report.svg import Chart, Key, label, line, picture, tag
from receptron.report.words import number
from receptron.training.rate_search import RateSearch

WIDTH, HEIGHT = 420, 250
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 14, 40


def rate_test(found: RateSearch) -> Chart | None:
    """Smoothed loss by rate, on a scale of powers of ten; None where fewer than two rates were tried."""
    if len(found.rates) < 2:
        return None
    x = Scale(math.log10(found.rates[0]), math.log10(found.rates[-1]), LEFT, WIDTH - RIGHT)
    y = Scale(0, 1.05 * max(found.losses) or 1, HEIGHT - BOTTOM, TOP)
    text = f"Smoothed loss by learning rate, {found.phase}: {found.words}."
    at = [(x(math.log10(rate)), y(loss)) for rate, loss in zip(found.rates, found.losses, strict=True)]
    chosen = x(min(max(math.log10(found.rate), x.low), x.high))
    strokes = [
        tag("path", {"d": "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in at), "class": "curve"}),
        line(chosen, y(y.low), chosen, y(y.high), "believed"),
    ]
    rows = tuple((f"{rate:.2e}", f"{loss:.4f}") for rate, loss in zip(found.rates, found.losses, strict=True))
    legend = (Key("curve", "smoothed loss"), Key("believed", f"the rate that was chosen, {found.rate:g}"))
    title = f"Range test of the learning rate, {found.phase}"
    return Chart(title, text, picture(WIDTH, HEIGHT, text, *_axes(x, y), *strokes), ("Learning rate", "Smoothed loss"), rows, legend)


def _axes(x: Scale, y: Scale) -> list[str]:
    marks: list[str] = []
    for value in ticks(y.low, y.high, 4):
        marks += [line(LEFT, y(value), WIDTH - RIGHT, y(value), "grid"), label(LEFT - 8, y(value) + 4, number(value), anchor="end")]
    for power in range(math.ceil(x.low - 1e-9), math.floor(x.high + 1e-9) + 1):
        marks.append(label(x(power), HEIGHT - BOTTOM + 18, f"{10.0**power:g}", anchor="middle"))
    return [*marks, label((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 5, "learning rate", anchor="middle", name="axis")]
