"""Markup made from Python, every text and attribute escaped on the way; a chart is a picture, its words and its numbers."""

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup, escape

from receptron.printable import printable

_KEPT = "\n\t\u00a0\u2007\u2009\u200a\u202f"  # breaks and spaces that our own words are set with


@dataclass(frozen=True)
class Key:
    """One entry of a chart's legend: the drawing class that it explains, and the words."""

    mark: str
    text: str
    shades: int = 1  # more: the drawing classes are MARK-1 to MARK-N


@dataclass(frozen=True)
class Chart:
    """A picture, what it shows in words, and the numbers it was drawn from."""

    title: str
    text: str  # the text alternative
    picture: Markup
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    legend: tuple[Key, ...] = ()


def tag(name: str, attributes: Mapping[str, object], *children: str) -> Markup:
    """One element; attributes that are None are left out, numbers keep two decimals, children are escaped unless already markup.

    >>> print(tag("text", {"x": 1.5, "class": None}, "<b>"))
    <text x="1.5">&lt;b&gt;</text>
    """
    shown = "".join(f' {key}="{escape(harmless(_plain(value)))}"' for key, value in attributes.items() if value is not None)
    return Markup(f"<{name}{shown}>{''.join(escape(harmless(child)) for child in children)}</{name}>")


def harmless(text: str) -> str:
    """Words of strangers, with escapes for what would reorder or hide what stands beside it; markup of ours as it is."""
    return text if isinstance(text, Markup) else printable(text, _KEPT)


def picture(width: float, height: float, text: str, *children: str, name: str = "plot") -> Markup:
    """An SVG image of `width` x `height` units that scales with the page; `text` is its alternative."""
    frame = {"class": name, "viewBox": f"0 0 {_plain(width)} {_plain(height)}", "role": "img", "aria-label": text}
    return tag("svg", {**frame, "width": width, "height": height}, *children)


def label(x: float, y: float, words: str, *, anchor: str = "start", name: str = "tick", turn: float = 0) -> Markup:
    """Text at (x, y), turned clockwise by `turn` degrees about that point."""
    transform = f"rotate({_plain(turn)} {_plain(x)} {_plain(y)})" if turn else None
    return tag("text", {"x": x, "y": y, "text-anchor": anchor, "class": name, "transform": transform}, words)


def line(x1: float, y1: float, x2: float, y2: float, name: str) -> Markup:
    """A straight stroke."""
    return tag("line", {"x1": x1, "y1": y1, "x2": x2, "y2": y2, "class": name})


def box(x: float, y: float, width: float, height: float, name: str, tip: str = "") -> Markup:
    """A filled rectangle, with words that show when it is pointed at."""
    tips = [tag("title", {}, tip)] if tip else []
    return tag("rect", {"x": x, "y": y, "width": max(width, 0), "height": max(height, 0), "class": name}, *tips)


def _plain(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return str(value)
