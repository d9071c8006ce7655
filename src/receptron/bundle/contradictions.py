"""What no single field of a card can tell: figures that contradict each other, or the classes."""

from collections.abc import Iterator
from itertools import chain

from receptron.bundle.card import ModelCard
from receptron.evaluation.records import ROUNDING, Bin, Estimate, Evaluation
from receptron.records import short


def contradictions(card: ModelCard) -> Iterator[str]:
    """One sentence for each, the field first; none for a card that `train` wrote."""
    if card.channels != card.input.bands and (card.input.bands or card.channels not in (1, 3)):
        yield f"channels is {card.channels}: it must be {card.input.bands or '1 or 3'}"
    if twice := _twice(card.classes):
        yield f"classes has {short(twice)} more than once: every class has a name of its own"
    if card.offsets is not None and len(card.offsets) != len(card.classes):
        yield f"offsets has {len(card.offsets)} numbers: it must have one for each of the {len(card.classes)} classes"
    if card.own is None and card.macs is None:
        yield "macs is null: those of a net of the zoo are known"
    if card.own is not None and (card.own.file not in card.own.sources or card.net != card.own.shown):
        yield f"own is of {short(card.own.shown)}: net must say so too, and its file must be among the sources"
    yield from _evaluation(card.evaluation, card.classes)
    if card.set_figures is not None:
        for name in ("held", "single"):
            yield from _share(f"set_figures.{name}", getattr(card.set_figures, name))
        if not 1 <= card.set_figures.mean_size <= len(card.classes):
            yield f"set_figures.mean_size is {card.set_figures.mean_size}: a set has 1 to {len(card.classes)} classes"
    if card.novelty_figures is not None:
        yield from _share("novelty_figures.strange", card.novelty_figures.strange)
        if card.novelty is None:
            yield "novelty_figures are there without novelty, the rule that they tell of"
    for i, compared in enumerate(card.comparisons):
        yield from _share(f"comparisons[{i}].baseline_accuracy", compared.baseline_accuracy)
        yield from _ordered(f"comparisons[{i}].gain", compared.gain)
        yield from _known(f"comparisons[{i}].gain", compared.gain, -1.0)
        if compared.better != (compared.gain.low > 0):
            yield f"comparisons[{i}].better is {compared.better}: the interval of the gain begins at {compared.gain.low}"


def _evaluation(found: Evaluation, classes: tuple[str, ...]) -> Iterator[str]:
    for name in ("accuracy", "balanced_accuracy", "ece_before", "ece_after"):
        yield from _share(f"evaluation.{name}", getattr(found, name))
    if tuple(row.label for row in found.classes) != classes:
        yield f"evaluation.classes has {short([row.label for row in found.classes])}: it must have the classes of the card, in their order"
    for i, row in enumerate(found.classes):
        for name in ("precision", "recall", "f1"):
            yield from _share(f"evaluation.classes[{i}].{name}", getattr(row, name))
    yield from _confusion(found)
    for name in ("reliability_before", "reliability_after"):
        yield from _bins(f"evaluation.{name}", getattr(found, name), found.count)


def _confusion(found: Evaluation) -> Iterator[str]:
    table, size = found.confusion, len(found.classes)
    if len(table) != size or any(len(row) != size for row in table):
        yield f"evaluation.confusion has {len(table)} rows of {sorted({len(row) for row in table})}: it must be {size} by {size}"
        return
    for i, row in enumerate(found.classes):
        if row.support != sum(table[i]):
            yield f"evaluation.classes[{i}].support is {row.support}: its row of the confusion matrix has {sum(table[i])}"
    if (total := sum(chain.from_iterable(table))) != found.count:
        yield f"evaluation.count is {found.count}: the confusion matrix has {total}"
    elif abs((share := sum(table[i][i] for i in range(size)) / total) - found.accuracy.value) > ROUNDING:
        yield f"evaluation.accuracy.value is {found.accuracy.value}: the confusion matrix says {share}"


def _bins(name: str, bins: tuple[Bin, ...], count: int) -> Iterator[str]:
    for i, each in enumerate(bins):
        if not each.low < each.high:
            yield f"{name}[{i}].high is {each.high}: it must be over its low, {each.low}"
    if (total := sum(each.count for each in bins)) != count:
        yield f"{name} has {total} answers in its bins: there are {count}"


def _share(name: str, found: Estimate) -> Iterator[str]:
    if found.low < -ROUNDING:
        yield f"{name}.low is {found.low}: a share of images is 0 or more"
    yield from _ordered(name, found)
    yield from _known(name, found, 0.0)


def _known(name: str, found: Estimate, lowest: float) -> Iterator[str]:
    if found.unknown and (found.low > lowest + ROUNDING or found.high < 1 - ROUNDING):
        yield f"{name}.method is {short(found.method)}: its interval must then be {lowest:.0f} to 1, not {found.low} to {found.high}"


def _ordered(name: str, found: Estimate) -> Iterator[str]:
    if not found.low - ROUNDING <= found.value <= found.high + ROUNDING:
        yield f"{name}.value is {found.value}: it must lie within its interval, {found.low} to {found.high}"


def _twice(names: tuple[str, ...]) -> str:
    seen = set[str]()
    return next((name for name in names if name in seen or seen.add(name)), "")
