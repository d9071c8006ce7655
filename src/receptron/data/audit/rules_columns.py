"""Rules of the audit about tables: which columns were used for what, which were not, and labels that look like several."""

import re
import shlex
from collections import Counter
from collections.abc import Iterable

from receptron.data.audit.context import AuditContext
from receptron.data.records import Finding
from receptron.wording import counted, listed

_MARKS = ("|", ";", ",", "/", "+", "&", " ")
_LISTS = frozenset({"|", ";", ","})  # that names seldom have in them


def used_columns(context: AuditContext) -> list[Finding]:
    """Columns whose role follows from another name than the role's own."""
    other = {role: name for role, name in context.catalog.columns.items() if name.strip().casefold() != role}
    if not other:
        return []
    message = f"columns: {listed(f'{role} from {name}' for role, name in other.items())}"
    return [Finding("columns", "note", message, f"if another is meant, name it: --{next(iter(other))}-column NAME")]


def unused_columns(context: AuditContext) -> list[Finding]:
    """Columns that play no role: each that looks like a group or a split alone, the rest together."""
    unused = context.catalog.unused_columns
    found = [
        Finding(
            "column not used", "warning", f"column {one.name} is not used, but looks like a {one.looks_like} ({one.why})",
            f"{_GAIN[one.looks_like]}: --{one.looks_like}-column {shlex.quote(one.name)}",
        )
        for one in unused if one.looks_like
    ]  # fmt: skip
    rest = [one.name for one in unused if not one.looks_like]
    if rest:
        message = f"{counted(len(rest), 'column')} not used: {listed(rest, 20)}"
        found.append(Finding("column not used", "note", message, "name it by a flag if it was meant: --group-column, --split-column ..."))
    return found


_GAIN = {
    "group": "images of one value that belong together must stay on one side, or figures are too good",
    "split": "use it, if it says which images are for the test",
}


def several_labels(context: AuditContext) -> list[Finding]:
    """Classes that look like several labels of one image, as tags: "cat", "dog" and "cat dog"."""
    for mark in _MARKS:
        if combined := _tags([label for label, count in context.sizes.items() if count], mark):
            shown = "blanks" if mark == " " else f"{mark!r}"
            message = f"labels that look like several labels of one image, between {shown}: {listed(combined)}"
            cure = "an image has one class here: keep one label each, or train a model for each label; each spelling is a class of its own"
            return [Finding("several labels", "warning", message, cure, labels=tuple(combined))]
    return []


def _tags(labels: Iterable[str], mark: str) -> list[str]:
    """Labels made of parts that are labels themselves, or that change their place.

    Where the mark makes a list, one such part is enough. Elsewhere all must be, or the others stand beside several: a police car is a car.
    """
    parts = {label: [part for part in re.split(rf"\s*{re.escape(mark)}\s*", label.strip().casefold()) if part] for label in labels}
    alone = {own[0] for own in parts.values() if len(own) == 1}
    several = {label: set(own) for label, own in parts.items() if len(set(own)) > 1}
    beside = {(tag, part) for own in several.values() for tag in own - alone for part in own & alone}
    if mark in _LISTS and beside:
        return list(several)
    met = Counter(part for own in parts.values() for part in set(own))
    made = [label for label, own in several.items() if all(met[part] > 1 for part in own)]
    if any(several[label] <= alone for label in made) or len(beside) > len({tag for tag, _ in beside}):
        return made
    places = {(part, place) for label in made for place, part in enumerate(parts[label])}
    moving = len(places) > len({part for part, _ in places})
    return made if len(made) > 1 and moving else []


COLUMN_RULES = (used_columns, unused_columns, several_labels)
