"""What a user says of a folder or a table of images where names alone do not tell how it is meant."""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from receptron.data.bands.band_plan import check_axis
from receptron.errors import BadValue, UnknownName

NONE = "none"  # a role that no column is to play
LAYOUTS = ("auto", "classes", "splits")
UNGROUPED = ("refuse", "own")
_OF_TABLES = ("path_column", "label_column", "split_column", "fold_column", "group_column", "root", "suffix")


@dataclass(frozen=True)
class ScanOptions:
    """How images are found and what they belong to, for `audit`, `train` and `evaluate` alike.

    Args:
        layout: "classes" or "splits" where folders can be read in both ways.
        path_column: Column of a table that names the files; None: the one whose name says so.
        label_column: Column of the classes.
        split_column: Column of train, val and test, or "none" to use no such column.
        fold_column: Column of the folds for cross-validation, or "none".
        group_column: Column of what belongs together (a patient, a clip), or "none".
        root: Folder that the paths of a table start from; None: the table's own.
        suffix: Ending of files that a table names without one, such as ".jpg".
        groups: Regular expressions or presets ("patient", "clip", "burst", "day") that find in names what they belong to.
        ungrouped: What becomes of images that no expression fits: "refuse", or "own" for a group of its own each.
        channels_axis: Where the bands of an array lie: "first" in (C, H, W), "last" in (H, W, C), or "auto".

    Example:
        >>> ScanOptions(group_column="animal").layout
        'auto'
    """

    layout: str = "auto"
    path_column: str | None = None
    label_column: str | None = None
    split_column: str | None = None
    fold_column: str | None = None
    group_column: str | None = None
    root: str | Path | None = None
    suffix: str = ""
    groups: tuple[str, ...] = ()
    ungrouped: str = "refuse"
    channels_axis: str = "auto"

    def __post_init__(self) -> None:
        if isinstance(cast(object, self.groups), list):
            object.__setattr__(self, "groups", tuple(self.groups))

    @property
    def columns(self) -> dict[str, str]:
        """The columns that were named, by their role."""
        named = {
            "path": self.path_column,
            "label": self.label_column,
            "split": self.split_column,
            "fold": self.fold_column,
            "group": self.group_column,
        }
        return {role: column for role, column in named.items() if column is not None}

    @property
    def of_tables(self) -> list[str]:
        """Flags that were given and that only a table can have."""
        return [flag(name) for name in _OF_TABLES if getattr(self, name)]

    @property
    def given(self) -> dict[str, str | Path | tuple[str, ...]]:
        """What differs from the default, by field."""
        return {name: value for name, value in vars(self).items() if value != getattr(_DEFAULT, name)}

    @property
    def settings(self) -> dict[str, str]:
        """What was given, by its flag without the dashes; several values as a shell would take them."""
        return {flag(name)[2:]: shlex.join(value) if isinstance(value, tuple) else str(value) for name, value in self.given.items()}

    @property
    def call(self) -> str:
        """The Python that makes these options."""
        return f"receptron.ScanOptions({', '.join(f'{name}={_python(v)}' for name, v in self.given.items())})"


_DEFAULT = ScanOptions()


def flag(name: str) -> str:
    """The flag of a field: `--group` may be given several times, and so its field is called `groups`."""
    return "--group" if name == "groups" else f"--{name.replace('_', '-')}"


def flags_of(settings: Mapping[str, str]) -> str:
    """The flags of a command that found images as a run with these settings did.

    >>> flags_of(ScanOptions(groups=("clip", "a (b)"), suffix=".jpg").settings | {"seed": "0"})
    "--suffix .jpg --group clip --group 'a (b)'"
    """
    words: list[str] = []
    for name in map(flag, ScanOptions.__dataclass_fields__):
        text = settings.get(name[2:])
        if text is not None:
            words += [word for one in (shlex.split(text) if name == "--group" else [text]) for word in (name, one)]
    return shlex.join(words)


def check_options(options: ScanOptions) -> ScanOptions:
    """The options themselves. Raises: UnknownName, BadValue for what cannot be meant."""
    if not isinstance(cast(object, options), ScanOptions):
        raise BadValue(f"options is a {type(options).__name__}.", mend="give receptron.ScanOptions(...), or leave it out")
    if options.layout not in LAYOUTS:
        raise UnknownName("layout", options.layout, LAYOUTS)
    check_axis(options.channels_axis)
    if options.ungrouped not in UNGROUPED:
        raise UnknownName("way with ungrouped images", options.ungrouped, UNGROUPED)
    if isinstance(cast(object, options.groups), str) or not isinstance(cast(object, options.groups), Iterable):
        raise BadValue("groups must be a list of expressions.", mend="put the one into a tuple: groups=('person(\\d+)_',)")
    return options


def _python(value: object) -> str:
    return repr(str(value) if isinstance(value, Path) else value)
