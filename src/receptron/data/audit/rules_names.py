"""Rules of the audit about names and places: labels that may be meant otherwise, and what lies among the images and is not used."""

from receptron.data.audit.context import AuditContext, about_classes
from receptron.data.audit.preconditions import fault_of_labels
from receptron.data.records import Finding
from receptron.data.unused import by_kind
from receptron.wording import counted

MISSING = frozenset({"nan", "na", "n/a", "none", "null", "nil", "nat", "<na>", "#n/a", "?", "-", "undefined", "missing"})
"""Labels, without regard to capitals, that programs write where there is no value."""


def unused(context: AuditContext) -> list[Finding]:
    """Files and folders that are passed over, a finding for each kind of reason."""
    found: list[Finding] = []
    for kind, group in by_kind(context.catalog.unused).items():
        message = f"{counted(sum(one.count for one in group), kind.noun)} not used: {kind.heading}"
        files, notes = tuple(one.path for one in group), tuple(one.told for one in group)
        found.append(Finding(kind.heading, kind.severity, message, kind.cure, files, notes=notes))
    return found


def unusable_labels(context: AuditContext) -> list[Finding]:
    """Labels that a model could not keep."""
    fault = fault_of_labels([label for label, count in context.sizes.items() if count])
    return [Finding("class names", "error", fault.what.rstrip("."), str(fault.mend) or "rename the class", stops="always")] if fault else []


def look_alike_labels(context: AuditContext) -> list[Finding]:
    """Classes whose names differ only in case, blanks or hyphens."""
    spelled: dict[str, list[str]] = {}
    for label in context.sizes:
        if _number(label) is None:
            spelled.setdefault("".join(c for c in label.casefold() if c.isalnum()) or label, []).append(label)
    twins = [" and ".join(labels) for labels in spelled.values() if len(labels) > 1]
    message = "names that differ only in case or punctuation: {names}"
    return about_classes("class names alike", "warning", twins, message=message, cure="give one class one spelling")


def equal_numbers(context: AuditContext) -> list[Finding]:
    """Classes whose names are one number, written in several ways: 7, 007 and 7.0."""
    spelled: dict[float, list[str]] = {}
    for label in context.sizes:
        number = _number(label)
        if number is not None:
            spelled.setdefault(number, []).append(label)
    twins = [" and ".join(labels) for labels in spelled.values() if len(labels) > 1]
    cure = "give one class one spelling; they are kept as different classes"
    return about_classes("class names alike", "warning", twins, message="names that are the same number: {names}", cure=cure)


def missing_labels(context: AuditContext) -> list[Finding]:
    """Classes that are called like a missing value."""
    names = [label for label in context.sizes if label.strip().casefold() in MISSING]
    cure = "label these images or leave them out, unless that is a class of yours"
    return about_classes("missing labels", "warning", names, message="classes that look like a missing label: {names}", cure=cure)


def side_like(context: AuditContext) -> list[Finding]:
    """Classes that are called like a side of a split."""
    names = context.catalog.side_like
    cure = "nothing, if it is a class; if it is a side, put class folders into it, or use --layout splits"
    return about_classes("class called like a side", "note", names, message="taken as classes, not as sides of a split: {names}", cure=cure)


def respelled(context: AuditContext) -> list[Finding]:
    """Names that are written in two Unicode forms."""
    names = context.catalog.respelled
    message, cure = (
        "names in two Unicode forms (NFC and NFD), taken as one: {names}",
        "nothing to do here; other programs may tell them apart",
    )
    return about_classes("Unicode forms", "note", names, message=message, cure=cure)


def _number(label: str) -> float | None:
    """The number that a label is; None for words, and for NaN and infinity, which are no numbers of classes."""
    try:
        number = float(label.strip())
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None


NAME_RULES = (unusable_labels, missing_labels, look_alike_labels, equal_numbers, side_like, respelled, unused)
