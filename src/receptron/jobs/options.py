"""What a user may set of the main job, checked at the door."""

import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from receptron.cache_dir import cache
from receptron.data.augmentation.policy import AUTO, POLICIES
from receptron.data.dataset.scan_options import ScanOptions
from receptron.data.reading.file_bytes import IMAGE_MEMORY
from receptron.errors import BadValue, StorageFault, UnknownName
from receptron.given_path import check_given
from receptron.progress import Progress, Silent
from receptron.records import short
from receptron.training.ensembling import Ensembling
from receptron.training.loop.recipe import Recipe
from receptron.weights.sidecar import Sidecar

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True)
class Extras:
    """Settings of `train` that few need.

    Args:
        facts: What is said of a local weights file that has no sidecar.
        precision: "auto" for a trial, or "float32" or "bfloat16" without one.
        allow_broken: Whether to go on with more than 1 % unreadable images.
        like: Folder of an earlier run, whose timed decisions, threads and sides are taken over.
        resume: Whether to continue an unfinished run in the same `out`.
        overwrite: Whether to replace a finished or unfinished run in `out`.
        images: How folders, tables and names are meant where that is not certain.
        cache: Folder of cached activations; None: the user's cache.
        tensorboard: Folder to log curves to.
        every: Seconds between checkpoints.
        command: The command line, for the report.
        progress: Told how far it is.
        image_memory: Megabytes that one image may take while it is decoded.
        augment: Policy of augmentation: "auto", "none", "light", "standard", "strong", "medical", "small", "randaugment", "trivialaugment".
        labels: Tables of corrected labels that `receptron review` wrote and a person edited, in their order.
        recipe: How the network learns, as far as that is not left to the ladder.
        synthetic: Folder of generated images, in class folders, that are learnt from besides and never judged on.
        arguments: JSON: what the class or function of a network of one's own is called with.
        ensembling: Whether several networks answer together, and which.

    Example:
        >>> Extras(precision="float32", overwrite=True).every
        15.0
    """

    facts: Sidecar = field(default_factory=Sidecar)
    precision: str = "auto"
    allow_broken: bool = False
    like: Path | None = None
    resume: bool = False
    overwrite: bool = False
    images: ScanOptions = field(default_factory=ScanOptions)
    cache: Path | None = None
    tensorboard: Path | None = None
    every: float = 15.0
    command: str = ""
    progress: Progress = field(default_factory=Silent)
    image_memory: float = IMAGE_MEMORY
    augment: str = AUTO
    labels: tuple[str | Path, ...] = ()
    recipe: Recipe = field(default_factory=Recipe)
    synthetic: str | Path | None = None
    arguments: str | None = None
    ensembling: Ensembling = field(default_factory=Ensembling)


def seconds(text: str | float) -> float:
    """ "90", "90s", "10m" or "1.5h" -> seconds. Raises: BadValue.

    >>> seconds("10m"), seconds("1.5h"), seconds(90)
    (600.0, 5400.0, 90.0)
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh]?)\s*", str(text))
    value = float(found[1]) * _UNITS[found[2] or "s"] if found else 0.0
    if not 0 < value < math.inf:
        raise BadValue(f"--time {text} is no span of time.", mend="write it like 90s, 10m or 1.5h")
    return value


def check_kind(name: str, value: object, *kinds: type) -> None:
    """Raises: BadValue for a value of another type than these."""
    if not isinstance(value, kinds) or isinstance(value, bool):
        wanted = " or ".join("nothing" if kind is type(None) else kind.__name__ for kind in kinds)
        raise BadValue(f"{name} is {short(value)}.", why=f"it is a {type(value).__name__}", mend=f"give {wanted}")


def listed_weights(weights: object) -> list[Any]:
    """What was given as weights, one by one: nothing, one, or a list or tuple of them."""
    if weights is None:
        return []
    return list(cast(Sequence[Any], weights)) if isinstance(weights, list | tuple) else [weights]


def check_precision(name: str) -> str:
    """The name itself. Raises: UnknownName."""
    if name not in PRECISIONS:
        raise UnknownName("precision", name, PRECISIONS)
    return name


def check_augment(name: str) -> str:
    """The name itself. Raises: BadValue for what is no text; UnknownName."""
    check_kind("augment", name, str)
    if name not in (AUTO, *POLICIES):
        raise UnknownName("augmentation", name, (AUTO, *POLICIES))
    return name


def check_seed(seed: int) -> int:
    """The seed itself. Raises: BadValue for what is no whole number, and outside 0 to 2**63 - 1, which generators and the card hold."""
    check_kind("seed", seed, int)
    if not 0 <= seed < 2**63:
        mend = "use a smaller number" if seed > 0 else "use a number without a minus"
        raise BadValue(f"--seed {seed} is out of range.", why="it may be 0 to 9,223,372,036,854,775,807", mend=mend)
    return seed


def check_every(every: float) -> float:
    """The seconds themselves. Raises: BadValue for what is no span of time; not a number is none either."""
    if not isinstance(cast(object, every), (int, float)) or not 0 < every < math.inf:
        raise BadValue(f"--every {every} is no span of time.", why="it counts the seconds between checkpoints", mend="use 15, or 0.5")
    return every


def cache_folder(wanted: Path | None) -> Path:
    """Where activations are kept. Raises: StorageFault if the user named a folder that cannot be written to."""
    if wanted is None:
        return cache("features")
    folder = check_given(wanted).absolute()
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        why = f"{nearest} is a file" if not nearest.is_dir() else f"not allowed to write to {nearest}"
        raise StorageFault(f"--cache {wanted} cannot be used.", why=why, mend="name a folder of yours, or leave it out")
    return folder
