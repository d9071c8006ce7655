"""What lies among the images or in their table and is not used, and why: a record for each, told by every command that reads it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple

from receptron.wording import counted, listed


class UnusedKind(StrEnum):
    """Why a file or folder is passed over."""

    OUTSIDE = "outside"
    UNLABELLED = "unlabelled"
    NO_SIDE = "no side"
    UNSUPPORTED = "unsupported"
    UNREADABLE = "unreadable"
    HIDDEN = "hidden"
    LINK = "link"
    NO_IMAGE = "no image"
    SYSTEM = "system"
    REPEATED = "repeated"

    @property
    def heading(self) -> str:
        """What a list of such files is called."""
        return _TOLD[self].heading

    @property
    def severity(self) -> str:
        """How grave it is: "error", "warning" or "note"."""
        return _TOLD[self].severity

    @property
    def cure(self) -> str:
        """What to do where the file was meant to be used."""
        return _TOLD[self].cure

    @property
    def noun(self) -> str:
        """What is counted."""
        return _TOLD[self].noun


class _Words(NamedTuple):
    heading: str
    severity: str
    cure: str
    noun: str = "file"


_TOLD = {
    UnusedKind.OUTSIDE: _Words("stray images", "warning", "move them into the folder of their class"),
    UnusedKind.UNLABELLED: _Words("unlabelled images", "warning", "put them into class folders, or ask `receptron predict` about them"),
    UnusedKind.NO_SIDE: _Words("folders beside the sides", "warning", "call them train, val or test, if they are sides"),
    UnusedKind.UNSUPPORTED: _Words("formats that are not read", "warning", "convert them to JPEG or PNG, if they are pictures of a class"),
    UnusedKind.UNREADABLE: _Words("not looked at", "error", "give yourself the right to read them (chmod u+r), or remove them"),
    UnusedKind.HIDDEN: _Words("hidden files", "warning", "take the dot off the name if they belong to the images"),
    UnusedKind.LINK: _Words("links", "warning", "nothing, if what they lead to is to count once; else copy it"),
    UnusedKind.NO_IMAGE: _Words("no images", "note", "nothing, if no image was to be there"),
    UnusedKind.SYSTEM: _Words("kept by systems and programs", "note", "nothing, if they are no images of yours; else move or rename them"),
    UnusedKind.REPEATED: _Words("repetitions of others", "note", "nothing; each image counts once", "row"),
}


@dataclass(frozen=True)
class Unused:
    """One file that is not used, or one folder or pattern that stands for `count` of them."""

    path: str  # relative to the root, bytes that are no text escaped; a folder ends in /, a pattern is such as labels/*.txt
    kind: UnusedKind
    reason: str  # "a text file", "hidden", ...
    count: int = 1
    noun: str = "file"  # that is counted

    @property
    def told(self) -> str:
        """The reason; with the number where one line stands for more than itself."""
        alone = self.count == 1 and self.noun == "file"
        return self.reason if alone else f"{self.reason}; {counted(self.count, self.noun)}"


@dataclass(frozen=True)
class UnusedColumn:
    """A column of a table that plays no role."""

    name: str
    looks_like: Literal["", "group", "split"]  # a role that it may be meant to play
    why: str  # "24 values in 192 rows"


def by_kind(unused: Iterable[Unused]) -> dict[UnusedKind, list[Unused]]:
    """In the order of kinds, the gravest first."""
    found: dict[UnusedKind, list[Unused]] = {}
    for one in sorted(unused, key=lambda one: (list(UnusedKind).index(one.kind), one.path)):
        found.setdefault(one.kind, []).append(one)
    return found


def sentences(unused: Iterable[Unused], most: int = 3) -> list[str]:
    """One line for each kind, such as `Not used: 2 files (no images): notes.txt (a text file), ...`."""
    return [
        f"Not used: {counted(sum(one.count for one in group), kind.noun)} ({kind.heading}): "
        + listed([f"{one.path} ({one.told})" for one in group], most)
        for kind, group in by_kind(unused).items()
    ]


def of_columns(unused: Iterable[UnusedColumn]) -> list[str]:
    """Sentences about columns: one for each that looks as if it were meant for something, and one for the rest."""
    unused = list(unused)
    told = [f"Column {one.name} is not used, but looks like a {one.looks_like} ({one.why})." for one in unused if one.looks_like]
    rest = [one.name for one in unused if not one.looks_like]
    return told + ([f"Not used: {counted(len(rest), 'column')}: {listed(rest)}"] if rest else [])
