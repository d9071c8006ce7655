"""From the weights at hand to those that training starts from: ranked on training images alone, decided once, and remembered."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from receptron.data.ingest import Ingested, read
from receptron.data.reading.file_bytes import Limits
from receptron.errors import BadValue, DataFault
from receptron.jobs.training.fit import FitOptions, context_of
from receptron.jobs.training.initial_weights import InitialWeights
from receptron.jobs.training.sided_images import SidedImages
from receptron.training.checkpointing.decision_log import RANKING
from receptron.training.context import RunEnvironment, TrainingContext
from receptron.training.ladder.backbone_ranking import Backbone, rank_backbones, sampled
from receptron.training.records import RankedWeights


def ranked(
    starts: Sequence[InitialWeights], sided: SidedImages, fit_options: FitOptions, environment: RunEnvironment, limits: Limits
) -> tuple[InitialWeights, SidedImages, tuple[RankedWeights, ...]]:
    """The start to take, the images as it expects them, and why; `sided` holds them as the first of `starts` does.

    Raises: BadValue if another run's choice is not among `starts`; DataFault if images changed meanwhile; NonFinite.
    """
    if len(starts) == 1:
        return starts[0], sided, ()
    rows = environment.decisions.recall(RANKING, list[RankedWeights])
    if rows is None:
        base = context_of(sided.reading, sided.split, starts[0], fit_options, environment)
        readings = _Readings(sided, starts[0], sampled(len(base.images)), environment, limits)
        backbones = [_backbone(start, base, readings) for start in starts]
        rows = environment.decisions.note(RANKING, list(rank_backbones(backbones, len(base.images))))
    environment.progress.tell(f"Starting from {rows[0].reference}: {rows[0].why}")
    chosen = next(row.reference for row in rows if row.chosen)
    start = next((one for one in starts if one.reference == chosen), None)
    if start is None:
        raise BadValue(
            f"--like is of a run that started from {chosen}, which is not at hand.",
            why="its choice among weights is taken over",
            mend=f"give that file: --weights {chosen}, or leave --like out",
        )
    return start, _reread(sided, starts[0], start, environment, limits), tuple(rows)


def _backbone(start: InitialWeights, base: TrainingContext, readings: "_Readings") -> Backbone:
    """The start as the ranking sees it; its images are read when its turn comes."""

    def context() -> TrainingContext:
        reading, rows = readings.of(start), readings.rows
        images = base.images.part(rows)
        _check_same(images.digests, reading)
        folds = tuple(np.flatnonzero(np.isin(rows, fold)) for fold in base.folds)
        return replace(
            base, images=images, folds=tuple(fold for fold in folds if len(fold)), canvases=reading.canvases, spec=start.spec,
            channels=start.channels, depth=reading.depth,
        )  # fmt: skip

    return Backbone(start.net, start.reference, start.maker(len(base.classes)), context)


class _Readings:
    """The sampled training images, read anew only for weights that want canvases unlike any before."""

    def __init__(
        self, sided: SidedImages, first: InitialWeights, rows: NDArray[np.int64], environment: RunEnvironment, limits: Limits
    ) -> None:
        self.rows, self._progress, self._limits = rows, environment.progress, limits
        places: list[int] = [sided.split.train[row] for row in rows.tolist()]
        self._catalog = replace(sided.catalog, items=tuple(sided.reading.entries[place].item for place in places))
        self._known: dict[tuple[int, str], Ingested] = {_canvas(first): sided.reading}

    def of(self, start: InitialWeights) -> Ingested:
        """Their canvases as `start` wants them."""
        side, interpolation = _canvas(start)
        if (side, interpolation) not in self._known:
            self._known[side, interpolation] = read(self._catalog, side, interpolation, self._progress, limits=self._limits)
        return self._known[side, interpolation]


def _canvas(start: InitialWeights) -> tuple[int, str]:
    return start.spec.resize, start.spec.interpolation


def _reread(sided: SidedImages, first: InitialWeights, chosen: InitialWeights, environment: RunEnvironment, limits: Limits) -> SidedImages:
    """All images as `chosen` wants them, on the sides where they are."""
    if _canvas(first) == _canvas(chosen):
        return sided
    reading = read(sided.catalog, chosen.spec.resize, chosen.spec.interpolation, environment.progress, limits=limits)
    _check_same(tuple(entry.sha256 for entry in sided.reading.entries if entry.good), reading)
    return replace(sided, reading=reading)


def _check_same(digests: Sequence[str], reading: Ingested) -> None:
    """Raises: DataFault if an image is not there any more as it was read before."""
    if reading.canvases is None or any(digest not in reading.canvases for digest in digests):
        raise DataFault("images changed or went while weights were ranked.", mend="run again when nothing writes to them")
