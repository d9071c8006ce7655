"""What is wrong with a catalog before any training: every rule asked in turn, the gravest findings first."""

from receptron.data.audit.context import SEVERITIES, AuditContext
from receptron.data.audit.origins import origins, told_by_origin
from receptron.data.audit.rules_columns import COLUMN_RULES
from receptron.data.audit.rules_files import FILE_RULES
from receptron.data.audit.rules_groups import GROUP_RULES
from receptron.data.audit.rules_names import NAME_RULES
from receptron.data.audit.rules_sets import SET_RULES
from receptron.data.deduplication.duplicates import NOT_SEARCHED, OF_BANDS, Clusters
from receptron.data.ingest import Ingested
from receptron.data.records import Audit, Catalog


def audit(catalog: Catalog, reading: Ingested, clusters: Clusters, seconds: float = 0.0) -> Audit:
    """All findings about a catalog that has been read; `seconds` is what reading and comparing took."""
    context = AuditContext(catalog, reading, clusters)
    findings = [one for rule in (*FILE_RULES, *SET_RULES, *NAME_RULES, *COLUMN_RULES, *GROUP_RULES) for one in rule(context)]
    shares = origins(context)
    findings += told_by_origin(context, shares)
    findings.sort(key=lambda one: SEVERITIES.index(one.severity))
    broken = len(context.entries) - len(context.good)
    counts = {label: count for label, count in context.sizes.items() if label in catalog.classes}
    images = len(context.entries)
    banded = any(entry.facts and entry.facts.bands for entry in reading.good)
    left = OF_BANDS if banded else NOT_SEARCHED
    return Audit(catalog.root, catalog.layout, images, broken, counts, tuple(findings), seconds, catalog.unused, left, shares)
