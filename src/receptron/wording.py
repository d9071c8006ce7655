"""Words that many messages need: numbers with their noun, and lists of names.

>>> counted(1, "image"), counted(1200, "image"), counted(2, "class"), counted(3, "body"), counted(9, "epoch")
('1 image', '1,200 images', '2 classes', '3 bodies', '9 epochs')
>>> listed(["a", "b", "c"], most=2)
'a, b and 1 more'
>>> sorted(["10", "2", "b2", "1", "b10", "a"], key=natural)
['1', '2', '10', 'a', 'b2', 'b10']
"""

import re
from collections.abc import Iterable


def counted(number: int, noun: str) -> str:
    """A number with its noun, in the plural where it is not one."""
    return f"{number:,} {noun if number == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """The plural of a regular noun."""
    if noun.endswith("epoch"):  # said with a k
        return f"{noun}s"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun.removesuffix('y')}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "ch", "sh")) else f"{noun}s"


def listed(names: Iterable[str], most: int = 6) -> str:
    """Names with commas, the rest as a number."""
    names = list(names)
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")


def natural(name: str) -> list[tuple[bool, int, str]]:
    """Key that sorts names as people do, by the numbers in them: 2 before 10."""
    parts = re.split(r"([0-9]+)", name)
    return [(not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts if part]
