"""Folders of images made from a list of names, and what a scan says of them."""

from pathlib import Path

from malformed import encoded

from receptron.data.dataset.scan import scan
from receptron.data.dataset.scan_options import ScanOptions

PNG = encoded("PNG")


def grow(root: Path, *names: str) -> Path:
    """Make image files of these names below `root`; a/{b,c}/2 makes a/b/0.png, a/b/1.png, a/c/0.png and a/c/1.png."""
    for name in names:
        for place in spread(name):
            path = root / place.lstrip("/")  # "2" alone stands for files in the root itself
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(PNG)
    return root


def spread(name: str) -> list[str]:
    """The file names that one pattern stands for."""
    if "{" in name:
        start, rest = name.split("{", 1)
        inner, end = rest.split("}", 1)
        return [path for part in inner.split(",") for path in spread(start + part + end)]
    folder, _, last = name.rpartition("/")
    return [f"{folder}/{index}.png" for index in range(int(last))] if last.isdigit() else [name]


def found(root: Path, layout: str = "auto") -> dict[str, tuple[str, str | None]]:
    """Label and side by path below the root."""
    return {item.path.relative_to(root).as_posix(): (item.label, item.split) for item in scan(root, ScanOptions(layout)).items}


def sides(root: Path, layout: str = "auto") -> dict[str | None, set[str]]:
    """Classes on each side."""
    told: dict[str | None, set[str]] = {}
    for label, side in found(root, layout).values():
        told.setdefault(side, set()).add(label)
    return told
