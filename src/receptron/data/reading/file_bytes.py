"""The bytes of one image file, within what one image may cost."""

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from receptron.errors import BadValue, UnreadableImage
from receptron.fault_kind import FaultKind, of_system

PIXEL_COST = 8  # bytes of memory for each pixel while it is decoded: as the file has it, as RGB, and as an array
MEGABYTE = 1_000_000
IMAGE_MEMORY = 400  # megabytes: 50 megapixels


@dataclass(frozen=True)
class Limits:
    """What one image may cost."""

    memory: int = IMAGE_MEMORY * MEGABYTE  # bytes, while it is decoded
    file_bytes: int = 512 * MEGABYTE
    alone: int = 12_000_000  # px decoded; larger images are decoded one at a time, whatever the number of threads

    @property
    def pixels(self) -> int:
        """Pixels that may be decoded at once."""
        return self.memory // PIXEL_COST


LIMITS = Limits()


@dataclass(frozen=True)
class EncodedFile:
    """The bytes of an image file, their format, and what messages call it."""

    kind: str  # "JPEG", "PNG", ...
    data: bytes
    shown: str


def within(megabytes: float) -> Limits:
    """Limits of that much memory for one image. Raises: BadValue for what is no amount of memory."""
    if not isinstance(cast(object, megabytes), (int, float)) or not 1 <= megabytes <= 1_000_000:
        raise BadValue(f"--image-memory {megabytes} is out of range.", why="it counts megabytes, from 1 to 1,000,000", mend="use 400")
    return Limits(memory=round(megabytes * MEGABYTE), file_bytes=max(LIMITS.file_bytes, round(megabytes * MEGABYTE)))


def read_bytes(path: Path, limits: Limits = LIMITS) -> bytes:
    """All bytes of a regular file.

    Raises: UnreadableImage if it is missing, no regular file, not readable or too large.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableImage(str(path), "it is a folder or device, not a file", FaultKind.NO_IMAGE)
        if status.st_size > limits.file_bytes:
            reason = f"{status.st_size:,} bytes are more than the limit of {limits.file_bytes:,}"
            raise UnreadableImage(str(path), reason, FaultKind.TOO_LARGE)
        return path.read_bytes()
    except FileNotFoundError as error:
        raise UnreadableImage(str(path), "a broken link" if path.is_symlink() else "no such file", FaultKind.MISSING) from error
    except OSError as error:
        kind, reason = of_system(error)
        raise UnreadableImage(str(path), reason, kind) from error
    except MemoryError as error:
        raise UnreadableImage(str(path), "not enough memory to read it", FaultKind.OUT_OF_MEMORY) from error
    except ValueError as error:  # NUL in the name
        raise UnreadableImage(str(path), f"no file has such a name ({error})", FaultKind.MISSING) from error
