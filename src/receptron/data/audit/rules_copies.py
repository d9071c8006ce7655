"""Rules of the audit about copies: sets of exact and of near duplicates, each with its size and a few examples."""

from dataclasses import dataclass, replace

from receptron.data.audit.context import AuditContext, Told, finding
from receptron.data.deduplication.duplicates import CopyPair, joined
from receptron.data.records import Entry, Finding
from receptron.wording import counted, listed

EXAMPLES = 3  # pairs told of each set
_WORDS = {True: "exact duplicates", False: "near duplicates"}
_TOGETHER = "they stay together on one side; delete the spare ones to save time"
_LEAK = "take them off the training side; figures on this test side are too good (both figures are told)"
_RIGHT_CLASS = "decide which class is right and delete the other copy"
_LOOK = "look at both: one label may be wrong"
_HANDED = "look at both: one label may be wrong, unless mirroring or turning is what tells these classes apart"


@dataclass(frozen=True)
class _Copies:
    """One set of copies."""

    images: int
    pairs: tuple[CopyPair, ...]  # that link them


def copies(context: AuditContext) -> list[Finding]:
    """Exact and near duplicates: within a class, across classes, across given sides."""
    return [*_of_kind(context, exact=True), *_of_kind(context, exact=False)]


def _of_kind(context: AuditContext, *, exact: bool) -> list[Finding]:
    every = _sets(context, exact)
    mixed = [_only(copied, [pair for pair in copied.pairs if not _one_label(*_both(context, pair))]) for copied in every]
    torn = [_only(copied, [pair for pair in copied.pairs if _across(*_both(context, pair))]) for copied in every]
    plain = [copied for copied, one, other in zip(every, mixed, torn, strict=True) if not (one.pairs or other.pairs)]
    look = _HANDED if any(pair.lies.words for copied in mixed for pair in copied.pairs) else _LOOK
    word = _WORDS[exact]
    return [
        *_told(context, plain, word, "warning" if exact else "note", _TOGETHER),
        *_told(context, mixed, f"{word} across classes", "error" if exact else "warning", _RIGHT_CLASS if exact else look),
        *_told(context, torn, f"{word} across given sides", "error", _LEAK),
    ]


def _sets(context: AuditContext, exact: bool) -> list[_Copies]:
    """Sets that the pairs of one kind make, the largest first."""
    pairs = [pair for pair in context.clusters.pairs if (pair.kind != "near") == exact]
    root = joined(len(context.entries), pairs)
    linking: dict[int, list[CopyPair]] = {}
    for pair in pairs:
        linking.setdefault(root[pair.first], []).append(pair)
    # Pairs hold a set together as a tree does: one more image than pairs.
    return sorted((_Copies(len(those) + 1, tuple(those)) for those in linking.values()), key=lambda copied: -copied.images)


def _only(copied: _Copies, pairs: list[CopyPair]) -> _Copies:
    return _Copies(copied.images, tuple(pairs))


def _told(context: AuditContext, sets: list[_Copies], kind: str, severity: str, cure: str) -> list[Finding]:
    """One finding over all sets that have pairs to be told; both images of each example are named, with the other as the note."""
    sets = [copied for copied in sets if copied.pairs]
    examples = [(copied, number) for copied in sets for number in range(min(EXAMPLES, len(copied.pairs)))]
    told = [line for copied, number in examples for line in _lines(context, copied, number)]
    return [replace(one, paired=True) for one in finding(context, kind, severity, told, message=_counts(sets, kind), cure=cure)]


def _counts(sets: list[_Copies], kind: str) -> str:
    pairs, larger = sum(copied.images == 2 for copied in sets), [copied.images for copied in sets if copied.images > 2]
    if not larger:
        return f"{counted(pairs, 'pair')} of {kind}"
    sizes = listed((f"{size:,}" for size in larger), EXAMPLES)
    beside = f", and {counted(pairs, 'pair')}" if pairs else ""
    return f"{counted(len(larger), 'set')} of {kind} ({sizes} images){beside}"


def _lines(context: AuditContext, copied: _Copies, number: int) -> list[Told]:
    pair = copied.pairs[number]
    first, second = _both(context, pair)
    of = f"; {number + 1} of {min(EXAMPLES, len(copied.pairs))} examples from a set of {copied.images:,}" if copied.images > 2 else ""
    return [
        Told(first, f"= {context.name(second)}{_how(pair, pair.lies.inverse.words)}{of}"),
        Told(second, f"= {context.name(first)}{_how(pair, pair.lies.words)}{of}"),
    ]


def _how(pair: CopyPair, lies: str) -> str:
    """In brackets how the one that is named first differs from the other."""
    alike = {"same file": "", "same pixels": "same pixels"}.get(pair.kind, f"{pair.likeness:.0%} alike")
    words = ", ".join(word for word in (lies, alike) if word)
    return f" ({words})" if words else ""


def _both(context: AuditContext, pair: CopyPair) -> tuple[Entry, Entry]:
    return context.entries[pair.first], context.entries[pair.second]


def _one_label(a: Entry, b: Entry) -> bool:
    return a.item.label == b.item.label


def _across(a: Entry, b: Entry) -> bool:
    """Whether one is for training and the other for looking how well it went."""
    return a.item.split is not None and b.item.split is not None and a.item.split != b.item.split
