"""Learning curves: the loss and the accuracy on images held out, epoch by epoch, one pair of charts for each trained part;
and the loss at each learning rate that a range test tried.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from receptron.report.scales import Scale, ticks, whole_ticks
from receptron.report.svg import Chart, Key, label, line, picture, tag
from receptron.report.words import number, percent
from receptron.training.rate_search import RateSearch
from receptron.training.records import EpochRecord, PhaseName

WIDTH, HEIGHT = 420, 250
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 14, 40


@dataclass(frozen=True)
class PhaseCurve:
    """One phase as (epoch from 1, value) pairs; one of a cross-validation's is drawn thin."""

    phase: PhaseName
    points: tuple[tuple[int, float], ...]

    @property
    def fold(self) -> bool:
        """Whether it is one of a cross-validation's."""
        return self.phase.fold is not None


def curves(points: Sequence[EpochRecord]) -> tuple[Chart, ...]:
    """Two charts for each part that was trained; the accuracy is left out where nothing was held out."""
    rungs = dict.fromkeys(p.phase.rung for p in points)
    return tuple(chart for rung in rungs for chart in _pair(rung, [p for p in points if p.phase.rung == rung]))


def _pair(part: str, points: Sequence[EpochRecord]) -> list[Chart]:
    losses = _lines(points, lambda p: p.loss)
    accuracies = _lines(points, lambda p: p.accuracy)
    found: list[Chart] = []
    if losses:
        top = max(v for one in losses for _, v in one.points)
        rows = tuple((str(p.phase), str(p.epoch + 1), f"{p.loss:.4f}", f"{p.rate:.2e}", number(p.images_per_second)) for p in points)
        columns = ("Phase", "Epoch", "Loss", "Learning rate", "Images per second")
        found.append(_chart(f"Loss, {part}", losses, Scale(0, top * 1.05 or 1, HEIGHT - BOTTOM, TOP), columns, rows))
    if accuracies:
        rows = tuple((str(p.phase), str(p.epoch + 1), percent(p.accuracy)) for p in points if p.accuracy is not None)
        low = min(v for one in accuracies for _, v in one.points)
        scale = Scale(math.floor(low * 10) / 10 if low < 1 else 0.9, 1, HEIGHT - BOTTOM, TOP)
        found.append(_chart(f"Accuracy on images held out, {part}", accuracies, scale, ("Phase", "Epoch", "Accuracy"), rows))
    return found


def _lines(points: Sequence[EpochRecord], value: Callable[[EpochRecord], float | None]) -> list[PhaseCurve]:
    found: dict[PhaseName, list[tuple[int, float]]] = {}
    for point in points:
        plotted = value(point)
        if plotted is not None and math.isfinite(plotted):
            found.setdefault(point.phase, []).append((point.epoch + 1, plotted))
    return [PhaseCurve(phase, tuple(pairs)) for phase, pairs in found.items()]


def _chart(title: str, lines: Sequence[PhaseCurve], y: Scale, columns: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> Chart:
    epochs = [e for one in lines for e, _ in one.points]
    x = Scale(min(epochs), max(epochs), LEFT, WIDTH - RIGHT)
    shown = percent if y.high == 1 else number
    whole = [one for one in lines if not one.fold] or list(lines)
    first, last = whole[-1].points[0], whole[-1].points[-1]
    text = f"{title}: from {shown(first[1])} in epoch {first[0]} to {shown(last[1])} in epoch {last[0]}, {whole[-1].phase}."
    inside = [*_axes(x, y), *(_stroke(one, x, y) for one in sorted(lines, key=lambda one: not one.fold))]
    folds = sum(one.fold for one in lines)
    legend = [Key("curve", "all training images")] if len(lines) > folds else []
    legend += [Key("curve fold", f"{folds} folds" if folds > 1 else "one fold")] if folds else []
    return Chart(title, text, picture(WIDTH, HEIGHT, text, *inside), columns, rows, tuple(legend) if folds else ())


def _axes(x: Scale, y: Scale) -> list[str]:
    as_percent = y.high == 1
    marks: list[str] = []
    for value in ticks(y.low, y.high, 4):
        words = f"{value * 100:.0f}{'%' if value == 1 else ''}" if as_percent else number(value)
        marks += [line(LEFT, y(value), WIDTH - RIGHT, y(value), "grid"), label(LEFT - 8, y(value) + 4, words, anchor="end")]
    marks += [label(x(e), HEIGHT - BOTTOM + 18, str(e), anchor="middle") for e in whole_ticks(int(x.low), int(x.high))]
    return [*marks, label((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 5, "epoch", anchor="middle", name="axis")]


def _stroke(one: PhaseCurve, x: Scale, y: Scale) -> str:
    at = [(x(e), y(v)) for e, v in one.points]
    name = "curve fold" if one.fold else "curve"
    path = "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in at)
    end = tag("circle", {"cx": at[-1][0], "cy": at[-1][1], "r": 2.5 if one.fold else 4.0, "class": f"{name} end"})
    strokes = [tag("path", {"d": path, "class": name})] if len(at) > 1 else []
    return tag("g", {}, tag("title", {}, str(one.phase)), *strokes, end)


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
    return Chart(title, text, picture(WIDTH, HEIGHT, text, *_rate_axes(x, y), *strokes), ("Learning rate", "Smoothed loss"), rows, legend)


def _rate_axes(x: Scale, y: Scale) -> list[str]:
    marks: list[str] = []
    for value in ticks(y.low, y.high, 4):
        marks += [line(LEFT, y(value), WIDTH - RIGHT, y(value), "grid"), label(LEFT - 8, y(value) + 4, number(value), anchor="end")]
    for power in range(math.ceil(x.low - 1e-9), math.floor(x.high + 1e-9) + 1):
        marks.append(label(x(power), HEIGHT - BOTTOM + 18, f"{10.0**power:g}", anchor="middle"))
    return [*marks, label((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 5, "learning rate", anchor="middle", name="axis")]
