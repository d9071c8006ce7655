"""The images of a run: read, checked, freed of doubt about copies, and each on its side."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from time import monotonic

from receptron.bundle import store
from receptron.data.audit import audit as rules
from receptron.data.audit.preconditions import check_broken, check_classes
from receptron.data.bands.band_plan import BandPlan
from receptron.data.deduplication.duplicates import find_duplicates
from receptron.data.ingest import Ingested, read
from receptron.data.reading.file_bytes import within
from receptron.data.records import Audit, Catalog
from receptron.data.splitting.few_groups import check_groups
from receptron.data.splitting.given_folds import check_folds, departure, followed
from receptron.data.splitting.split import Split, check_sides, split
from receptron.jobs.options import Extras
from receptron.jobs.training.initial_weights import InitialWeights
from receptron.jobs.training.labels.relabelling import Relabelling
from receptron.training.records import LabelCorrections


@dataclass(frozen=True)
class SidedImages:
    """The images, read and placed."""

    catalog: Catalog
    reading: Ingested
    audit: Audit
    split: Split
    corrections: LabelCorrections | None = None
    decided: frozenset[str] = frozenset()  # sha256 of images of which a person said the class

    def placed(self) -> Iterator[store.Placed]:
        """Every image's side, for the bundle to remember."""
        for side, places in (("train", self.split.train), ("test", self.split.test), ("set aside", self.split.set_aside)):
            for place in places:
                entry = self.reading.entries[place]
                yield store.Placed(entry.sha256, os.path.relpath(entry.item.path, self.catalog.root), side, entry.item.label)

    @property
    def sha256(self) -> str:
        """Digest over all images that are used, with label and side, and with group and fold where they have one."""
        rows = sorted((row.sha256, row.label, row.side) for row in self.placed())
        bound = [(one.sha256, one.item.group or "", one.item.fold or "") for one in self.reading.good if one.item.group or one.item.fold]
        return hashlib.sha256(repr([*rows, *sorted(bound)]).encode(errors="surrogateescape")).hexdigest()

    @property
    def strangers(self) -> dict[str, int]:
        """How many test images are of classes without a training image, by class."""
        learnt = {self.split.labels[place] for place in self.split.train}
        return dict(Counter(label for place in self.split.test if (label := self.split.labels[place]) not in learnt))

    @property
    def leaked(self) -> frozenset[str]:
        """Digests of test images with a twin, or an image of their group, in training."""
        train, test = set(self.split.train), set(self.split.test)
        mixed = [unit.places for unit in self.split.units if train & set(unit.places) and test & set(unit.places)]
        return frozenset(self.reading.entries[place].sha256 for places in mixed for place in places if place in test)


@dataclass(frozen=True)
class Placing:
    """How images come to their sides."""

    test_size: float
    seed: int
    earlier: Mapping[str, str]  # sha256 to the side of an earlier run
    relabelling: Relabelling | None = None


def place_images(catalog: Catalog, start: InitialWeights, placing: Placing, extras: Extras) -> SidedImages:
    """Read the images, correct their labels, refuse what cannot be trained on, find copies, divide, and tell what is odd."""
    began = monotonic()
    reading = read(
        catalog, start.spec.resize, start.spec.interpolation, extras.progress, limits=within(extras.image_memory),
        bands=BandPlan(axis=extras.images.channels_axis),
    )  # fmt: skip
    corrections, decided = None, frozenset[str]()
    if placing.relabelling:
        catalog, reading, corrections = placing.relabelling.applied(catalog, reading, extras.progress)
        decided = placing.relabelling.decided
    check_broken(reading.entries, allow_broken=extras.allow_broken)
    check_classes(reading.entries)
    clusters = find_duplicates(reading)
    sides = split(reading.entries, clusters, test_size=placing.test_size, seed=placing.seed, placed=placing.earlier)
    check_folds(sides)
    check_sides(sides)
    sides = replace(sides, summary=replace(sides.summary, group_noun=catalog.group_noun, given_folds=followed(sides)))
    if told := departure(sides.summary.given_folds, sides.summary.noun):
        extras.progress.tell(told)
    check_groups(sides.summary)
    return SidedImages(catalog, reading, rules.audit(catalog, reading, clusters, monotonic() - began), sides, corrections, decided)
