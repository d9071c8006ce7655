"""Rules of the audit about groups: how many there are, images outside of them, and names that suggest some."""

import re
import shlex
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from receptron.data.audit.context import AuditContext, about_classes
from receptron.data.audit.rules_names import MISSING
from receptron.data.dataset.name_groups import PRESETS, folders_below_class, name_pattern
from receptron.data.records import Entry, Finding
from receptron.wording import counted, listed

SHARED = 0.2  # of the images must be in groups of several before a preset is suggested
ALIKE = 0.8  # images of one name's stem are alike if they differ by less than so much of what others of their class do
PAIRS = 400  # of each kind that are compared


def groups_told(context: AuditContext) -> list[Finding]:
    """How many groups there are, and of what size."""
    sizes = Counter(entry.item.group for entry, _ in context.good if entry.item.group is not None)
    if not sizes:
        return []
    noun, by = context.catalog.group_noun, context.catalog.grouped_by
    largest, count = max(sizes.values()), sum(sizes.values())
    if largest == 1:
        message = f"{by} puts no two images together: each of {counted(count, 'image')} is in a group of its own"
        return [Finding("groups of one", "warning", message, "nothing, if no images belong together; else choose what they share")]
    message = f"{counted(count, 'image')} from {counted(len(sizes), noun)} by {by}; the largest has {largest:,}"
    found = [Finding("groups", "note", message, "nothing: they stay on one side, and intervals count them instead of images")]
    odd = [name for name in sizes if name.strip().casefold() in MISSING]
    cure = f"leave the cell blank where the {noun} is not known; these images count as one {noun}"
    return found + about_classes("groups that are called like a missing value", "warning", odd, message="groups called {names}", cure=cure)


def ungrouped(context: AuditContext) -> list[Finding]:
    """Images without a group beside images with one, above all if they gather in a few classes."""
    alone = Counter(entry.item.label for entry, _ in context.good if entry.item.group is None)
    count, whole = sum(alone.values()), len(context.good)
    if count in (0, whole):
        return []
    message = f"{counted(count, 'image')} of {whole:,} are in no group, and taken as groups of their own"
    shares = {label: alone[label] / size for label, size in context.sizes.items() if size}
    gathered = [label for label, share in shares.items() if share >= 0.5 and share >= 2 * min(shares.values())]
    if not gathered:
        return [Finding("images without a group", "note", message, "nothing, if none of them belongs with another")]
    told = listed(f"{label} ({alone[label]:,} of {context.sizes[label]:,})" for label in gathered)
    cure = "find out what they share: if some belong together, figures of these classes are too good"
    return [Finding("images without a group", "warning", f"{message}; they gather in {told}", cure, labels=tuple(gathered))]


def suggested_groups(context: AuditContext) -> list[Finding]:
    """A preset that names suggest: they say patient or person with a number, or share a numbered stem and look alike."""
    if context.catalog.grouped_by:
        return []
    for preset in PRESETS:
        named = _named(context, preset)
        several = {name: own for name, own in named.items() if len(own) > 1}
        count = sum(map(len, several.values()))
        if count < SHARED * len(context.good) or len(several) < 2 or _is_class(context, named):
            continue
        alike = _alike(list(several.values()))
        if preset == "patient" or alike:
            noun, largest = PRESETS[preset].noun, max(several, key=lambda name: len(several[name]))
            message = (
                f"names look as if images belonged together: {count:,} of {counted(len(context.good), 'image')} share a {noun} with others"
                f" ({len(several[largest]):,} of them share {largest})" + (", and look alike" if alike else "")
            )
            cure = f"if so, keep them on one side with --group {preset}; else figures are too good"
            return [Finding("groups in names", "warning", message, cure)]
    return _in_folders(context)


def _in_folders(context: AuditContext) -> list[Finding]:
    """Numbered folders below those of the classes, of one name in several classes or on several sides, as of a patient or an animal."""
    named: dict[str, list[Entry]] = {}
    for entry, _ in context.good:
        folders = folders_below_class(entry.item, context.catalog.root) if entry.item.line is None else ()
        if numbered := next((name for name in folders if re.search(r"^[^.]*\d[^.]*$", name)), None):
            named.setdefault(numbered, []).append(entry)
    shared = [name for name, own in named.items() if len({(entry.item.label, entry.item.split) for entry in own}) > 1]
    count = sum(len(named[name]) for name in shared)
    if len(shared) < 2 or count < SHARED * len(context.good):
        return []
    message = (
        f"folders look as if images belonged together: {count:,} of {counted(len(context.good), 'image')} lie in folders of one name "
        f"in several classes or on several sides ({listed(sorted(shared), 3)})"
    )
    cure = f"if so, keep them on one side with --group {shlex.quote(_expression(named))}; else figures are too good"
    return [Finding("groups in names", "warning", message, cure)]


def _expression(names: Iterable[str]) -> str:
    """What fits these names of folders and no file's: their words with any number, or whatever has a number and no ending."""
    forms = {tuple(re.split(r"\d+", name)) for name in names}
    return "^" + r"(\d+)".join(map(re.escape, forms.pop())) + "$" if len(forms) == 1 else r"^([^.]*\d[^.]*)$"


def _named(context: AuditContext, preset: str) -> dict[str, list[Entry]]:
    """Readable images by the group that a preset finds in their names; for stems only within one folder."""
    pattern, found = name_pattern(preset), dict[str, list[Entry]]()
    for entry, _ in context.good:
        if group := pattern.group_of(entry.item, context.catalog.root):
            found.setdefault(group if preset == "patient" else f"{entry.item.label}/{group}", []).append(entry)
    return found


def _is_class(context: AuditContext, named: dict[str, list[Entry]]) -> bool:
    """Whether what names share is little more than the class."""
    return len(named) < 2 * len(context.catalog.classes)


def _alike(groups: list[list[Entry]]) -> bool:
    """Whether images of one group differ less than images of one class that are of different groups, by their perceptual hashes."""
    rng = np.random.default_rng(0)
    within = [(a, b) for own in groups for a, b in pairwise(own)]
    by_label: dict[str, list[list[Entry]]] = {}
    for own in groups:
        by_label.setdefault(own[0].item.label, []).append(own)
    across = [(a[0], b[-1]) for same in by_label.values() for a, b in zip(same, _shuffled(same, rng), strict=True) if a is not b]
    if not within or not across:
        return False
    return _difference(within, rng) < ALIKE * _difference(across, rng)


def _shuffled(groups: list[list[Entry]], rng: np.random.Generator) -> list[list[Entry]]:
    return [groups[place] for place in rng.permutation(len(groups))]


def _difference(pairs: list[tuple[Entry, Entry]], rng: np.random.Generator) -> float:
    """Bits of 64 in which the hashes of pairs differ, in the mean."""
    chosen = pairs if len(pairs) <= PAIRS else [pairs[place] for place in rng.choice(len(pairs), PAIRS, replace=False)]
    return float(np.mean([(a.phash ^ b.phash).bit_count() for a, b in chosen]))


GROUP_RULES = (groups_told, ungrouped, suggested_groups)
