"""Which files and folders can hold images: by ending, or by first bytes where the ending is no image format's."""

import os
import stat
from pathlib import Path

from receptron.data.foreign_formats import stranger
from receptron.data.reading.file_header import sniff
from receptron.data.unused import UnusedKind
from receptron.fault_kind import FaultKind, of_system

READABLE = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jif", ".jfif", ".jfi", ".pjpeg", ".pjp", ".mpo"),
    "PNG": (".png", ".apng"),
    "WEBP": (".webp",),
    "BMP": (".bmp", ".dib"),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
    "AVIF": (".avif", ".avifs"),
    "HEIF": (".heic", ".heif", ".hif", ".heics", ".heifs"),
    "NPY": (".npy",),
}
# Pictures that people keep but Receptron does not decode: they are named as unreadable instead of silently passed over.
FOREIGN = frozenset(
    {".jxl", ".jp2", ".j2k", ".jpx", ".psd", ".svg", ".ico", ".tga", ".pcx", ".ppm", ".pgm", ".pbm", ".eps"}
    | {".fits", ".dcm", ".exr", ".hdr", ".raw", ".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".rw2"}
)

ENDINGS = (
    frozenset(ending for kind, endings in READABLE.items() for ending in endings if kind != "NPY") | FOREIGN
)  # an array need be no image
# What systems and programs keep beside a user's files, and what no user means by "my images".
_SYSTEM = frozenset(
    {"__macosx", "__pycache__", "thumbs.db", "ehthumbs.db", "desktop.ini", "picasa.ini", "$recycle.bin", "system volume information"}
    | {"lost+found", "@eadir", ".ds_store", ".localized", ".appledouble", ".directory", ".nomedia", ".picasa.ini", ".picasaoriginals"}
    | {".trash", ".trashes", ".trash-1000", ".fseventsd", ".spotlight-v100", ".temporaryitems", ".documentrevisions-v100", ".thumbnails"}
    | {".git", ".gitignore", ".gitattributes", ".gitkeep", ".gitmodules", ".keep", ".svn", ".hg", ".dvc", ".dvcignore", ".lfsconfig"}
    | {".ipynb_checkpoints", ".cache", ".venv", ".idea", ".vscode", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
)
_APPLE_DOUBLE = b"\x00\x05\x16\x07"  # what a Mac keeps in ._x.jpg beside x.jpg: RFC 1740
_SNIFFED = 512  # bytes

Seen = tuple[UnusedKind, str] | None
"""Why a file is no image, or None where it is one, or passes for one."""


def is_system(name: str) -> bool:
    """Whether a file or folder of that name belongs to the system rather than to the user: `.DS_Store`, `__MACOSX`, `Thumbs.db`."""
    return name.casefold() in _SYSTEM


def is_hidden(name: str) -> bool:
    """Whether file managers do not show it."""
    return name.startswith(".")


def why_no_image(path: Path) -> Seen:
    """None if the file passes for an image: by its ending, or by its first bytes where the ending is no image format's; else why not."""
    known = path.suffix.lower() in ENDINGS
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return UnusedKind.NO_IMAGE, "a pipe, a socket or a device"
        if known:
            return None
        with path.open("rb") as file:
            start = file.read(_SNIFFED)
    except OSError as error:
        kind, reason = of_system(error)
        if known:  # reading it will tell its fault
            return None
        return (UnusedKind.LINK, "a broken link") if kind == FaultKind.MISSING else (UnusedKind.UNREADABLE, reason)
    if sniff(start):
        return None
    reason, kind = stranger(start)
    return UnusedKind.UNSUPPORTED if kind == FaultKind.UNSUPPORTED else UnusedKind.NO_IMAGE, reason


def why_hidden(path: Path) -> Seen:
    """Why a hidden file is not used if it is, or is called like, an image; None if nobody would miss it."""
    if why_no_image(path) is not None:
        return None
    try:
        with path.open("rb") as file:
            start = file.read(_SNIFFED)
    except OSError:
        start = b""
    if start.startswith(_APPLE_DOUBLE):
        return UnusedKind.SYSTEM, "what a Mac keeps beside a file, no image"
    return (UnusedKind.HIDDEN, "hidden: its name begins with a dot") if sniff(start) else None


def images_in_system(folder: Path) -> int:
    """How many files with an image's ending lie in a folder of the system's, and below it; links to folders are not followed."""
    return sum(Path(name).suffix.lower() in ENDINGS for _, _, names in os.walk(folder) for name in names)
