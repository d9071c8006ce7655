"""Endings that files have on the disk where a table names them without one."""

from collections import defaultdict
from pathlib import Path

from receptron.data.dataset import spelling
from receptron.data.dataset.discovery import ENDINGS as IMAGES

ANY = "any"  # in the place of an ending: the one that each file has


class EndingsOnDisk:
    """Looks into each folder once."""

    def __init__(self) -> None:
        self._folders: dict[Path, dict[str, list[str]]] = {}

    def of(self, place: Path) -> str:
        """The ending of the one image that is called like `place` but for its ending; empty where the name is whole, or no image fits.

        Raises: ValueError where several fit.
        """
        if place.is_file():
            return ""
        found = self._in(place.parent).get(spelling.composed(place.name), [])
        if len(found) > 1:
            raise ValueError(f"{place.name} may be {' or '.join(place.name + ending for ending in sorted(found))}")
        return found[0] if found else ""

    def _in(self, folder: Path) -> dict[str, list[str]]:
        if folder not in self._folders:
            endings: dict[str, list[str]] = defaultdict(list)
            for file in folder.iterdir() if folder.is_dir() else ():
                if file.suffix.lower() in IMAGES:
                    endings[spelling.composed(file.stem)].append(file.suffix)
            self._folders[folder] = endings
        return self._folders[folder]
