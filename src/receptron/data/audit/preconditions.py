"""What stops training before it starts: too many broken images, or classes that cannot be told apart."""

from collections.abc import Sequence

from receptron.data.bands.tiff_file import INSTALL
from receptron.data.records import Entry
from receptron.errors import BrokenImages, DataFault, MissingExtra, NoImages
from receptron.fault_kind import FaultKind
from receptron.wording import counted

TOLERATED = 0.01  # share of broken images that is passed over with a notice
SHOWN = 20
MOST_CLASSES = 4096  # the confusion matrix of so many takes 170 MB of a model's card
LONGEST_LABEL = 1000  # characters
NOT_THE_FILE = (FaultKind.NOT_ALLOWED, FaultKind.UNREACHABLE, FaultKind.OUT_OF_MEMORY, FaultKind.TOO_MANY_OPEN_FILES)
"""Faults of the machine, or of rights to a file: the image may be sound, and be read another time."""


def too_many_broken(broken: int, images: int) -> bool:
    """Whether more than 1 % are broken."""
    return broken > TOLERATED * images


def check_broken(entries: Sequence[Entry], *, allow_broken: bool = False) -> None:
    """Raises: BrokenImages with the list if more than 1 % cannot be read, unless allowed; NoImages if none can; MissingExtra."""
    broken = [entry for entry in entries if not entry.good]
    if any(entry.fault and INSTALL in entry.fault for entry in broken):
        raise MissingExtra("reading a TIFF of several bands", "tifffile", "bands")
    if broken and len(broken) == len(entries):
        raise NoImages(f"of {counted(len(entries), 'image')} none can be read.", why=_list(broken), mend=_cures(broken))
    if allow_broken:
        return
    sound = [entry for entry in broken if entry.fault_kind in NOT_THE_FILE]
    if sound:
        what = f"{counted(len(sound), 'image')} of {len(entries):,} could not be read, but may be sound."
        raise BrokenImages(what, why=_list(sound), mend=f"{_cures(sound)}; --allow-broken goes on without them")
    if too_many_broken(len(broken), len(entries)):
        what = f"{len(broken):,} of {counted(len(entries), 'image')} cannot be read, more than {TOLERATED:.0%}."
        raise BrokenImages(what, why=_list(broken), mend=f"{_cures(broken)}; or go on without them with --allow-broken")


def _cures(broken: Sequence[Entry]) -> str:
    kinds = dict.fromkeys(entry.fault_kind or FaultKind.DAMAGED for entry in broken)
    return "; ".join(kind.cure if len(kinds) == 1 else f"{kind.heading}: {kind.cure}" for kind in kinds)


def check_classes(entries: Sequence[Entry]) -> None:
    """Raises: DataFault unless at least two classes have a readable image, and not more than a model can keep, with names that it can."""
    labels = sorted({entry.item.label for entry in entries if entry.good})
    if len(labels) > 1:
        if fault := fault_of_labels(labels):
            raise fault
        return
    in_folders = [entry.item.path.parent.name for entry in entries if entry.item.line is None]
    inner = sorted({*in_folders} - {labels[0]}) if labels else []
    hint = (
        f"{labels[0]} has the folders {', '.join(inner[:5])}: if those are the classes, give the path of {labels[0]} itself"
        if inner
        else ""
    )
    raise DataFault(
        f"all images are of one class, {labels[0]!r}." if labels else "there is no readable image.",
        why="a classifier needs at least two classes to tell apart",
        mend=hint or "add images of something else",
    )


def fault_of_labels(labels: Sequence[str]) -> DataFault | None:
    """Why a model could not keep these classes; None if it can."""
    if len(labels) > MOST_CLASSES:
        return DataFault(f"the images are of {len(labels):,} classes.", why=f"a model can tell {MOST_CLASSES:,} apart", mend="join classes")
    for label in labels:
        shown = label[:40].encode(errors="backslashreplace").decode()
        if len(label) > LONGEST_LABEL:
            what = f"the class {shown!r}... has a name of {len(label):,} characters."
            return DataFault(what, why=f"at most {LONGEST_LABEL:,} are possible", mend="shorten it")
        if any("\ud800" <= character <= "\udfff" for character in label):
            what = f"the class {shown!r} has a name that is no Unicode."
            return DataFault(what, why="a model could not write it down", mend="rename it")
    return None


def _list(broken: Sequence[Entry]) -> tuple[str, ...]:
    more = (f"and {len(broken) - SHOWN:,} more",) if len(broken) > SHOWN else ()
    return *(f"{entry.item.path}: {entry.fault}" for entry in broken[:SHOWN]), *more
