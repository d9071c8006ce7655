"""Files that a table names but that lie elsewhere, or end in another way than it says: what to say so that they are found."""

import glob
import os
from collections.abc import Sequence
from pathlib import Path

from receptron.data.dataset.discovery import ENDINGS as IMAGES
from receptron.data.records import Item
from receptron.data.tables.endings import ANY, EndingsOnDisk
from receptron.errors import BadTable
from receptron.wording import counted


def misplaced(path: Path, root: Path, items: Sequence[Item], suffix: str) -> BadTable | None:
    """What many paths lack, where the disk tells it: an ending, or a folder. None if nothing is found out."""
    missing = [item for item in items if not os.path.lexists(item.path)]
    if len(missing) < len(items):
        return _other_endings(path, missing, suffix) if suffix not in ("", ANY) else None
    return _nowhere(path, root, items) if items else None


def _nowhere(path: Path, root: Path, items: Sequence[Item]) -> BadTable | None:
    """None of the files is there: look for the first a folder or two below, and with an ending."""
    names = [item.path.relative_to(root).as_posix() for item in items]
    for folders in ("", "*/", "*/*/"):
        for ending in ("", ".*"):
            for found in sorted(root.glob(f"{folders}{glob.escape(names[0])}{ending}")):
                lacks = found.name[len(items[0].path.name) :]
                if not lacks or lacks.lower() in IMAGES:
                    return _lacking(path, names, found, root if not folders else found.parents[names[0].count("/")], root, lacks)
    return None


def _lacking(path: Path, names: Sequence[str], found: Path, start: Path, root: Path, ending: str) -> BadTable:
    endings = EndingsOnDisk()
    mixed = bool(ending) and any(not os.path.lexists(start / f"{name}{ending}") and _ends(endings, start / name) for name in names)
    flags = [] if start == root else [f"--root {start}"]
    flags += [f"--suffix {ANY if mixed else ending}"] if ending else []
    return BadTable(
        f"none of the files that {path} names is there.",
        why=f"there is no {names[0]!r}, but {found} is" + ("; others end otherwise" if mixed else ""),
        mend=f"say where they start and how they end: {' '.join(flags)}",
    )


def _other_endings(path: Path, missing: Sequence[Item], suffix: str) -> BadTable | None:
    """Some files are there with the ending that was given, others with another one."""
    endings = EndingsOnDisk()
    stems = [item.path.with_name(item.path.name[: -len(suffix)]) for item in missing]
    found = [f"{stem.name}{ending}" for stem in stems if (ending := _ends(endings, stem))]
    if not found:
        return None
    return BadTable(
        f"{path} names {counted(len(found), 'file')} that {'does' if len(found) == 1 else 'do'} not end in {suffix}.",
        why=f"there is no {missing[0].path.name!r}, but {found[0]!r} is",
        mend=f"--suffix {ANY} takes the ending that each file has",
    )


def _ends(endings: EndingsOnDisk, place: Path) -> str:
    """The ending of a file of that name; where several fit, that of any."""
    try:
        return endings.of(place)
    except ValueError:
        return ANY
