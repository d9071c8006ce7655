"""Every image once: read, hashed, decoded, looked at, and resized to the canvas that networks are fed from."""

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from receptron.data.bands.band_image import canvas_of, composite
from receptron.data.bands.band_plan import BandPlan
from receptron.data.deduplication.perceptual_hash import COLOUR, GREY, PerceptualHash, PerceptualHashes, look, look_at_values
from receptron.data.preprocessing.image_cache import Canvases
from receptron.data.preprocessing.resize import resized
from receptron.data.reading.decode import ANY_BANDS, bands_of, decode
from receptron.data.reading.depth_scale import NOMINAL, DepthScale, scale_of
from receptron.data.reading.file_bytes import LIMITS, Limits, read_bytes
from receptron.data.reading.pixel_formats import Canvas, Pixels
from receptron.data.records import Catalog, Entry, ImageFacts, Item
from receptron.errors import UnreadableImage
from receptron.fault_kind import FaultKind
from receptron.progress import Progress, Silent

SHORTEST = 256  # px; looks are taken from pixels decoded for at least this side, so that they do not depend on the network's
AHEAD = 4  # images in flight per worker


@dataclass(frozen=True)
class Ingested:
    """All images of a catalog after one pass over their files, in the catalog's order."""

    entries: tuple[Entry, ...]
    looks: PerceptualHashes
    canvases: Canvases | None
    depth: DepthScale = NOMINAL  # what is white in images of more than 8 bits

    @property
    def good(self) -> tuple[Entry, ...]:
        """Those that could be read."""
        return tuple(entry for entry in self.entries if entry.good)


@dataclass(frozen=True)
class _Read:
    """One image, as a worker hands it over."""

    entry: Entry
    look: PerceptualHash | None = None
    canvas: Canvas | None = None

    @property
    def is_deep(self) -> bool:
        """Whether it has more than 8 bits, so that it is read again."""
        return self.entry.facts is not None and self.entry.facts.values is not None


@dataclass(frozen=True)
class CanvasPlan:
    """How files become canvases, in training and in prediction alike."""

    side: int | None  # px of the shorter side; None keeps no canvas
    interpolation: str = "bilinear"
    limits: Limits = LIMITS
    scale: DepthScale | None = None
    bands: BandPlan = ANY_BANDS

    @property
    def shortest(self) -> int:
        """Px that the shorter side of decoded pixels must have at least, by a factor of two."""
        return max(self.side or 0, SHORTEST)

    def canvas(self, pixels: Pixels) -> Canvas | None:
        """The canvas that is kept of an image."""
        return None if self.side is None else resized(pixels, self.side, self.interpolation)


def load(data: bytes, name: str, plan: CanvasPlan) -> tuple[Canvas, ImageFacts]:
    """Canvas and facts of one encoded image, by the very steps that `read` takes. Raises: UnreadableImage."""
    pixels, canvas, facts, _ = _seen(data, name, plan)
    return (pixels if canvas is None else canvas), facts


class _Seen(NamedTuple):
    """Pixels for people, the canvas that is kept, facts, and how it is looked at to find copies."""

    pixels: Pixels
    canvas: Canvas | None
    facts: ImageFacts
    look: Callable[[], PerceptualHash]


def _seen(data: bytes, name: str, plan: CanvasPlan) -> _Seen:
    """One encoded image. Raises: UnreadableImage."""
    found = bands_of(data, name, plan.limits, plan.bands)
    if found is not None:
        shown, kept = composite(found.values), None if plan.side is None else canvas_of(found.values, plan.side)
        return _Seen(shown, kept, found.facts, lambda: look_at_values(shown, found.values))
    pixels, facts = decode(data, plan.limits, shortest=plan.shortest, name=name, scale=plan.scale)
    if plan.bands.count:
        raise UnreadableImage(name, f"it is a photo, and the model was made for {plan.bands.count} bands", FaultKind.UNSUPPORTED)
    return _Seen(pixels, plan.canvas(pixels), facts, lambda: look(pixels))


def read(
    catalog: Catalog,
    side: int | None = None,
    interpolation: str = "bilinear",
    progress: Progress | None = None,
    workers: int | None = None,
    limits: Limits = LIMITS,
    bands: BandPlan = ANY_BANDS,
) -> Ingested:
    """One pass over all files in a pool of threads; the same bytes come out whatever the number of `workers` (default: one per core).

    Images of more than 8 bits are decoded twice: what is white is known only when all were seen.
    With `side` (px) the canvases are kept too. Broken images become entries with a fault; nothing is raised for them.
    """
    progress = progress or Silent()
    progress.start("Reading images", len(catalog.items), "images")
    plan = CanvasPlan(side, interpolation, limits, bands=bands)
    gathered = _Gathered(len(catalog.items), None if side is None else Canvases())
    for index, one in enumerate(_pooled(lambda item: _read(item, plan), catalog.items, workers)):
        gathered.take(index, one)
        if not one.is_deep:
            progress.advance()
    found = {index: entry.facts.values for index, entry in gathered.entries.items() if entry.facts and entry.facts.values}
    depth = scale_of(found.values())
    scaled = replace(plan, scale=depth)
    for index, one in zip(found, _pooled(lambda item: _read(item, scaled), [catalog.items[i] for i in found], workers), strict=True):
        gathered.take(index, one)
        progress.advance()
    broken = sum(not entry.good for entry in gathered.entries.values())
    progress.done(f"{broken:,} unreadable" if broken else "")
    entries = tuple(gathered.entries[index] for index in range(len(catalog.items)))
    return Ingested(entries, gathered.looks, gathered.canvases, depth)


class _Gathered:
    """What workers handed over, by the number of the item."""

    def __init__(self, count: int, canvases: Canvases | None) -> None:
        self.entries: dict[int, Entry] = {}
        self.looks, self.canvases = _blank(count), canvases

    def take(self, index: int, one: _Read) -> None:
        self.entries[index] = one.entry
        if one.look:
            self.looks.grey[index], self.looks.colour[index] = one.look.grey, one.look.colour
            self.looks.digests[index], self.looks.unoriented[index] = one.look.digest, one.look.unoriented
        if one.entry.facts:
            sides = (one.entry.facts.width, one.entry.facts.height)
            self.looks.sides[index] = 1 if one.entry.facts.bands else min(sides)  # of bands only equal ones count as copies
        if self.canvases is not None and one.canvas is not None:
            self.canvases.add(one.entry.sha256, one.canvas)


def _read(item: Item, plan: CanvasPlan) -> _Read:
    """One image; of one of more than 8 bits without a scale only the facts."""
    sha256 = ""
    try:
        data = read_bytes(item.path, plan.limits)
        sha256 = hashlib.sha256(data).hexdigest()
        one = _seen(data, str(item.path), plan)
        facts, kept = one.facts, one.canvas
        if facts.values and not plan.scale:
            return _Read(Entry(item, sha256, facts))
        seen = one.look()
    except MemoryError:
        return _Read(Entry(item, sha256, None, "not enough memory to read it", fault_kind=FaultKind.OUT_OF_MEMORY))
    except UnreadableImage as error:
        named = f" (named in line {item.line:,} of the table)" if item.line and not sha256 else ""
        return _Read(Entry(item, sha256, None, error.reason + named, fault_kind=error.kind))
    return _Read(Entry(item, sha256, facts, phash=seen.phash), seen, kept)


def _pooled(work: Callable[[Item], _Read], items: Sequence[Item], workers: int | None) -> Iterator[_Read]:
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
