"""Groups from the names of files: what a patient, a clip or a burst is called there, by regular expressions or presets.

An expression is looked for in the file's name, then in the names of the folders between the class and the file, the nearest first; one with
a slash in the path below the root. What its brackets catch is the group, or all that it fits where it has none. Of several expressions the
first that fits counts, and what two of them catch is never the same group.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from receptron.data.dataset.side_names import side_of
from receptron.data.dataset.spelling import composed
from receptron.data.dataset.tree import shown
from receptron.data.records import Catalog, Item
from receptron.errors import BadValue
from receptron.wording import counted, listed

EXAMPLES = 3


class _Preset(NamedTuple):
    expression: str
    noun: str
    folder: str = ""  # expression for names of folders, where those differ from names of files


PRESETS = {
    "patient": _Preset(r"(?i)(?<![a-z])(?:patient|person|subject|case|pat|subj|sub|pt)[-_ ]?(?:id)?[-_ ]?(\d+)", "patient"),
    "clip": _Preset(
        r"(?i)^(.*\d.*?)[-_ .]+(?:frame|fr|f|image|img)?[-_ .]*\d+\.[^.]+$",
        "clip",  # all but the last number
        r"(?i)^((?:clip|video|vid|scene|seq|sequence|shot)[-_ .]?\d.*)$",
    ),
    "burst": _Preset(r"(?i)burst[-_]?(\d{8,})|(\d{8}[-_]\d{6,9}).*burst", "burst", r"(?i)burst[-_ ]?(\d+)"),  # as telephones call them
    "day": _Preset(r"(?<!\d)((?:19|20)\d\d[-_.]?(?:0[1-9]|1[0-2])[-_.]?(?:0[1-9]|[12]\d|3[01]))(?!\d{1,3}(?!\d))", "day"),
}
_NUMBERED = r"(?:person|patient|subject|clip|video|scene|site|burst|animal|slide|session|visit|day)[-_ ]?\d"
_NOUNS = re.compile(r"(?i)(person|patient|subject|clip|video|scene|site|burst|animal|slide|session)")


@dataclass(frozen=True)
class NamePattern:
    """One expression, as it was given."""

    given: str
    expression: re.Pattern[str]
    noun: str  # what it finds: "patient"

    folder: re.Pattern[str]  # for names of folders

    def group(self, path: str, folders: Sequence[str] = ()) -> str:
        """The group that a path below the root names, with / between folders; empty if the expression fits nothing in it.

        `folders` are those in which it is looked for where the file's name does not tell, the first that tells counts.
        """
        if "/" in self.expression.pattern:
            return _caught(self.expression, path)
        told = _caught(self.expression, path.rpartition("/")[2])
        return told or next((group for name in folders if (group := _caught(self.folder, name))), "")

    def group_of(self, item: Item, root: Path) -> str:
        """The group of an image: as its file's name says, or the folders between its class and it."""
        return self.group(composed(shown(item.path, root)), folders_below_class(item, root))


def folders_below_class(item: Item, root: Path) -> tuple[str, ...]:
    """Names of the folders between an image and the folder of its class or side, the nearest first; all of a table's.

    >>> folders_below_class(Item(Path("/r/train/cat/patient3/left/0.png"), "cat", "train"), Path("/r"))
    ('left', 'patient3')
    """
    names = composed(shown(item.path, root)).split("/")[:-1]
    if item.label in names:
        names = names[names.index(item.label) + 1 :]
    while item.split and names and side_of(names[0]):
        names = names[1:]
    return tuple(reversed(names))


def names_a_group(name: str) -> bool:
    """Whether a folder is called like what images belong together by: a patient, a day, a clip, with a number."""
    return bool(re.search(_NUMBERED, name, re.IGNORECASE)) or any(name_pattern(preset).group("", [name]) for preset in ("patient", "day"))


def _caught(expression: re.Pattern[str], text: str) -> str:
    fits = expression.search(text)
    if fits is None:
        return ""
    return "-".join(part for part in fits.groups() if part) if expression.groups else fits[0]


def name_pattern(given: str) -> NamePattern:
    """A preset, or a regular expression; a bracket with a name such as `(?P<animal>...)` says what a group is. Raises: BadValue."""
    text, noun, folder = PRESETS.get(given, _Preset(given, ""))
    try:
        expression = re.compile(text)
    except (re.error, TypeError) as error:
        what = f"--group {given} is no regular expression."
        raise BadValue(what, why=str(error), mend=f"write it like 'person(\\d+)_', or one of {', '.join(PRESETS)}") from error
    if not text:
        raise BadValue("--group is empty.", mend=f"write an expression like 'person(\\d+)_', or one of {', '.join(PRESETS)}")
    found = _NOUNS.search(text)
    return NamePattern(
        given,
        expression,
        noun or next(iter(expression.groupindex), "") or (found[1].casefold() if found else "group"),
        re.compile(folder or text),
    )


def grouped(catalog: Catalog, given: Iterable[str], ungrouped: str = "refuse") -> Catalog:
    """The catalog with the groups that names tell. Images that nothing fits are refused, or with `ungrouped` "own" each by itself.

    Raises: BadValue with the count, classes and three names of those that nothing fits; and where a table has groups already.
    """
    patterns = [name_pattern(one) for one in dict.fromkeys(given)]
    if not patterns:
        return catalog
    if column := catalog.columns.get("group"):
        what = f"--group {patterns[0].given} and column {column} both say what belongs together."
        raise BadValue(what, mend="leave one out: --group-column none does not use the column")
    items = tuple(replace(item, group=_named(item, catalog.root, patterns)) for item in catalog.items)
    alone = [item for item in items if item.group is None]
    if alone and (ungrouped != "own" or len(alone) == len(items)):
        raise _unmatched(catalog, patterns, alone)
    nouns = {pattern.noun for pattern in patterns}
    by = " ".join(f"--group {pattern.given}" for pattern in patterns)
    return replace(catalog, items=items, group_noun=nouns.pop() if len(nouns) == 1 else "group", grouped_by=by)


def _named(item: Item, root: Path, patterns: Sequence[NamePattern]) -> str | None:
    for number, pattern in enumerate(patterns, start=1):
        if group := pattern.group_of(item, root):
            return group if len(patterns) == 1 else f"{number}:{group}"
    return None


def _unmatched(catalog: Catalog, patterns: Sequence[NamePattern], alone: Sequence[Item]) -> BadValue:
    flags = " ".join(f"--group {pattern.given}" for pattern in patterns)
    classes = Counter(item.label for item in alone)
    names = [shown(item.path, catalog.root) for item in alone[:: max(1, len(alone) // EXAMPLES)]][:EXAMPLES]
    presets = f"presets are {', '.join(PRESETS)}"
    further = (
        f"a further --group for them (it may be given several times; {presets}); or --ungrouped own, if none of them belongs with another"
    )
    mend = f"another expression ({presets})" if len(alone) == len(catalog.items) else further
    return BadValue(
        f"{flags} fits nothing in the names of {len(alone):,} of {counted(len(catalog.items), 'image')}.",
        why=(
            f"they are of {listed(f'{label} ({count:,})' for label, count in sorted(classes.items()))}",
            f"such as {listed(names)}",
            "it is looked for in the file's name, then in the folders below that of the class; with a slash in the path",
        ),
        mend=mend,
    )
