"""Where training on images of bands starts, and what their training side says of each band."""

from collections.abc import Sequence
from dataclasses import replace

from receptron.data.bands.band_image import COMPOSITE
from receptron.data.bands.statistics import statistics_of
from receptron.data.ingest import Ingested
from receptron.data.records import Entry, ImageFacts
from receptron.errors import DataFault
from receptron.jobs.training.initial_weights import InitialWeights
from receptron.jobs.training.sided_images import SidedImages
from receptron.progress import Progress
from receptron.wording import counted, listed

STRETCHED = 4 / 3  # of the longer side to the shorter, from which squeezing is told


def check_bands(entries: Sequence[Entry]) -> int:
    """Bands that every image has, 0 for photos. Raises: DataFault naming a file that has others."""
    known = [entry for entry in entries if entry.facts is not None]
    counts = {_bands(entry): entry for entry in reversed(known)}
    if len(counts) > 1:
        usual = max(counts, key=lambda bands: sum(_bands(entry) == bands for entry in known))
        odd = next(entry for bands, entry in counts.items() if bands != usual)
        has, have = (counted(number, "band") if number else "no bands: it is a photo" for number in (_bands(odd), usual))
        raise DataFault(
            f"{odd.item.path} has {has}, and {counts[usual].item.path} has {have}.",
            why="a network takes images of one number of bands",
            mend="put them into folders of their own, or say where bands lie: --channels-axis first or last",
        )
    return next(iter(counts), 0)


def with_statistics(start: InitialWeights, sided: SidedImages, progress: Progress) -> InitialWeights:
    """`start` with the mean and deviation of each band over the training side; of photos as it is.

    Raises: DataFault for images of another number of bands.
    """
    check_bands(sided.reading.entries)
    tell_bands(start, sided.reading, progress)
    if not start.spec.bands or sided.reading.canvases is None:
        return start
    canvases, entries = sided.reading.canvases, sided.reading.entries
    found = statistics_of(canvases[entries[place].sha256] for place in sided.split.train)
    if found.constant:
        progress.tell(f"{_named(found.constant)} the same everywhere in training, and will say nothing.")
    return replace(start, spec=replace(start.spec, mean=found.mean, std=found.std))


def tell_bands(start: InitialWeights, reading: Ingested, progress: Progress) -> None:
    """How images of bands are taken."""
    if not start.spec.bands:
        return
    side = start.spec.pixels
    told = f"{counted(start.spec.bands, 'band')} in their own units, normalised by the training side"
    if any(_is_stretched(entry.facts) for entry in reading.good):
        told += f"; images that are no squares are squeezed to {side}x{side} whole, and not cut"
    progress.tell(f"{told}. In pictures {COMPOSITE}.")


def _bands(entry: Entry) -> int:
    return entry.facts.bands if entry.facts else 0


def _named(bands: tuple[int, ...]) -> str:
    return f"band{'s' if len(bands) > 1 else ''} {listed([str(one) for one in bands])} {'are' if len(bands) > 1 else 'is'}".capitalize()


def _is_stretched(facts: ImageFacts | None) -> bool:
    return facts is not None and max(facts.width, facts.height) > STRETCHED * min(facts.width, facts.height)
