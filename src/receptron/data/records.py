"""What lies in a folder or a table of images: records only, nothing is moved, copied or changed."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from receptron.data.reading.depth_scale import ValueRange
from receptron.data.unused import Unused, UnusedColumn
from receptron.fault_kind import FaultKind

SIDES = {  # names of a given split, as folders or in a table, in any case
    "train": "train",
    "training": "train",
    "trn": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "validate": "val",
    "vld": "val",
    "dev": "val",
    "eval": "val",
    "evaluation": "val",
    "test": "test",
    "testing": "test",
    "tst": "test",
    "holdout": "test",
    "heldout": "test",
    "pred": "test",
    "prediction": "test",
}


@dataclass(frozen=True)
class Item:
    """One image file as the user gave it."""

    path: Path
    label: str
    split: str | None = None  # "train", "val" or "test" where the user said so
    group: str | None = None  # images of one group (a patient, a burst) stay on one side
    line: int | None = None  # line (CSV) or row (Parquet) that named it
    fold: str | None = None  # where the user said which images are held out together in cross-validation


@dataclass(frozen=True)
class Catalog:
    """All images under one root, in the order of their paths."""

    root: Path
    layout: str  # "class folders", "split folders" or "table"
    items: tuple[Item, ...]
    empty: tuple[str, ...] = ()  # class folders without an image
    unused: tuple[Unused, ...] = ()  # what lies among the images and is not used, and why
    respelled: tuple[str, ...] = ()  # names that are written in two Unicode forms, taken as one
    side_like: tuple[str, ...] = ()  # classes that are called like a side of a split
    group_noun: str = "group"  # what images of one group have in common, as its column says: "patient"
    grouped_by: str = ""  # how groups are known: "column patient_id", "--group patient"
    columns: dict[str, str] = field(default_factory=dict[str, str])  # of a table: which column plays which role
    unused_columns: tuple[UnusedColumn, ...] = ()
    tables: tuple[Path, ...] = ()  # in a folder of fewer than two classes: tables that name images and their classes

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in alphabetical order."""
        return tuple(sorted({item.label for item in self.items}))

    @property
    def has_given_split(self) -> bool:
        """Whether the user said which images are for testing."""
        return any(item.split is not None for item in self.items)


@dataclass(frozen=True)
class ImageFacts:
    """What decoding an image told about its file."""

    format: str  # "JPEG", "PNG", ...
    mode: str  # Pillow's mode in the file: "RGB", "L", "I;16", "P", "CMYK", "RGBA", ...
    width: int  # px, after EXIF orientation
    height: int
    frames: int = 1
    rotated: bool = False  # EXIF orientation other than 1
    grey: bool = False  # all channels equal
    extension_fits: bool = True
    bits: int = 8  # per channel, in the file
    alpha: bool = False  # at least one pixel is not opaque
    values: ValueRange | None = None  # of an image of more than 8 bits
    reduced: int = 1  # decoded at one so-manieth of its size, because it is over the limit
    blank: bool = False  # all black, all white or all of another colour, as it is read
    size: int = 0  # bytes of the file
    rounding: float = 0.0  # mean step of a JPEG's first quantisation table; 0 for other formats
    bands: int = 0  # of an image of bands in their own units; 0 for a photo


@dataclass(frozen=True)
class Entry:
    """One image after it was read: either its facts, or the fault that kept it from being read."""

    item: Item
    sha256: str
    facts: ImageFacts | None
    fault: str | None = None  # "truncated after 3,120 of 9,004 bytes", ...
    phash: int = 0  # 64-bit perceptual hash
    fault_kind: FaultKind | None = None  # what `fault` is, for code to ask; None where there is none

    @property
    def good(self) -> bool:
        """Whether the image could be read."""
        return self.facts is not None


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong or odd, the files it concerns, and the cure.

    Attributes:
        kind: "truncated", "near duplicates across sides", ...
        severity: "error", "warning" or "note".
        message: What is so, in one line.
        cure: What to do about it.
        files: The files, relative to the root.
        labels: The classes that it concerns.
        notes: What is to be said of each file, in the order of the files; empty where there is nothing to add.
        paired: Whether the files come two by two, each pair copies of each other, so that one line tells of both.
        stops: Whether `train` refuses such images; "unless allowed": without --allow-broken.

    Example:
        >>> from receptron import audit
        >>> [(finding.severity, finding.message) for finding in audit("digits").findings]
        [('note', '1,797 images of fewer than 30 px on the shorter side')]
    """

    kind: str
    severity: str
    message: str
    cure: str
    files: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    paired: bool = False
    stops: Literal["", "unless allowed", "always"] = ""


@dataclass(frozen=True)
class OriginShare:
    """How well one class is told from all others by one kind of fact about where images come from, out of fold, with a 95 % interval."""

    fact: str  # "resolution", "border", "compression", "brightness" or "names of files"
    label: str
    value: float  # balanced accuracy; 0.5 is chance
    low: float
    high: float
    images: int  # of the class
    groups: int  # of all images, copies and groups counting once

    @property
    def words(self) -> str:
        """As it is told.

        >>> OriginShare("border", "covid", 0.912, 0.87, 0.94, 150, 1200).words
        '91 %, 87 to 94 %'
        """
        return f"{100 * self.value:.0f} %, {100 * self.low:.0f} to {100 * self.high:.0f} %"


@dataclass(frozen=True)
class Audit:
    """What is wrong with images, before any training.

    Attributes:
        root: The folder, or the table's folder.
        layout: "class folders", "split folders" or "table".
        images: How many were found.
        broken: How many of them cannot be read.
        classes: Readable images of each class.
        findings: What is wrong or odd.
        seconds: That the audit took.
        unused: What lies among the images and is not used, and why.
        not_searched: Kinds of copies that were not looked for.
        origins: How well each class is told by where its images come from, without what they show; classes of too few images are left out.

    Example:
        >>> from receptron import audit
        >>> found = audit("digits")
        >>> found.layout, found.images, found.classes["0"]
        ('class folders', 1797, 178)
    """

    root: Path
    layout: str
    images: int
    broken: int
    classes: dict[str, int]
    findings: tuple[Finding, ...]
    seconds: float
    unused: tuple[Unused, ...] = ()
    not_searched: tuple[str, ...] = ()
    origins: tuple[OriginShare, ...] = ()


@dataclass(frozen=True)
class SideCount:
    """Images of one class on each side."""

    label: str
    train: int
    test: int
    set_aside: int = 0


SplitMethod = Literal["content hash", "given", "k-fold"]


@dataclass(frozen=True)
class GivenFolds:
    """What became of the folds that a table gives: copies, and images of one group, go to the fold that has most of them."""

    named: int
    left: int
    moved: int  # images that are held out with another fold than theirs


@dataclass(frozen=True)
class SplitSummary:
    """How the sides came about."""

    method: SplitMethod
    test_size: float
    counts: tuple[SideCount, ...]
    clusters: int  # sets of duplicates or near duplicates kept together
    leaks: int  # test images of a given split with a twin in training
    remembered: int = 0  # images whose side follows from an earlier run
    train_groups: int | None = None  # on the training side; None where images come in no groups
    test_groups: int | None = None
    group_noun: str = "group"  # what one of them is: "patient"
    given_folds: GivenFolds | None = None  # None where folds are made here

    @property
    def noun(self) -> str:
        """What images that belong together share; empty where only copies do."""
        return "" if self.train_groups is None else self.group_noun
