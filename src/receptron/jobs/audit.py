"""The whole work of `receptron audit`: scan, read, compare, tell."""

import time
from pathlib import Path

from receptron.data.audit import audit as rules
from receptron.data.audit.preconditions import too_many_broken
from receptron.data.bands.band_plan import BandPlan
from receptron.data.dataset.scan import scan
from receptron.data.dataset.scan_options import ScanOptions
from receptron.data.deduplication.duplicates import find_duplicates
from receptron.data.ingest import read
from receptron.data.reading.file_bytes import IMAGE_MEMORY, within
from receptron.data.records import Audit
from receptron.progress import Progress


def audit(
    path: str | Path,
    *,
    options: ScanOptions | None = None,
    progress: Progress | None = None,
    workers: int | None = None,
    image_memory: float = IMAGE_MEMORY,
) -> Audit:
    """What is wrong with labelled images, before any training; broken images are findings, not errors.

    Args:
        path: A folder of class folders, of train/val/test folders, a CSV or Parquet table, or "digits".
        options: How folders, tables and names are meant where that is not certain.
        progress: Told how far it is; None: nobody.
        workers: Threads that read; None: one per core, 16 at most.
        image_memory: Megabytes that one image may take while it is decoded.

    Returns:
        Counts and findings.

    Raises:
        BadValue: If nothing is there, and for a number out of its range.
        UnknownName: For a layout or a column that is not there.
        UnclearLayout: For folders that can be read in more than one way.
        NoImages: If there is nothing to audit.
        BadTable: For a table with a line that cannot be used.
        UnreadableFolder: For folders that cannot be looked into.
        MissingExtra: For a Parquet table without pyarrow.

    Example:
        >>> found = audit("digits")
        >>> found.images, found.broken, len(found.classes)
        (1797, 0, 10)
    """
    start = time.perf_counter()
    catalog = scan(path, options)
    reading = read(
        catalog,
        progress=progress,
        workers=workers,
        limits=within(image_memory),
        bands=BandPlan(axis=options.channels_axis if options else "auto"),
    )
    clusters = find_duplicates(reading, progress)
    return rules.audit(catalog, reading, clusters, time.perf_counter() - start)


def obstacle(found: Audit, *, allow_broken: bool) -> str:
    """Why `train` would refuse images so audited, in one sentence; empty where it would start."""
    if found.broken == found.images:
        return "No image can be read."
    always = [one.message for one in found.findings if one.stops == "always"]
    unless = [one.message for one in found.findings if one.stops == "unless allowed"]
    if always:
        return f"Training would be refused: {always[0]}."
    if too_many_broken(found.broken, found.images) and not allow_broken:
        return "Over 1 % of the images cannot be read: mend them, or go on without them with --allow-broken."
    if unless and not allow_broken:
        return f"Training would be refused: {unless[0]}. Mend that, or go on without them with --allow-broken."
    return ""
