"""What is wrong with a catalog before any training: every rule asked in turn, the gravest findings first."""

from receptron.data.audit.context import SEVERITIES, Case
from receptron.data.audit.rules_files import FILE_RULES
from receptron.data.audit.rules_sets import SET_RULES
from receptron.data.deduplication.duplicates import Clusters
from receptron.data.ingest import Reading
from receptron.data.records import Audit, Catalog


def audit(catalog: Catalog, reading: Reading, clusters: Clusters, seconds: float = 0.0) -> Audit:
    """All findings about a catalog that has been read; `seconds` is what reading and comparing took."""
    case = Case(catalog, reading, clusters)
    findings = [one for rule in (*FILE_RULES, *SET_RULES) for one in rule(case)]
    findings.sort(key=lambda one: SEVERITIES.index(one.severity))
    broken = len(case.entries) - len(case.good)
    counts = {label: count for label, count in case.sizes.items() if label in catalog.classes}
    return Audit(catalog.root, catalog.layout, len(case.entries), broken, counts, tuple(findings), seconds)
