"""The eight ways in which a picture can lie: as it is, turned by quarters, and mirrored before that."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Orientation:
    """A mirroring left to right, if any, and quarter turns counterclockwise after it."""

    quarters: int = 0
    mirrored: bool = False

    def of(self, pictures: NDArray[Any]) -> NDArray[Any]:
        """Pictures (N, H, W) or (N, H, W, 3) laid this way."""
        return np.rot90(pictures[:, :, ::-1] if self.mirrored else pictures, self.quarters, axes=(1, 2))

    @property
    def inverse(self) -> "Orientation":
        """What undoes this one: the opposite turn; a mirroring, turned or not, undoes itself."""
        return self if self.mirrored else Orientation(-self.quarters % 4)

    @property
    def words(self) -> str:
        """How a picture laid this way differs from the one as it is; nothing for none."""
        return _WORDS[self.mirrored][self.quarters]


_WORDS = {
    False: ("", "turned by 90 degrees counterclockwise", "turned by 180 degrees", "turned by 90 degrees clockwise"),
    True: ("mirrored", "mirrored and turned by 90 degrees", "mirrored top to bottom", "mirrored and turned by 270 degrees"),
}
UPRIGHT = Orientation()
ORIENTATIONS = tuple(Orientation(quarters, mirrored) for mirrored in (False, True) for quarters in range(4))


def laid(pictures: NDArray[Any], ways: NDArray[np.intp]) -> NDArray[Any]:
    """Square pictures (N, S, S) or (N, S, S, 3), each laid in the way that its place in ORIENTATIONS says."""
    found = pictures.copy()
    for way in np.unique(ways[ways > 0]):
        found[ways == way] = ORIENTATIONS[way].of(pictures[ways == way])
    return found
