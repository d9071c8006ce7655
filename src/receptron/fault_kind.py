"""Why an image cannot be read, as a kind that code can ask for; the words for a user stand beside it."""

import errno
from enum import StrEnum
from typing import NamedTuple


class FaultKind(StrEnum):
    """What keeps an image from being read. Only the first four are the file's own fault."""

    DAMAGED = "damaged"
    TRUNCATED = "truncated"
    EMPTY = "empty"
    NO_IMAGE = "no image"
    UNSUPPORTED = "unsupported"
    TOO_LARGE = "too large"
    MISSING = "missing"
    NOT_ALLOWED = "not allowed"
    UNREACHABLE = "unreachable"
    OUT_OF_MEMORY = "out of memory"
    TOO_MANY_OPEN_FILES = "too many open files"

    @property
    def heading(self) -> str:
        """What a list of such files is called."""
        return _TOLD[self].heading

    @property
    def cure(self) -> str:
        """How to mend files of this kind."""
        return _TOLD[self].cure


class _Said(NamedTuple):
    heading: str
    cure: str


_TOLD = {
    FaultKind.DAMAGED: _Said("damaged files", "copy or download them again, or remove them"),
    FaultKind.TRUNCATED: _Said("truncated files", "copy or download them again; half an image is never used"),
    FaultKind.EMPTY: _Said("empty files", "copy or download them again"),
    FaultKind.NO_IMAGE: _Said("no images", "download them again (`git lfs pull` for LFS pointers), or remove them"),
    FaultKind.UNSUPPORTED: _Said("formats that are not read", "convert them to JPEG or PNG"),
    FaultKind.TOO_LARGE: _Said("over the limit", "raise the limit, shrink them, or remove them"),
    FaultKind.MISSING: _Said("missing files", "correct the table or the links, or bring the files back"),
    FaultKind.NOT_ALLOWED: _Said("files that you may not read", "give yourself the right to read them (chmod u+r), or leave them out"),
    FaultKind.UNREACHABLE: _Said("files that the disk does not give", "check the disk or the network drive, and try again"),
    FaultKind.OUT_OF_MEMORY: _Said("not enough memory", "the files may be sound: close other programs, or shrink them"),
    FaultKind.TOO_MANY_OPEN_FILES: _Said("too many open files", "the files may be sound: raise the limit (ulimit -n), and try again"),
}
_SYSTEM = {
    errno.ENOENT: (FaultKind.MISSING, "no such file"),
    errno.ENOTDIR: (FaultKind.MISSING, "no such file"),
    errno.ELOOP: (FaultKind.MISSING, "a link that leads in a circle"),
    errno.EACCES: (FaultKind.NOT_ALLOWED, "not allowed to read it"),
    errno.EPERM: (FaultKind.NOT_ALLOWED, "not allowed to read it"),
    errno.ENOMEM: (FaultKind.OUT_OF_MEMORY, "not enough memory to read it"),
    errno.EMFILE: (FaultKind.TOO_MANY_OPEN_FILES, "too many files are open"),
    errno.ENFILE: (FaultKind.TOO_MANY_OPEN_FILES, "too many files are open"),
}


def of_system(error: OSError) -> tuple[FaultKind, str]:
    """Kind and words of what the operating system says when a file is opened or read."""
    known = _SYSTEM.get(error.errno or 0)
    return known or (FaultKind.UNREACHABLE, (error.strerror or str(error) or type(error).__name__).lower())
