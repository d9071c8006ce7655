"""Words that many messages need: numbers with their noun, and lists of names.

>>> counted(1, "image"), counted(1200, "image"), counted(2, "class")
('1 image', '1,200 images', '2 classes')
>>> listed(["a", "b", "c"], most=2)
'a, b and 1 more'
"""

from collections.abc import Iterable


def counted(number: int, noun: str) -> str:
    """A number with its noun, in the plural where it is not one."""
    return f"{number:,} {noun if number == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """The plural of a regular noun."""
    return f"{noun}es" if noun.endswith(("s", "x", "ch", "sh")) else f"{noun}s"


def listed(names: Iterable[str], most: int = 6) -> str:
    """Names with commas, the rest as a number."""
    names = list(names)
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")
