"""The whole work of `receptron audit`: scan, read, compare, tell."""

import time
from pathlib import Path

from receptron.data.audit import audit as rules
from receptron.data.audit.preconditions import too_many_broken
from receptron.data.dataset.scan import scan
from receptron.data.deduplication.duplicates import find_duplicates
from receptron.data.ingest import read
from receptron.data.reading.file_bytes import IMAGE_MEMORY, within
from receptron.data.records import Audit
from receptron.progress import Progress


def audit(path: str | Path, *, progress: Progress | None = None, workers: int | None = None, image_memory: float = IMAGE_MEMORY) -> Audit:
    """What is wrong with the images under `path`, before any training; broken images are findings, not errors.

    `image_memory`: megabytes that one image may take while it is decoded.
    Raises: BadValue, BadTable or NoImages if there is nothing to audit.
    """
    start = time.perf_counter()
    catalog = scan(path)
    reading = read(catalog, progress=progress, workers=workers, limits=within(image_memory))
    clusters = find_duplicates(reading, progress)
    return rules.audit(catalog, reading, clusters, time.perf_counter() - start)


def is_fit(found: Audit, *, allow_broken: bool) -> bool:
    """Whether `train` would start on images so audited, as far as broken ones go."""
    return found.broken < found.images and (allow_broken or not too_many_broken(found.broken, found.images))
