"""A folder with all below it, looked at once: images, what is no image and why. Links are followed, never in circles, never twice."""

import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from receptron.data.dataset.discovery import Seen, images_in_system, is_hidden, is_system, why_hidden, why_no_image
from receptron.data.unused import Unused, UnusedKind
from receptron.errors import UnreadableFolder
from receptron.fault_kind import FaultKind, of_system

ONE_BY_ONE = 20  # files of one folder, ending and kind that are named; more are told as a pattern and their number

Place = tuple[int, int]
"""Device and number of a real folder, whatever the links that lead to it."""


@dataclass
class Folder:
    """One folder as it was found; complete once `look` has returned it."""

    path: Path
    folders: list["Folder"] = field(default_factory=list["Folder"])  # by name
    images: list[Path] = field(default_factory=list[Path])  # directly in it, by name
    passed_over: list[tuple[Path, UnusedKind, str]] = field(default_factory=list[tuple[Path, UnusedKind, str]])
    kept_by_systems: list[tuple[Path, int]] = field(default_factory=list[tuple[Path, int]])  # folders in it, and how many images they hold

    @property
    def name(self) -> str:
        """Its name, without the folders above."""
        return self.path.name

    def walk(self) -> Iterator["Folder"]:
        """The folder and all below it."""
        waiting = [self]
        while waiting:
            folder = waiting.pop()
            yield folder
            waiting += folder.folders[::-1]

    def below(self) -> list[Path]:
        """Images in it and in all folders below, by path."""
        return sorted(image for folder in self.walk() for image in folder.images)

    @property
    def is_filled(self) -> bool:
        """Whether an image lies in it or anywhere below."""
        return any(folder.images for folder in self.walk())

    @property
    def filled(self) -> list["Folder"]:
        """Folders directly in it that have images somewhere."""
        return [folder for folder in self.folders if folder.is_filled]


def look(root: Path) -> Folder:
    """Everything below `root`. A real folder is entered once: links to it, and links in circles, are passed over and told.

    Raises: UnreadableFolder naming every folder that cannot be listed, and why.
    """
    return _Survey(root).run()


def unused(root: Folder) -> list[Unused]:
    """What was passed over in `root` and below, with paths relative to it; many of one folder, ending and kind as one."""
    together: dict[tuple[Path, str, UnusedKind], list[Unused]] = {}
    for folder in root.walk():
        for path, kind, reason in folder.passed_over:
            one = Unused(shown(path, root.path) + ("/" if path.is_dir() and kind != UnusedKind.LINK else ""), kind, reason)
            together.setdefault((folder.path, path.suffix.lower(), kind), []).append(one)
    kept = [
        Unused(f"{shown(path, root.path)}/", UnusedKind.SYSTEM, "a folder of the system's or a program's", count)
        for folder in root.walk() for path, count in folder.kept_by_systems
    ]  # fmt: skip
    return [one for key, group in together.items() for one in _gathered(root.path, *key[:2], group)] + kept


def shown(path: Path, root: Path) -> str:
    """A path relative to `root` where it lies below; bytes that are no text are escaped."""
    relative = path.relative_to(root) if path.is_relative_to(root) else path
    return relative.as_posix().encode(errors="backslashreplace").decode()


def _gathered(root: Path, folder: Path, ending: str, group: list[Unused]) -> list[Unused]:
    if len(group) <= ONE_BY_ONE:
        return group
    return [Unused(shown(folder / f"*{ending}", root), group[0].kind, group[0].reason, len(group))]


class _Survey:
    """Real folders first, then what links lead to, so that a link never takes the place of the folder itself."""

    def __init__(self, root: Path) -> None:
        self.root = Folder(root)
        self.entered: dict[Place, Path] = {}
        self.links: deque[tuple[Folder, Path]] = deque()
        self.faults: list[tuple[Path, FaultKind, str]] = []

    def run(self) -> Folder:
        """The root, complete."""
        self._enter(self.root)
        while self.links:
            self._follow(*self.links.popleft())
        if self.faults:
            raise _unreadable(self.root.path, self.faults)
        for folder in self.root.walk():
            folder.folders.sort(key=lambda inner: inner.name)
            folder.images.sort()
        return self.root

    def _enter(self, top: Folder) -> None:
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            try:
                status = folder.path.stat()
                self.entered[status.st_dev, status.st_ino] = folder.path
                with os.scandir(folder.path) as listing:
                    entries = sorted(listing, key=lambda entry: entry.name)
            except OSError as error:
                self.faults.append((folder.path, *of_system(error)))
                continue
            for entry in entries:
                self._sort_in(folder, entry)
            waiting += folder.folders

    def _sort_in(self, folder: Folder, entry: "os.DirEntry[str]") -> None:
        path = folder.path / entry.name
        if is_system(entry.name):
            if count := images_in_system(path):
                folder.kept_by_systems.append((path, count))
            return
        if entry.is_symlink() and self._leads_to_a_folder(path):
            self.links.append((folder, path))
        elif entry.is_dir(follow_symlinks=False):
            if is_hidden(entry.name):
                folder.passed_over.append((path, UnusedKind.HIDDEN, "a hidden folder: its name begins with a dot"))
            else:
                folder.folders.append(Folder(path))
        else:
            self._file(folder, path)

    def _leads_to_a_folder(self, path: Path) -> bool:
        try:
            return path.is_dir()
        except OSError as error:
            self.faults.append((path, *of_system(error)))
            return False

    def _file(self, folder: Folder, path: Path) -> None:
        hidden = is_hidden(path.name)
        seen: Seen = why_hidden(path) if hidden else why_no_image(path)
        if seen:
            folder.passed_over.append((path, *seen))
        elif not hidden:
            folder.images.append(path)

    def _follow(self, folder: Folder, path: Path) -> None:
        if is_hidden(path.name):
            folder.passed_over.append((path, UnusedKind.HIDDEN, "a hidden link to a folder"))
            return
        try:
            status = path.stat()
        except OSError as error:
            self.faults.append((path, *of_system(error)))
            return
        known = self.entered.get((status.st_dev, status.st_ino))
        if known is None:
            inner = Folder(path)
            folder.folders.append(inner)
            self._enter(inner)
        elif path.is_relative_to(known):
            folder.passed_over.append((path, UnusedKind.LINK, f"a link that leads in a circle, to {shown(known, self.root.path)}"))
        else:
            folder.passed_over.append((path, UnusedKind.LINK, f"a link to {shown(known, self.root.path)}, which is read there"))


def _unreadable(root: Path, faults: list[tuple[Path, FaultKind, str]]) -> UnreadableFolder:
    return UnreadableFolder(str(root), [(str(path), reason) for path, _, reason in faults], faults[0][1])
