"""Rules of the audit about the whole set: sides that leak, classes too small or too unequal."""

from dataclasses import replace

from receptron.data.audit.context import AuditContext, Told, about_classes, finding
from receptron.data.audit.rules_copies import copies
from receptron.data.records import Finding
from receptron.wording import counted, listed

FEWEST = 10  # images below which a class is too small to say how well it is recognised
UNEQUAL = 3.0  # times as many images in the largest class as in the smallest


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


def fold_groups(context: AuditContext) -> list[Finding]:
    """Groups, and copies, with images in several given folds: they cannot be held out as the table says."""
    folds: dict[tuple[str, str | int], set[str]] = {}
    for entry, _ in context.good:
        if entry.item.fold and entry.item.group:
            folds.setdefault(("group", entry.item.group), set()).add(entry.item.fold)
    for place, first in enumerate(context.clusters.of):
        if fold := context.entries[place].item.fold:
            folds.setdefault(("copies", first), set()).add(fold)
    torn = {key for key, names in folds.items() if len(names) > 1}
    groups, sets = (sum(kind == wanted for kind, _ in torn) for wanted in ("group", "copies"))
    told = [
        Told(entry, f"fold {entry.item.fold}")
        for place, entry in enumerate(context.entries)
        if entry.good and entry.item.fold and (("group", entry.item.group) in torn or ("copies", context.clusters.of[place]) in torn)
    ]
    parts = [counted(groups, context.catalog.group_noun)] if groups else []
    parts += [counted(sets, "set") + " of copies"] if sets else []
    cure = "put what belongs together in one fold; training moves it to the fold that has most of it, and folds that empty vanish"
    return finding(
        context,
        "groups across given folds",
        "warning",
        told,
        message=f"{' and '.join(parts)} in several given folds, {{n}} in all",
        cure=cure,
    )


def small_classes(context: AuditContext) -> list[Finding]:
    """Classes of so few images that they cannot be learnt, or cannot be judged."""
    single = [label for label, count in context.sizes.items() if count == 1]
    few = [f"{label} ({count})" for label, count in context.sizes.items() if 1 < count < FEWEST]
    cure = "add images, or leave the class out"
    found = about_classes(
        "class too small",
        "error",
        single,
        message="one image only: {names}; nothing can say how well it is learnt",
        cure=cure,
    )
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
    only, tables = filled if len(filled) == 1 else [], context.catalog.tables
    cure = "add rows of something else" if context.catalog.layout == "table" else "add a folder of something else"
    cure += f", or give the table that names images and their classes: {tables[0]}" if tables else ""
    found = about_classes("one class", "error", only, message="all images are of one class: {names}", cure=cure)
    return [replace(one, stops="always") for one in found]


def empty_classes(context: AuditContext) -> list[Finding]:
    """Class folders without an image, or without a readable one."""
    empty = [label for label, count in context.sizes.items() if not count]
    place = "rows" if context.catalog.layout == "table" else "folder"
    cure = f"add images, or remove the {place}; it is no class as it is"
    return about_classes("empty class", "warning", empty, message="no readable image: {names}", cure=cure)


def one_sided_classes(context: AuditContext) -> list[Finding]:
    """Classes that a given split left without training images, or without test images."""
    if not context.catalog.has_given_split:
        return []
    every = set[str]().union(*context.sides.values())
    if every and "train" not in every:
        message = f"no training side: all images are on {listed(sorted(every))}"
        whole = (
            "leave the split out with --split-column none"
            if context.catalog.layout == "table"
            else "give the class folders without a split"
        )
        return [Finding("no training side", "error", message, f"add a train side, or {whole}", stops="always")]
    untrained = [label for label, sides in context.sides.items() if "train" in every and "train" not in sides]
    untested = [label for label, sides in context.sides.items() if sides == {"train"} and len(every) > 1]
    message = "no training image: {names}"
    found = about_classes("class without training images", "error", untrained, message=message, cure="add some, or remove the class")
    message, cure = f"on the train side only, not among {listed(sorted(every - {'train'}))}: {{names}}", "add test images of these classes"
    return found + about_classes("class without test images", "warning", untested, message=message, cure=cure)


def trained_on_val(context: AuditContext) -> list[Finding]:
    """Images that a given split calls val are trained on where there is a test side beside them."""
    sides = [entry.item.split for entry, _ in context.good]
    if not {"val", "test"} <= {*sides}:
        return []
    message = f"{counted(sides.count('val'), 'val image')} will be trained on: the test side judges, and training cross-validates by itself"
    return [Finding("val beside test", "note", message, "nothing, unless they must not be trained on: then leave them out")]


SET_RULES = (
    copies,
    split_groups,
    fold_groups,
    one_class,
    small_classes,
    imbalance,
    empty_classes,
    one_sided_classes,
    trained_on_val,
)
