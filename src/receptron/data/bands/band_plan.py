"""How bands are meant: how many there must be, and on which axis of an array they lie."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from receptron.errors import UnknownName

AXES = ("auto", "first", "last")
_CLEAR = 2  # times as long as the bands must the sides be, for their axis to be plain


class BandFault(ValueError):
    """An array that cannot be read as bands, and why."""


Axis: TypeAlias = Literal["first", "last"]


@dataclass(frozen=True)
class BandPlan:
    """`count`: bands that an image must have, 0 for photos only, None for whatever comes; `axis`: "first", "last" or "auto"."""

    count: int | None = None
    axis: str = "auto"

    def axis_of(self, shape: tuple[int, ...]) -> Axis:
        """Where the bands lie in an array of that shape. Raises: BandFault where it cannot be told."""
        if len(shape) == 2:
            return "last"
        if self.axis in ("first", "last"):
            return "first" if self.axis == "first" else "last"
        if self.count:
            ends = {place: shape[place] == self.count for place in (0, -1)}
            if ends[0] != ends[-1]:
                return "first" if ends[0] else "last"
        first, last = _CLEAR * shape[0] <= min(shape[1:]), _CLEAR * shape[-1] <= min(shape[:-1])
        if first == last:
            raise BandFault(f"an array of {shape} may have its bands first or last: say which with --channels-axis first or last")
        return "first" if first else "last"

    def check_count(self, bands: int) -> None:
        """Raises: BandFault where an image has other bands than it must have."""
        if self.count is not None and bands != self.count:
            has = f"it has {bands} bands" if bands else "it is a photo"
            raise BandFault(f"{has}, and the model was made for {f'{self.count} bands' if self.count else 'photos'}")


def check_axis(axis: str) -> str:
    """The axis itself. Raises: UnknownName."""
    if axis not in AXES:
        raise UnknownName("axis of channels", axis, AXES)
    return axis
