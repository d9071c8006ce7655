"""When a phase may end before its last epoch. It follows from the epochs that were, so that a resumed run ends at the same one.

Source: Prechelt 1998, Early Stopping - But When?, LNCS 1524:55, with a number of epochs as the criterion.
"""

from collections.abc import Sequence


def has_stalled(accuracies: Sequence[float | None], patience: int) -> bool:
    """Whether the last `patience` epochs brought no better accuracy than those before; never with a patience of 0, and never where
    nothing was held out.

    >>> has_stalled([0.5, 0.7, 0.7, 0.6], 2), has_stalled([0.5, 0.7, 0.6, 0.8], 2)
    (True, False)
    """
    known = [one for one in accuracies if one is not None]
    return bool(patience) and len(known) > patience and max(known[-patience:]) <= max(known[:-patience])
