"""Words that fit into a box: how wide text may become in the sans-serif fonts that pages are shown with; too long, it loses its middle."""

import unicodedata

from receptron.report.svg import harmless

_NARROW, _BROAD = frozenset("iljtfrI.,:;'|!()[]/ -"), frozenset("mwMW@%→÷×+=—…")


def width(text: str, size: int) -> float:
    """Pixels that a text takes at most, at a font size in pixels."""
    return size * sum(map(_em, text))


def fitted(text: str, room: float, size: int) -> str:
    """The text, or its ends with the middle left out, so that it is no wider than `room` pixels; escapes for what would not show.

    >>> fitted("stages.0.0.body.conv1.conv", 100, 12)
    'stages.0….conv'
    """
    text = harmless(text[:400])
    if width(text, size) <= room:
        return text
    for kept in range(min(len(text) - 1, int(room)), 0, -1):
        tail = kept // 2
        short = f"{text[: kept - tail]}…{text[len(text) - tail :] if tail else ''}"
        if width(short, size) <= room:
            return short
    return ""


def _em(character: str) -> float:
    """Width of a character in font sizes; of fonts that differ, the wide ones."""
    if unicodedata.east_asian_width(character) in "WF":
        return 1.05
    if character in _NARROW:
        return 0.4
    if character in _BROAD or character > "\u2fff":
        return 0.95
    if character.isdigit():
        return 0.58
    return 0.75 if character.isupper() else 0.6
