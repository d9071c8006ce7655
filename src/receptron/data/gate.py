"""What stops training before it starts: too many broken images, or classes that cannot be told apart."""

from collections.abc import Sequence

from receptron.data.catalog import Entry
from receptron.errors import BrokenImages, DataFault, NoImages

TOLERATED = 0.01  # share of broken images that is passed over with a notice
SHOWN = 20


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
    """Raises: DataFault unless at least two classes have a readable image."""
    labels = sorted({entry.item.label for entry in entries if entry.good})
    if len(labels) > 1:
        return
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


def _list(broken: Sequence[Entry]) -> tuple[str, ...]:
    more = (f"and {len(broken) - SHOWN:,} more",) if len(broken) > SHOWN else ()
    return *(f"{entry.item.path}: {entry.fault}" for entry in broken[:SHOWN]), *more
