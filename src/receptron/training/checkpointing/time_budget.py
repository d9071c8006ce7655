"""The time a run may take; what earlier sittings used up counts."""

import math
import time


class TimeBudget:
    """Seconds since the run began, those of earlier sittings included, against a budget."""

    def __init__(self, budget: float, spent: float = 0.0) -> None:
        self.budget, self._spent, self._began = budget, spent, time.monotonic()

    @property
    def spent(self) -> float:
        """Seconds used up so far."""
        return self._spent + time.monotonic() - self._began

    @property
    def left(self) -> float:
        """Seconds left; negative when the budget is overdrawn."""
        return self.budget - self.spent


def rounded_up(seconds: float) -> str:
    """A span as --time takes it, rounded up to five of its units where it is ten or more.

    >>> rounded_up(3.2), rounded_up(41), rounded_up(700), rounded_up(40_000)
    ('4s', '45s', '15m', '12h')
    """
    for unit, size in (("s", 1), ("m", 60)):
        if seconds / size <= 90:
            count = math.ceil(seconds / size)
            return f"{count if count < 10 else math.ceil(count / 5) * 5}{unit}"
    return f"{math.ceil(seconds / 3600)}h"
