"""Which files below a folder are images: by ending, or by first bytes where the ending says nothing. Follows links, never in circles."""

import os
from collections.abc import Iterator
from pathlib import Path

from receptron.data.reading.file_header import sniff

READABLE = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "PNG": (".png", ".apng"),
    "WEBP": (".webp",),
    "BMP": (".bmp", ".dib"),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
}
# Pictures that people keep but Receptron does not decode: they are named as unreadable instead of silently passed over.
FOREIGN = frozenset(
    {".avif", ".heic", ".heif", ".jxl", ".jp2", ".j2k", ".jpx", ".psd", ".svg", ".ico", ".tga", ".pcx", ".ppm", ".pgm", ".pbm", ".eps"}
    | {".fits", ".dcm", ".exr", ".hdr", ".raw", ".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".rw2"}
)

ENDINGS = frozenset(ending for endings in READABLE.values() for ending in endings) | FOREIGN
IGNORED = frozenset({"__macosx", "__pycache__", "thumbs.db", "desktop.ini", "$recycle.bin", "system volume information", "lost+found"})


def is_ignored(name: str) -> bool:
    """Whether a file or folder of that name belongs to the system rather than to the user: `.DS_Store`, `__MACOSX`, hidden ones."""
    return name.startswith(".") or name.casefold() in IGNORED


def is_image(path: Path) -> bool:
    """Whether a file passes for an image: by its ending, or by its first bytes where it has no ending or one that no format uses."""
    ending = path.suffix.lower()
    if ending in ENDINGS:
        return path.is_file() or path.is_symlink()
    if not path.is_file() or (ending and not _could_be_part_of_a_name(ending)):
        return False
    try:
        with path.open("rb") as file:
            return sniff(file.read(16)) is not None
    except OSError:
        return False


def folders(path: Path) -> list[Path]:
    """Folders directly below `path` that are not the system's, by name."""
    return [place for place in _listing(path) if place.is_dir()]


def images(path: Path) -> list[Path]:
    """Image files directly in `path`, by name."""
    return [place for place in _listing(path) if not place.is_dir() and is_image(place)]


def images_below(path: Path) -> list[Path]:
    """Image files in `path` and all folders below it, by path; each real folder is entered once, so links cannot lead in circles."""
    return sorted(_walk(path, set()))


def _walk(path: Path, entered: set[tuple[int, int]]) -> Iterator[Path]:
    status = path.stat()
    place = (status.st_dev, status.st_ino)
    if place in entered:
        return
    entered.add(place)
    yield from images(path)
    for folder in folders(path):
        yield from _walk(folder, entered)


def _listing(path: Path) -> list[Path]:
    try:
        names = os.listdir(path)  # noqa: PTH208 - names without the cost of a Path for those ignored
    except PermissionError:
        return []
    return [path / name for name in sorted(names) if not is_ignored(name)]


def _could_be_part_of_a_name(ending: str) -> bool:
    return ending[1:].isdigit() or len(ending) > 6 or " " in ending
