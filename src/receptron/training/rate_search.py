"""What a range test of the learning rate showed, as a run's record tells it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RateSearch:
    """The loss at each rate that was tried, and the rate that follows."""

    phase: str
    rates: tuple[float, ...]
    losses: tuple[float, ...]  # smoothed
    rate: float

    @property
    def words(self) -> str:
        """What was found, and by which rule."""
        return f"{self.rate:.2g}, a tenth of the rate at which the smoothed loss was least, of {len(self.rates)} tried"
