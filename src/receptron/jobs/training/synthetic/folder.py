"""`--synthetic DIR`: generated images of the classes at hand, learnt from beside the real ones and never judged on.

Copies and near copies of real images are left out, whatever side those are on: a copy of a test image would leak the test, one of a
training image the fold that it is held out in.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from receptron.data.audit.preconditions import check_broken
from receptron.data.dataset.scan import scan
from receptron.data.deduplication.duplicates import find_duplicates
from receptron.data.deduplication.perceptual_hash import PerceptualHashes
from receptron.data.ingest import Ingested, read
from receptron.data.reading.file_bytes import Limits
from receptron.data.records import Catalog, Entry
from receptron.errors import BadValue, NoImages
from receptron.given_path import check_given
from receptron.jobs.training.fit import classes_of
from receptron.jobs.training.initial_weights import InitialWeights
from receptron.jobs.training.sided_images import SidedImages
from receptron.progress import Progress
from receptron.training.context import Images
from receptron.training.records import SyntheticImages
from receptron.wording import counted, listed


@dataclass(frozen=True)
class SyntheticFolder:
    """A folder of generated images that was looked into, but not read."""

    given: Path
    catalog: Catalog
    sha256: str  # over all files and their labels

    @property
    def settings(self) -> dict[str, str]:
        """What makes one run with it differ from another."""
        return {"synthetic": str(self.given), "synthetic images": self.sha256[:16]}


@dataclass(frozen=True)
class _Reading:
    """Real and synthetic images, and how the latter are to be read."""

    sided: SidedImages
    synthetic: Ingested

    @property
    def both(self) -> Ingested:
        """All together, the real ones first."""
        real, made = self.sided.reading, self.synthetic
        looks = PerceptualHashes(
            *(np.concatenate([getattr(real.looks, name), getattr(made.looks, name)]) for name in PerceptualHashes.__dataclass_fields__)
        )
        return Ingested(real.entries + made.entries, looks, None, real.depth)

    def copies(self, progress: Progress) -> dict[int, bool]:
        """Places of synthetic images that are copies of a real one; whether that is on the test side, or set aside from both."""
        clusters, count = find_duplicates(self.both, progress), len(self.sided.reading.entries)
        learnt, found = set(self.sided.split.train), dict[int, bool]()
        for places in clusters.sets:
            real = [place for place in places if place < count]
            if real:
                found |= {place - count: any(one not in learnt for one in real) for place in places if place >= count}
        return found


def look_into(given: str | Path | None, catalog: Catalog) -> SyntheticFolder | None:
    """The folder `given`, held against the classes of the real images `catalog`; None if none is given.

    Raises: BadValue for what holds no class folders, or other classes; NoImages.
    """
    if given is None:
        return None
    place = check_given(given)
    found = scan(place)
    if found.layout != "class folders":
        mend = "give a folder with one folder for each class, called as those of the real images"
        raise BadValue(f"--synthetic {given} holds {found.layout}.", why="synthetic images are for training only", mend=mend)
    if not found.items:
        raise NoImages(f"--synthetic {given} holds no image.", mend="put class folders with images into it, or leave it out")
    check_known(given, found.classes, catalog.classes)
    digest = hashlib.sha256()
    for item in found.items:
        digest.update(repr((item.label, hashlib.sha256(item.path.read_bytes()).hexdigest())).encode(errors="surrogateescape"))
    return SyntheticFolder(place, found, digest.hexdigest())


def check_known(given: object, made: Sequence[str], real: Sequence[str]) -> None:
    """Raises: BadValue for a class of synthetic images that no real image is of."""
    strange = [name for name in made if name not in real]
    if strange:
        raise BadValue(
            f"--synthetic {given} has {listed(strange)}, and no real image is of {'that class' if len(strange) == 1 else 'those classes'}.",
            why=f"nothing could judge what is learnt of it; the real classes are {listed(real)}",
            mend="call its folders as the real ones, or take these away",
        )


def read_synthetic(
    folder: SyntheticFolder, sided: SidedImages, start: InitialWeights, progress: Progress, limits: Limits, *, allow_broken: bool
) -> tuple[Images, SyntheticImages]:
    """The images that can be learnt from, as `start` expects them; their canvases are put beside the real ones.

    Raises: BadValue if none is left, or a class has no real training image; BrokenImages, NoImages.
    """
    classes = classes_of(sided.reading, sided.split)
    check_known(folder.given, folder.catalog.classes, classes)
    found = read(folder.catalog, start.spec.resize, start.spec.interpolation, progress, limits=limits)
    check_broken(found.entries, allow_broken=allow_broken)
    _check_depth(folder, found)
    copies = _Reading(sided, found).copies(progress)
    kept = [entry for place, entry in enumerate(found.entries) if entry.good and place not in copies]
    of_test = sum(copies.values())
    record = SyntheticImages(
        str(folder.given), folder.sha256, len(kept), dict(sorted(Counter(entry.item.label for entry in kept).items())),
        tuple(name for name in classes if name not in {entry.item.label for entry in kept}), of_test, len(copies) - of_test,
        len(found.entries) - len(found.good),
    )  # fmt: skip
    if not kept:
        why = f"all {counted(len(copies), 'image')} are copies of real ones"
        raise BadValue(f"--synthetic {folder.given} leaves nothing to learn from.", why=why, mend="give generated images, or leave it out")
    _tell(record, progress)
    _add_canvases(sided, found, kept)
    numbers = torch.tensor([classes.index(entry.item.label) for entry in kept], dtype=torch.long)
    return Images(tuple(entry.sha256 for entry in kept), tuple(str(entry.item.path) for entry in kept), numbers), record


def _check_depth(folder: SyntheticFolder, found: Ingested) -> None:
    """Raises: BadValue for images of more than 8 bits: what is white in them is known of a whole set only."""
    deep = next((entry for entry in found.entries if entry.facts and entry.facts.values), None)
    if deep:
        raise BadValue(
            f"{deep.item.path} in --synthetic {folder.given} has more than 8 bits.",
            why="what is white in such images is known of the real ones only", mend="save synthetic images with 8 bits",
        )  # fmt: skip


def _tell(record: SyntheticImages, progress: Progress) -> None:
    progress.tell(f"Synthetic: {replace(record, effect=None).words}; they are never judged on.")
    if record.missing:
        progress.tell(f"Synthetic: none of {listed(record.missing)}.")


def _add_canvases(sided: SidedImages, found: Ingested, kept: Sequence[Entry]) -> None:
    if sided.reading.canvases is None or found.canvases is None:
        raise ValueError("the images were read without canvases")
    for entry in kept:
        sided.reading.canvases.add(entry.sha256, found.canvases[entry.sha256])
