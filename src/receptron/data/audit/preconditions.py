"""What stops training before it starts: too many broken images, or classes that cannot be told apart."""

from collections.abc import Sequence

from receptron.data.records import Entry
from receptron.errors import BrokenImages, DataFault, NoImages

TOLERATED = 0.01  # share of broken images that is passed over with a notice
SHOWN = 20
MOST_CLASSES = 4096  # the confusion matrix of so many takes 170 MB of a model's card
LONGEST_LABEL = 1000  # characters


def too_many_broken(broken: int, images: int) -> bool:
    """Whether more than 1 % are broken."""
    return broken > TOLERATED * images


def check_broken(entries: Sequence[Entry], *, allow_broken: bool = False) -> None:
    """Raises: BrokenImages with the list if more than 1 % cannot be read, unless allowed; NoImages if none can."""
    broken = [entry for entry in entries if not entry.good]
    if broken and len(broken) == len(entries):
        raise NoImages(f"none of the {len(entries):,} images can be read.", why=_list(broken), mend="replace the files")
    if not allow_broken and too_many_broken(len(broken), len(entries)):
        raise BrokenImages(
            f"{len(broken):,} of {len(entries):,} images cannot be read, more than {TOLERATED:.0%}.",
            why=_list(broken),
            mend="replace or remove these files, or go on without them with --allow-broken",
        )


def check_classes(entries: Sequence[Entry]) -> None:
    """Raises: DataFault unless at least two classes have a readable image, and not more than a model can keep, with names that it can."""
    labels = sorted({entry.item.label for entry in entries if entry.good})
    if len(labels) > 1:
        return _check_names(labels)
    inner = sorted({path.parent.name for path in (entry.item.path for entry in entries) if path.parent.name != labels[0]}) if labels else []
    hint = (
        f"{labels[0]} has the folders {', '.join(inner[:5])}: if those are the classes, give the path of {labels[0]} itself"
        if inner
        else ""
    )
    raise DataFault(
        f"all images are of one class, {labels[0]!r}." if labels else "there is no readable image.",
        why="a classifier needs at least two classes to tell apart",
        mend=hint or "add a folder of images of something else",
    )


def _check_names(labels: Sequence[str]) -> None:
    if len(labels) > MOST_CLASSES:
        raise DataFault(f"the images are of {len(labels):,} classes.", why=f"a model can tell {MOST_CLASSES:,} apart", mend="join classes")
    for label in labels:
        shown = label[:40].encode(errors="backslashreplace").decode()
        if len(label) > LONGEST_LABEL:
            raise DataFault(
                f"the class {shown!r}... has a name of {len(label):,} characters.", why=f"at most {LONGEST_LABEL:,} are possible"
            )
        if any("\ud800" <= character <= "\udfff" for character in label):
            raise DataFault(
                f"the class {shown!r} has a name that is no Unicode.", why="a model could not write it down", mend="rename the folder"
            )


def _list(broken: Sequence[Entry]) -> tuple[str, ...]:
    more = (f"and {len(broken) - SHOWN:,} more",) if len(broken) > SHOWN else ()
    return *(f"{entry.item.path}: {entry.fault}" for entry in broken[:SHOWN]), *more
