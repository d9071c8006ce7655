"""A figure, or the reason why there is none: what fails in one analysis leaves the others standing."""

from collections.abc import Callable
from typing import TypeVar

from receptron.errors import BadValue, ReceptronError, UnknownName
from receptron.printable import told

Answer = TypeVar("Answer")


def attempted(figure: str, work: Callable[[], Answer], unknown: dict[str, str], hindered: str = "") -> Answer | None:
    """What `work` gives, or None with the reason in `unknown`; where it is `hindered` it is not tried, and that is the reason.

    Raises: UnknownName and BadValue, which are the caller's own.
    """
    if hindered:
        unknown[figure] = hindered
        return None
    try:
        return work()
    except (UnknownName, BadValue):
        raise
    except Exception as error:  # whatever fails in one analysis leaves the others standing
        unknown[figure] = error.why if isinstance(error, ReceptronError) and error.why else told(error)
        return None
