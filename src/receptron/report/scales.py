"""From values to positions on paper, and the round numbers worth marking on the way."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """A straight map from values in [low, high] to positions in [start, end]."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        span = (self.high - self.low) or 1.0
        return self.start + (self.end - self.start) * (value - self.low) / span


def ticks(low: float, high: float, wanted: int = 5) -> tuple[float, ...]:
    """Multiples of 1, 2 or 5 times a power of ten within [low, high], about `wanted` of them.

    >>> ticks(0, 1.7, 4)
    (0.0, 0.5, 1.0, 1.5)
    """
    span = high - low
    if span <= 0:
        return (low,)
    rough = span / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(round(i * step, 10) for i in range(first, last + 1))


def whole_ticks(low: int, high: int, wanted: int = 6) -> tuple[int, ...]:
    """The same for counts: no fractions.

    >>> whole_ticks(1, 3)
    (1, 2, 3)
    """
    if high - low < wanted:
        return tuple(range(low, high + 1))
    return tuple(int(t) for t in ticks(low, high, wanted))
