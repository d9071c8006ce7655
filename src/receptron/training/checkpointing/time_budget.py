"""The time a run may take; what earlier sittings used up counts."""

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
