"""Every image once: read, hashed, decoded, looked at, and resized to the canvas that networks are fed from."""

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from receptron.data.deduplication.perceptual_hash import COLOUR, GREY, PerceptualHash, PerceptualHashes, look
from receptron.data.preprocessing.image_cache import Canvases
from receptron.data.preprocessing.resize import resized
from receptron.data.reading.decode import LIMITS, Limits, decode, read_bytes
from receptron.data.reading.pixel_formats import Pixels
from receptron.data.records import Catalog, Entry, ImageFacts, Item
from receptron.errors import UnreadableImage
from receptron.progress import Progress, Silent

SHORTEST = 256  # px; looks are taken from pixels decoded for at least this side, so that they do not depend on the network's
AHEAD = 4  # images in flight per worker


@dataclass(frozen=True)
class Ingested:
    """All images of a catalog after one pass over their files, in the catalog's order."""

    entries: tuple[Entry, ...]
    looks: PerceptualHashes
    canvases: Canvases | None

    @property
    def good(self) -> tuple[Entry, ...]:
        """Those that could be read."""
        return tuple(entry for entry in self.entries if entry.good)


@dataclass(frozen=True)
class _Read:
    """One image, as a worker hands it over."""

    entry: Entry
    look: PerceptualHash | None = None
    canvas: Pixels | None = None


def load(data: bytes, name: str, side: int, interpolation: str = "bilinear", limits: Limits = LIMITS) -> tuple[Pixels, ImageFacts]:
    """Canvas and facts of one encoded image, by the very steps that `read` takes. Raises: UnreadableImage."""
    pixels, facts = decode(data, limits, shortest=max(side, SHORTEST), name=name)
    return resized(pixels, side, interpolation), facts


def read(
    catalog: Catalog,
    side: int | None = None,
    interpolation: str = "bilinear",
    progress: Progress | None = None,
    workers: int | None = None,
    limits: Limits = LIMITS,
) -> Ingested:
    """One pass over all files in a pool of threads; the same bytes come out whatever the number of `workers` (default: one per core).

    With `side` (px) the canvases are kept too. Broken images become entries with a fault; nothing is raised for them.
    """
    progress = progress or Silent()
    progress.start("Reading images", len(catalog.items), "images")
    canvases = None if side is None else Canvases()
    entries: list[Entry] = []
    looks = _blank(len(catalog.items))
    for index, one in enumerate(_pooled(lambda item: _read(item, side, interpolation, limits), catalog.items, workers)):
        entries.append(one.entry)
        if one.look:
            looks.grey[index], looks.colour[index] = one.look.grey, one.look.colour
            looks.digests[index], looks.unoriented[index] = one.look.digest, one.look.unoriented
        if one.entry.facts:
            looks.sides[index] = min(one.entry.facts.width, one.entry.facts.height)
        if canvases is not None and one.canvas is not None:
            canvases.add(one.entry.sha256, one.canvas)
        progress.advance()
    broken = sum(not entry.good for entry in entries)
    progress.done(f"{broken:,} unreadable" if broken else "")
    return Ingested(tuple(entries), looks, canvases)


def _read(item: Item, side: int | None, interpolation: str, limits: Limits) -> _Read:
    sha256 = ""
    try:
        data = read_bytes(item.path, limits)
        sha256 = hashlib.sha256(data).hexdigest()
        pixels, facts = decode(data, limits, shortest=max(side or 0, SHORTEST), name=str(item.path))
    except UnreadableImage as error:
        named = f" (named in line {item.line:,} of the table)" if item.line and not sha256 else ""
        return _Read(Entry(item, sha256, None, error.reason + named))
    seen = look(pixels)
    kept = None if side is None else resized(pixels, side, interpolation)
    return _Read(Entry(item, sha256, facts, phash=seen.phash), seen, kept)


def _pooled(work: Callable[[Item], _Read], items: tuple[Item, ...], workers: int | None) -> Iterator[_Read]:
    """Results in the order of `items`, with only a few images in flight."""
    workers = workers or min(16, os.cpu_count() or 1)
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[_Read]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) >= AHEAD * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _blank(count: int) -> PerceptualHashes:
    return PerceptualHashes(
        np.zeros((count, GREY, GREY), np.uint8),
        np.zeros((count, COLOUR, COLOUR, 3), np.uint8),
        np.zeros(count, np.uint64),
        np.zeros(count, np.uint64),
        np.zeros(count, np.int32),
    )
