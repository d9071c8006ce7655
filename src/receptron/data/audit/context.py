"""What an audit looks at, and the words in which it tells what it found."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from receptron.data.dataset.tree import shown
from receptron.data.deduplication.duplicates import Clusters
from receptron.data.ingest import Ingested
from receptron.data.records import Catalog, Entry, Finding, ImageFacts
from receptron.wording import counted, listed, natural

SEVERITIES = ("error", "warning", "note")


@dataclass(frozen=True)
class AuditContext:
    """One catalog, read, with its duplicates."""

    catalog: Catalog
    reading: Ingested
    clusters: Clusters

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """All entries, broken ones among them."""
        return self.reading.entries

    @cached_property
    def good(self) -> list[tuple[Entry, ImageFacts]]:
        """Readable images with their facts."""
        return [(entry, entry.facts) for entry in self.entries if entry.facts is not None]

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Readable images per class, for every class that was named, as people order names."""
        counts = dict.fromkeys([*self.catalog.classes, *self.catalog.empty], 0)
        for entry, _ in self.good:
            counts[entry.item.label] += 1
        return dict(sorted(counts.items(), key=lambda one: natural(one[0])))

    @cached_property
    def sides(self) -> dict[str, set[str]]:
        """Given sides that each class appears on."""
        found: dict[str, set[str]] = {}
        for entry, _ in self.good:
            if entry.item.split:
                found.setdefault(entry.item.label, set()).add(entry.item.split)
        return found

    def name(self, entry: Entry) -> str:
        """Path below the root, as text that any terminal and JSON can carry."""
        return shown(entry.item.path, self.catalog.root)


@dataclass(frozen=True)
class Told:
    """One image of a finding and what is to be said of it."""

    entry: Entry
    note: str = ""


def finding(context: AuditContext, kind: str, severity: str, told: Iterable[Told], *, message: str, cure: str) -> list[Finding]:
    """One finding about the images told of; none if there are none. `{n}` in the message is their number, with the word."""
    told = list(told)
    if not told:
        return []
    files = tuple(context.name(one.entry) for one in told)
    labels = tuple(sorted({one.entry.item.label for one in told}))
    notes = tuple(one.note for one in told) if any(one.note for one in told) else ()
    return [Finding(kind, severity, message.format(n=counted(len(told), "image")), cure, files, labels, notes)]


def about_classes(kind: str, severity: str, labels: Sequence[str], *, message: str, cure: str) -> list[Finding]:
    """One finding about classes rather than files; none if there are none."""
    return [Finding(kind, severity, message.format(names=listed(labels)), cure, labels=tuple(labels))] if labels else []
