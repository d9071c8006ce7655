"""The thousand classes of ImageNet in the order of their WordNet ids, which is that of every published net's outputs: id and name."""

import re
from functools import cache
from importlib.resources import files

AMBIGUOUS = {"cardigan": "a dog and a jacket", "crane": "a bird and a machine", "maillot": "two kinds of swimwear"}
"""Names that lists of the classes give to two of them."""
_ID = re.compile(r"n\d{8}", re.ASCII)


@cache
def classes() -> tuple[tuple[str, str], ...]:
    """(WordNet id, name) of each class; names as torchvision 0.28 lists them."""
    lines = files("receptron.bundle").joinpath("imagenet.txt").read_text(encoding="utf-8").splitlines()
    return tuple((line[:9], line[10:]) for line in lines)


def place_of(text: str) -> int | None:
    """Which class `text` names: by id (n02123045, with or without a name behind it), by number (281) or by name; None: it names none."""
    if found := _ID.match(text):
        return _by_id().get(found[0])
    if text.isascii() and text.isdigit():
        return int(text) if int(text) < len(classes()) else None
    name = _plain(text)
    return None if name in AMBIGUOUS else _by_name().get(name)


def why_not(text: str) -> str:
    """Why `place_of` knows no class for `text`."""
    name = _plain(text)
    return f"{text!r} names {AMBIGUOUS[name]}" if name in AMBIGUOUS else f"{text!r} is no class of ImageNet"


@cache
def _by_id() -> dict[str, int]:
    return {wordnet: place for place, (wordnet, _) in enumerate(classes())}


@cache
def _by_name() -> dict[str, int]:
    return {_plain(name): place for place, (_, name) in enumerate(classes())}


def _plain(name: str) -> str:
    return " ".join(re.sub(r"[_\-]+", " ", name.casefold()).split())
