"""Room on a disk, looked at before something of known size is written there."""

import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Shortage:
    """A folder on a disk that has less room than is needed."""

    folder: Path
    needed: int  # bytes
    free: int

    @property
    def words(self) -> str:
        """Both figures, in one sentence's part.

        >>> Shortage(Path("cache"), 3 * 10**9, 12 * 10**5).words
        '1.2 MB are free on the disk of cache, and 3.0 GB are needed'
        """
        return f"{shown(self.free)} are free on the disk of {self.folder}, and {shown(self.needed)} are needed"


def shortage(folder: Path, needed: int) -> Shortage | None:
    """What is wanting for `needed` bytes below `folder`, which need not exist yet; None if nothing, or if the disk does not say."""
    try:
        free = shutil.disk_usage(next(place for place in (folder, *folder.absolute().parents) if place.exists())).free
    except OSError:
        return None
    return Shortage(folder, needed, free) if free < needed else None


def shown(count: int) -> str:
    """Bytes as people read them.

    >>> shown(800), shown(123_456), shown(20 * 10**6), shown(10 * 2**30)
    ('800 bytes', '123 kB', '20.0 MB', '10.7 GB')
    """
    if count < 1000:
        return f"{count} bytes"
    unit, size = next((unit, size) for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)) if count >= size)
    return f"{count / size:.1f} {unit}" if size > 1000 else f"{count / size:.0f} {unit}"
