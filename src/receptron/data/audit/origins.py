"""Whether a class can be told by where its images come from, without what they show: a shallow tree on a few facts, cross-validated.

The facts are of five kinds. What a tree reaches for one class against all others is its balanced accuracy, the mean of the share of the
class that it finds and of the share of the others that it lets pass; copies and images of one group are held out together and count once.
Source of the interval: Zou & Donner 2008, Stat. Med. 27:1693, from Wilson's limits of both shares.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from receptron.data.audit.context import AuditContext
from receptron.data.deduplication.perceptual_hash import SMALLEST
from receptron.data.records import Finding, OriginShare
from receptron.data.splitting.groups import linked
from receptron.wording import listed

FOLDS, FEWEST = 5, 10  # images of a class, in as many groups, below which nothing is said of it
MOST_CLASSES = 50  # the largest; of further ones nothing is said
TOLD = 0.8  # balanced accuracy above which the whole interval must lie
DEPTH, LEAF = 3, 3  # of a tree: at most eight cells, none of fewer images
EDGE = 2  # rows or columns of the small grey picture that are its border
Facts = NDArray[np.float64]
_LOSSY = ("WEBP", "AVIF", "HEIF")
_OF_CAMERAS = {"img", "dsc", "dscn", "dscf", "pxl", "im", "image", "screenshot", "photo", "scan", "mvi", "gopr", "dji", "wp", "cimg"}


def origins(context: AuditContext) -> tuple[OriginShare, ...]:
    """Every fact for every class that is large enough, the tellingest first."""
    places = [place for place, entry in enumerate(context.entries) if entry.good]
    labels = np.array([context.entries[place].item.label for place in places])
    units = np.unique(np.array(linked(context.entries, context.clusters))[places], return_inverse=True)[1] if places else np.zeros(0, int)
    wanted = [label for label in _largest(context) if len(np.unique(units[labels == label])) >= FEWEST]
    if len(wanted) < 1 or len({*labels.tolist()}) < 2:
        return ()
    folds = _folds(labels, units)
    found: list[OriginShare] = []
    for fact, values_of in FACTS.items():
        values = values_of(context, places)
        if values.size and not np.ptp(values, axis=0).any():
            continue  # all alike
        for label in wanted:
            members = labels == label
            if len(np.unique(units[~members])) >= FEWEST:
                found.append(_share(fact, label, members, _called(values, members, folds), units))
    return tuple(sorted(found, key=lambda one: -one.low))


def told_by_origin(context: AuditContext, shares: Sequence[OriginShare]) -> list[Finding]:
    """One finding for each class that its origin tells, with the facts that do."""
    found: list[Finding] = []
    for label in dict.fromkeys(one.label for one in shares if one.low > TOLD):
        facts = [one for one in shares if one.label == label and one.low > TOLD]
        told = listed(f"{one.fact} ({one.words})" for one in facts)
        message = f"class {label} can be told without what it shows, by its {told}; chance is 50 %"
        cure = (
            "if that is no part of what the class shows, a network may learn it instead: collect all classes in the same way,"
            " and test on images from elsewhere"
        )
        by_name = [one.fact for one in facts] == [NAMES] and _named_by_class(context)
        found.append(Finding("told by origin", "note" if by_name else "warning", message, cure, labels=(label,)))
    return found


def _largest(context: AuditContext) -> list[str]:
    sizes = {label: count for label, count in context.sizes.items() if count >= FEWEST}
    return sorted(sizes, key=lambda label: -sizes[label])[:MOST_CLASSES]


def _folds(labels: NDArray[np.str_], units: NDArray[np.int64]) -> NDArray[np.int64]:
    """Fold of each image: units whole, classes spread evenly, drawn at random but always alike."""
    first = np.unique(units, return_index=True)[1]
    shuffled = np.random.default_rng(0).permutation(len(first))
    order = shuffled[np.argsort(labels[first[shuffled]], kind="stable")]
    of_unit = np.empty(len(first), np.int64)
    of_unit[order] = np.arange(len(first)) % FOLDS
    return of_unit[units]


def _called(values: Facts, members: NDArray[np.bool_], folds: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which images a tree takes for members that has not seen their fold."""
    from sklearn.tree import DecisionTreeClassifier  # here, as an audit of few images does without

    called = np.zeros(len(members), bool)
    for fold in range(FOLDS):
        held_out = folds == fold
        tree = DecisionTreeClassifier(max_depth=DEPTH, min_samples_leaf=LEAF, class_weight="balanced", random_state=0)
        if held_out.any() and len({*members[~held_out].tolist()}) == 2:
            called[held_out] = tree.fit(values[~held_out], members[~held_out]).predict(values[held_out])
    return called


def _share(fact: str, label: str, members: NDArray[np.bool_], called: NDArray[np.bool_], units: NDArray[np.int64]) -> OriginShare:
    parts = [(members, called), (~members, ~called)]
    shares = [float(hits[among].mean()) for among, hits in parts]
    counts = [len(np.unique(units[among])) for among, _ in parts]
    limits = [binomtest(round(share * n), n).proportion_ci(method="wilson") for share, n in zip(shares, counts, strict=True)]
    value = sum(shares) / 2
    below, above = (
        sum((share - end) ** 2 for share, end in zip(shares, ends, strict=True)) ** 0.5 / 2
        for ends in ([float(one.low) for one in limits], [float(one.high) for one in limits])
    )
    return OriginShare(fact, label, value, max(0.0, value - below), min(1.0, value + above), int(members.sum()), sum(counts))


def _resolution(context: AuditContext, places: Sequence[int]) -> Facts:
    sizes = [(facts.width, facts.height) for place in places if (facts := context.entries[place].facts)]
    return np.array([[width, height, width / height, width * height] for width, height in sizes], float)


def _border(context: AuditContext, places: Sequence[int]) -> Facts:
    """Mean and spread of the outermost rows and columns; zeros for images so small that what they show reaches their edge."""
    grey = context.reading.looks.grey[list(places)].astype(float)
    edges = grey[:, :EDGE], grey[:, -EDGE:], grey[:, :, :EDGE], grey[:, :, -EDGE:]
    flat = [edge.reshape(len(grey), -1) for edge in edges]
    large = context.reading.looks.sides[list(places)] >= SMALLEST
    return np.stack([part for edge in flat for part in (edge.mean(1), edge.std(1))], axis=1) * large[:, None]


def _compression(context: AuditContext, places: Sequence[int]) -> Facts:
    """The format, how coarsely a JPEG was rounded, and the bytes for a pixel where a lossy format does not say how coarse it is.

    Elsewhere bytes tell of the content: a plain ground takes few of them in any PNG.
    """
    facts = [facts for place in places if (facts := context.entries[place].facts)]
    formats = sorted({one.format for one in facts})
    spent = [one.size / (one.width * one.height) if one.format in _LOSSY else 0.0 for one in facts]
    return np.array([[share, one.rounding, formats.index(one.format)] for share, one in zip(spent, facts, strict=True)], float)


def _brightness(context: AuditContext, places: Sequence[int]) -> Facts:
    grey = context.reading.looks.grey[list(places)].astype(float).reshape(len(places), -1)
    return np.stack([grey.mean(1), grey.std(1)], axis=1)


def _names(context: AuditContext, places: Sequence[int]) -> Facts:
    """Which of the commonest families each name is of, as columns of 0 and 1."""
    families = [_family(context.entries[place].item.path, context.catalog.classes) for place in places]
    common = sorted({*families}, key=lambda name: (-families.count(name), name))[:12]
    return np.array([[float(family == one) for one in common] for family in families])


def _family(path: Path, classes: Sequence[str]) -> str:
    """What a name begins with, up to its first digit or mark, the names of classes left out: "img" of IMG_2034.jpg."""
    name = path.stem.casefold()
    for label in sorted(classes, key=len, reverse=True):
        stem = label.casefold().rstrip("s")
        name = re.sub(rf"{re.escape(stem)}(?:e?s)?", "", name) if len(stem) > 2 else name
    found = re.match(r"[^\W\d_]+", name.lstrip(" _-.()"))
    return found[0] if found else ""


def _named_by_class(context: AuditContext) -> bool:
    """Whether each class has names of its own kind, as people give them, and none is a camera's."""
    of_class: dict[str, set[str]] = {}
    for entry, _ in context.good:
        of_class.setdefault(entry.item.label, set()).add(_family(entry.item.path, context.catalog.classes))
    families = [next(iter(own)) for own in of_class.values() if len(own) == 1]
    return len(families) == len(of_class) == len({*families}) and not {*families} & _OF_CAMERAS


NAMES = "names of files"
FACTS: dict[str, Callable[[AuditContext, Sequence[int]], Facts]] = {
    "resolution": _resolution,
    "border": _border,
    "compression": _compression,
    "brightness": _brightness,
    NAMES: _names,
}
