"""Rules of the audit about the whole set: copies, sides that leak, classes too small or too unequal."""

from collections.abc import Callable
from dataclasses import replace

from receptron.data.audit.context import AuditContext, Told, about_classes, finding
from receptron.data.deduplication.duplicates import CopyPair
from receptron.data.records import Entry, Finding
from receptron.wording import counted, listed

FEWEST = 10  # images below which a class is too small to say how well it is recognised
UNEQUAL = 3.0  # times as many images in the largest class as in the smallest
_WORDS = {True: "exact duplicates", False: "near duplicates"}


def copies(context: AuditContext) -> list[Finding]:
    """Exact and near duplicates: within a class, across classes, across given sides."""
    found: list[Finding] = []
    for exact in (True, False):
        word = _WORDS[exact]
        severity = "warning" if exact else "note"
        cure = "they stay together on one side; delete the spare ones to save time"
        found += _copies(context, exact, lambda a, b: _label(a, b) and not _across(a, b), word, severity, cure)
        cure = "decide which class is right and delete the other copy" if exact else "look at both: one label may be wrong"
        found += _copies(context, exact, lambda a, b: not _label(a, b), f"{word} across classes", "error" if exact else "warning", cure)
        cure = "take them off the training side; figures on this test side are too good (both figures are told)"
        found += _copies(context, exact, _across, f"{word} across given sides", "error", cure)
    return found


def _copies(
    context: AuditContext, exact: bool, wanted: Callable[[Entry, Entry], bool], kind: str, severity: str, cure: str
) -> list[Finding]:
    """One finding over all pairs of one kind that `wanted` picks; both images of each pair are named, with the other as the note."""
    told: list[Told] = []
    pairs = [pair for pair in context.clusters.pairs if (pair.kind != "near") == exact]
    picked = [pair for pair in pairs if wanted(context.entries[pair.first], context.entries[pair.second])]
    for pair in picked:
        told += _both(context, pair)
    message = f"{counted(len(picked), 'pair')} of {kind}"
    return finding(context, kind, severity, told, message=message, cure=cure)


def _both(context: AuditContext, pair: CopyPair) -> list[Told]:
    first, second = context.entries[pair.first], context.entries[pair.second]
    how = "" if pair.kind == "same file" else f" ({pair.kind})" if pair.kind != "near" else f" ({pair.likeness:.0%} alike)"
    return [Told(first, f"= {context.name(second)}{how}"), Told(second, f"= {context.name(first)}{how}")]


def _label(a: Entry, b: Entry) -> bool:
    return a.item.label == b.item.label


def _across(a: Entry, b: Entry) -> bool:
    """Whether one is for training and the other for looking how well it went."""
    return a.item.split is not None and b.item.split is not None and a.item.split != b.item.split


def split_groups(context: AuditContext) -> list[Finding]:
    """Groups (a patient, a burst) with images on several given sides."""
    sides: dict[str, set[str]] = {}
    for entry, _ in context.good:
        if entry.item.group and entry.item.split:
            sides.setdefault(entry.item.group, set()).add(entry.item.split)
    torn = {group for group, names in sides.items() if len(names) > 1}
    told = [Told(e, f"group {e.item.group} on {e.item.split}") for e, _ in context.good if e.item.split and e.item.group in torn]
    cure = "put all images of a group on one side; figures on this test side are too good (both figures are told)"
    message = f"{counted(len(torn), 'group')} with images on several given sides, {{n}} in all"
    return finding(context, "groups across given sides", "error", told, message=message, cure=cure)


def small_classes(context: AuditContext) -> list[Finding]:
    """Classes of so few images that they cannot be learnt, or cannot be judged."""
    single = [label for label, count in context.sizes.items() if count == 1]
    few = [f"{label} ({count})" for label, count in context.sizes.items() if 1 < count < FEWEST]
    cure = "add images, or leave the class out"
    found = about_classes("class too small", "error", single, message="one image only: {names}; it cannot be learnt and tested", cure=cure)
    message = f"fewer than {FEWEST} images: {{names}}; figures for them will be very uncertain"
    return found + about_classes("class too small", "warning", few, message=message, cure="add images of these classes")


def imbalance(context: AuditContext) -> list[Finding]:
    """Classes of very different sizes."""
    counts = {label: count for label, count in context.sizes.items() if count}
    if len(counts) < 2 or max(counts.values()) < UNEQUAL * min(counts.values()):
        return []
    most, least = max(counts, key=lambda label: counts[label]), min(counts, key=lambda label: counts[label])
    message = f"{most} has {counts[most]:,} images, {least} {counts[least]:,}: {counts[most] / counts[least]:.1f} times as many"
    cure = f"add images of {least}; read balanced accuracy and the figures per class rather than plain accuracy"
    return [Finding("imbalance", "warning", message, cure, labels=(most, least))]


def one_class(context: AuditContext) -> list[Finding]:
    """Nothing to tell apart."""
    filled = [label for label, count in context.sizes.items() if count]
    only = filled if len(filled) == 1 else []
    found = about_classes("one class", "error", only, message="all images are of one class: {names}", cure="add a folder of something else")
    return [replace(one, stops="always") for one in found]


def empty_classes(context: AuditContext) -> list[Finding]:
    """Class folders without an image, or without a readable one."""
    empty = [label for label, count in context.sizes.items() if not count]
    cure = "add images, or remove the folder; it is no class as it is"
    return about_classes("empty class", "warning", empty, message="no readable image: {names}", cure=cure)


def one_sided_classes(context: AuditContext) -> list[Finding]:
    """Classes that a given split left without training images, or without test images."""
    if not context.catalog.has_given_split:
        return []
    every = set[str]().union(*context.sides.values())
    if every and "train" not in every:
        message = f"no training side: all images are on {listed(sorted(every))}"
        return [
            Finding("no training side", "error", message, "add a train side, or give the class folders without a split", stops="always")
        ]
    untrained = [label for label, sides in context.sides.items() if "train" in every and "train" not in sides]
    untested = [label for label, sides in context.sides.items() if sides == {"train"} and len(every) > 1]
    message = "no training image: {names}"
    found = about_classes("class without training images", "error", untrained, message=message, cure="add some, or remove the class")
    message, cure = f"on the train side only, not among {listed(sorted(every - {'train'}))}: {{names}}", "add test images of these classes"
    return found + about_classes("class without test images", "warning", untested, message=message, cure=cure)


SET_RULES = (
    copies,
    split_groups,
    one_class,
    small_classes,
    imbalance,
    empty_classes,
    one_sided_classes,
)
