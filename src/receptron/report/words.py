"""Numbers as a person would read them aloud."""

import math
from datetime import datetime

from receptron.evaluation.records import Estimate

SPACE = "\N{NO-BREAK SPACE}"
NOTHING = "\N{EN DASH}"  # what stands where a number could not be had


def percent(share: float, digits: int = 1) -> str:
    """A share as percent.

    >>> percent(0.9234) == "92.3\N{NO-BREAK SPACE}%"
    True
    """
    return f"{share * 100:.{digits}f}{SPACE}%" if math.isfinite(share) else NOTHING


def interval(estimate: Estimate) -> str:
    """The ends of an interval, as percent: "88.6 to 95.0 %"; or that it is unknown, and why."""
    if estimate.unknown:
        return estimate.method
    return f"{estimate.low * 100:.1f} to {percent(estimate.high)}" if math.isfinite(estimate.low + estimate.high) else NOTHING


def of_hundred(estimate: Estimate) -> tuple[int, int]:
    """The ends of an interval as counts out of 100, rounded outwards: a promise never says more than was measured."""
    return math.floor(100 * estimate.low + 1e-9), math.ceil(100 * estimate.high - 1e-9)


def with_interval(estimate: Estimate) -> str:
    """Value and interval: "92.3 % (88.6 to 95.0 %)"."""
    return f"{percent(estimate.value)} ({interval(estimate)})"


def points(share: float) -> str:
    """A difference of two shares in percentage points, with its sign: "+1.3"."""
    if not math.isfinite(share):
        return NOTHING
    return f"{share * 100:+.1f}".replace("-", "\N{MINUS SIGN}")


def gain(estimate: Estimate) -> str:
    """A paired difference and its interval: "+1.3 points (+0.2 to +2.4)"."""
    ends = estimate.method if estimate.unknown else f"{points(estimate.low)} to {points(estimate.high)}"
    return f"{points(estimate.value)} points ({ends})"


def lead(estimate: Estimate) -> str:
    """A paired difference as a person tells it: "1.3 points better (+0.2 to +2.4)", "8.3 points worse (−15.0 to −2.0)"."""
    ends = estimate.method if estimate.unknown else f"{points(estimate.low)} to {points(estimate.high)}"
    size = f"{abs(estimate.value) * 100:.1f}"
    if size == "0.0":
        return f"neither better nor worse ({ends})"
    return f"{size} points {'better' if estimate.value > 0 else 'worse'} ({ends})"


def number(value: float) -> str:
    """A count with commas, or three significant digits of anything else."""
    if not math.isfinite(value):
        return NOTHING
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 100 else f"{value:.3g}"


def magnitude(value: int) -> str:
    """A large count in words: "3.50 million"."""
    for size, name in ((10**12, "trillion"), (10**9, "billion"), (10**6, "million")):
        if value >= size:
            return f"{value / size:.3g}{SPACE}{name}"
    return f"{value:,}"


def duration(seconds: float) -> str:
    """A time in its two largest units: "0.4 s", "48 s", "4 min 12 s", "1 h 3 min"."""
    if seconds < 9.95:
        return f"{seconds:.1f}{SPACE}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}{SPACE}s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}{SPACE}min" + (f" {rest}{SPACE}s" if rest else "")
    return f"{minutes // 60}{SPACE}h {minutes % 60}{SPACE}min"


def things(count: int, one: str, many: str = "") -> str:
    """A count with its noun: "1 image", "1,200 images"."""
    return f"{count:,}{SPACE}{one if count == 1 else many or one + 's'}"


def day(stamp: str) -> str:
    """An ISO 8601 moment as "22 November 2026, 00:03 UTC"; anything else as it stands."""
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return stamp
    return f"{moment.day} {moment:%B %Y, %H:%M} {moment.tzname() or ''}".strip()


def shortened(name: str, length: int) -> str:
    """At most `length` characters, the middle left out: both ends of a long name tell it apart."""
    if len(name) <= length:
        return name
    tail = (length - 1) // 3
    return f"{name[: length - 1 - tail]}…{name[-tail:] if tail else ''}"


def sentence(text: str) -> str:
    """The first letter as a capital, the rest as it is, a full stop at the end."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}" if text else ""
