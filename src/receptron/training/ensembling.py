"""Whether several networks answer together, and which: as somebody asked for it."""

import re
from dataclasses import dataclass
from typing import cast

from receptron.errors import BadValue
from receptron.records import short

MOST = 32  # networks; each costs as much as one wherever they share nothing


@dataclass(frozen=True)
class Ensembling:
    """Which networks answer together.

    Args:
        kind: "folds" for those that cross-validation leaves, "seeds" for those of other seeds; empty where one network answers alone.
        count: Networks of other seeds, the first included; 0 for folds, whose number follows from the images.

    Example:
        >>> Ensembling.of("seeds:3"), str(Ensembling.of("folds"))
        (Ensembling(kind='seeds', count=3), 'folds')
    """

    kind: str = ""
    count: int = 0

    @staticmethod
    def of(text: str | None) -> "Ensembling":
        """What `--ensemble` says.

        Args:
            text: "folds", "seeds:3" or such, "none"; None as "none".

        Returns:
            Which networks are to answer together.

        Raises:
            BadValue: For what is no ensemble.

        Example:
            >>> Ensembling.of("seeds:5").count
            5
        """
        if text is None or text == "none":
            return Ensembling()
        if text == "folds":
            return Ensembling("folds")
        found = re.fullmatch(r"seeds:(\d{1,4})", text) if isinstance(cast(object, text), str) else None
        if found and 2 <= int(found[1]) <= MOST:
            return Ensembling("seeds", int(found[1]))
        why = f"seeds come in a number of 2 to {MOST}" if found else "an ensemble is of the networks of the folds, or of other seeds"
        raise BadValue(f"--ensemble {short(text)} is no ensemble.", why=why, mend="use folds, seeds:3 or none")

    def __str__(self) -> str:
        return f"seeds:{self.count}" if self.kind == "seeds" else self.kind

    @property
    def call(self) -> str:
        """How it is made from Python."""
        return f"receptron.Ensembling.of({str(self)!r})"


def check_judged(asked: Ensembling, *, has_test: bool) -> None:
    """Raises: BadValue where nothing could judge an ensemble."""
    if not asked.kind or has_test:
        return
    why = "every image was learnt from by some of its networks, so that without a test side nothing can judge it"
    raise BadValue(f"--ensemble {asked} needs a test side.", why=why, mend="keep some images: --test-size 0.2; or leave --ensemble out")


def check_made(asked: Ensembling, *, pretrained: bool) -> None:
    """Raises: BadValue where networks of other seeds would not differ."""
    if asked.kind == "seeds" and pretrained:
        why = "chance is too small a part of what is learnt from pretrained weights: the head is one and the same for every seed"
        raise BadValue(f"--ensemble {asked} is for training from scratch.", why=why, mend="use --ensemble folds, or --weights none")
