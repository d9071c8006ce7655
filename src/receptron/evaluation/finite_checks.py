"""NaN and infinity are stopped where a network's answers leave it, with the images that caused them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from receptron.errors import NonFinite

_NAMED = 5  # images told by name


def check_finite(scores: NDArray[np.float64], names: Sequence[str] = ()) -> None:
    """Raises NonFinite naming the images (rows) that have a NaN or infinite score."""
    bad = np.flatnonzero(~np.isfinite(scores).all(axis=1))
    if not len(bad):
        return
    shown = ", ".join(str(names[i]) if i < len(names) else f"number {i}" for i in bad[:_NAMED])
    more = f" and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
    raise NonFinite(
        f"the network answered NaN or infinity for {len(bad)} of {len(scores)} images: {shown}{more}.",
        why="its weights are not finite, or a layer overflows in this number format",
        mend="train again with a lower learning rate or in 32-bit; if only these images do it, look at them",
    )
