"""The figures of a trained model: on the test side through the very path that predict takes, or out of fold where there is no test side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from receptron.bundle.card import ModelCard
from receptron.bundle.ensembles.ensemble import Ensemble, common_parts
from receptron.bundle.ensembles.kept import EnsembleCard, state_of
from receptron.bundle.model import Model
from receptron.bundle.predictor import Scores
from receptron.errors import DataFault
from receptron.evaluation import baselines, temperature_scaling
from receptron.evaluation.metrics import compare, evaluate
from receptron.evaluation.novelty.rule import NoveltyFigures, novelties, novelty_figures
from receptron.evaluation.prediction_sets import set_figures
from receptron.evaluation.records import Answer, BaselineComparison, Evaluation, Novelty, SetFigures
from receptron.jobs.training.fit import FittedNetwork
from receptron.progress import Progress
from receptron.training.context import Images
from receptron.training.records import JudgedImage
from receptron.wording import counted, listed

SHOWN = 24  # mistakes, and right answers of least confidence, kept for the report
_FOLDS = "confidence, sets and what is strange rest on networks alone, out of fold: every training image was learnt from by most of them"
_SEEDS = "confidence and sets rest on images that none of them learnt from, though each kept its best epoch by them"


@dataclass(frozen=True)
class Judgement:
    """What the report says of the model."""

    evaluation: Evaluation
    comparisons: tuple[BaselineComparison, ...]
    given: Evaluation | None
    mistakes: tuple[Answer, ...]
    doubtful: tuple[Answer, ...]
    images: tuple[JudgedImage, ...]
    set_figures: SetFigures | None = None
    novelty_figures: NoveltyFigures | None = None


@dataclass(frozen=True)
class _Answered:
    """Logits of some images and what is known of them."""

    digests: Sequence[str]
    names: Sequence[str]
    logits: NDArray[np.float64]
    truth: NDArray[np.int64]
    groups: NDArray[np.int64] | None
    novelties: Sequence[Novelty | None]


def evaluate_on_test(
    model: Model,
    learnt: FittedNetwork,
    test: Images,
    leaked: frozenset[str],
    strangers: Mapping[str, int],
    progress: Progress,
    alone: Model | None = None,
) -> Judgement:
    """Every test image of a class that was learnt is read from its file and answered once.

    `leaked` test images (digests), which have a twin in training, are left out of the figures that count, and stand in `given` beside them.
    `strangers` are test images of other classes, by class; `alone` is the one network that an ensemble is to better.
    Raises: DataFault if no test image can be read any more.
    """
    scores = model.scores(list(test.names), progress=progress)
    gone = _gone(test, scores) + _strangers(strangers)
    rows = np.array(scores.read, np.int64)
    images, clean = test.part(rows), np.array([test.digests[i] not in leaked for i in scores.read], bool)
    fair = np.flatnonzero(clean if clean.any() else ~clean)
    chosen = images.part(fair)
    strange = _novelties(model, scores)
    seen, kept = _seen(images, scores.logits, strange), _seen(chosen, scores.logits[fair], [strange[row] for row in fair.tolist()])
    near = learnt.nearest(images)[fair]
    common = np.full(len(kept.truth), baselines.majority(learnt.context.images.targets, len(model.classes)))
    told = "" if clean.all() else " without a twin in training" if clean.any() else ", every one with a twin in training"
    source = chosen.counted(f"test images{told}") + gone
    given = None if clean.all() else _evaluate(model, seen, images.counted("test images as given, leaks included"))
    rivals = {"majority class": common, "nearest neighbour": near}
    if alone:
        rivals["one network of the ensemble"] = alone.scores(list(chosen.names), progress=progress).logits.argmax(1)
    judged = _judged(model, kept, _evaluate(model, kept, source), rivals, given)
    if model.card.novelty and scores.novelty is not None:
        judged = replace(judged, novelty_figures=novelty_figures(scores.novelty[fair], model.card.novelty, kept.groups))
    if model.card.sets is None:
        return judged
    chances = temperature_scaling.probabilities(kept.logits, model.card.temperature, model.card.offsets)
    found = set_figures(chances, kept.truth, model.card.sets, kept.groups, kept.logits.argmax(1))
    return replace(judged, set_figures=found)


def ensemble_card(learnt: FittedNetwork, temperature: float, macs: int | None) -> EnsembleCard | None:
    """What stands in the card of several networks, of which one takes `macs`; None where one answers alone."""
    nets = [learnt.net, *learnt.outcome.others]
    if len(nets) == 1:
        return None
    for net in nets:
        net.cpu().eval()
    asked = learnt.context.ensembling
    of_folds = asked.kind == "folds"
    # The temperature of folds is of networks alone; that of seeds was fitted to their mean.
    return EnsembleCard(str(asked), len(nets), common_parts(nets), temperature if of_folds else 1.0, macs, _FOLDS if of_folds else _SEEDS)


def answering(learnt: FittedNetwork, told: EnsembleCard | None) -> nn.Module:
    """What answers images: the network, or all of them together."""
    return Ensemble([learnt.net, *learnt.outcome.others], told.shared, told.inner) if told else learnt.net


def state_to_save(learnt: FittedNetwork, card: ModelCard) -> dict[str, Tensor]:
    """Every tensor that the model directory keeps, each once."""
    return state_of([learnt.net, *learnt.outcome.others], card.ensemble.shared) if card.ensemble else learnt.net.state_dict()


def _gone(test: Images, scores: Scores) -> str:
    """What to add to the count of test images, if some were read before training and cannot be read now. Raises: DataFault if all."""
    if not scores.faults:
        return ""
    first, why = next((test.names[place], why) for place, why in scores.faults.items())
    if not scores.read:
        cure = "put the images back as they were, and go on with --resume: nothing that was learnt is lost"
        raise DataFault(f"none of {counted(len(test), 'test image')} can be read any more.", why=f"{first}: {why}", mend=cure)
    return f" ({len(scores.faults):,} more could not be read any more, such as {Path(first).name}: {why})"


def _strangers(counts: Mapping[str, int]) -> str:
    """What to add to the count of test images, if others are of classes that no training image is of."""
    if not counts:
        return ""
    several = "these classes have" if len(counts) > 1 else "the class has"
    return f" ({counted(sum(counts.values()), 'image')} of {listed(counts)} left out: {several} no training image)"


def evaluate_out_of_fold(model: Model, learnt: FittedNetwork) -> Judgement:
    """Where there is no test side: what networks that never saw an image say of it."""
    rows, images = learnt.outcome.rows, learnt.context.images
    seen = _seen(images.part(rows), learnt.outcome.logits, [None] * len(rows))
    near = baselines.nearest_out_of_fold(learnt.known, images.targets, learnt.context.folds)[rows]
    common = np.full(len(rows), baselines.majority(images.targets, len(model.classes)))
    source = f"{len(learnt.context.folds)}-fold cross-validation on {images.part(rows).counted('images')}"
    evaluation = _evaluate(model, seen, source, networks=len(learnt.context.folds))
    return _judged(model, seen, evaluation, {"majority class": common, "nearest neighbour": near}, None)


def _seen(images: Images, logits: NDArray[np.float64], strange: Sequence[Novelty | None]) -> _Answered:
    return _Answered(images.digests, images.names, logits, images.targets.numpy(), images.groups, strange)


def _novelties(model: Model, scores: Scores) -> Sequence[Novelty | None]:
    """Of each image that could be read, where the model tells what is new to it."""
    if model.card.novelty is None or scores.novelty is None:
        return [None] * len(scores.read)
    return novelties(scores.novelty, model.card.novelty)


def _evaluate(model: Model, seen: _Answered, source: str, *, networks: int = 1) -> Evaluation:
    return evaluate(
        seen.logits, seen.truth, model.classes, model.card.temperature, source, seen.names, networks=networks, groups=seen.groups,
        offsets=model.card.offsets,
    )  # fmt: skip


def _judged(
    model: Model, seen: _Answered, evaluation: Evaluation, rivals: dict[str, NDArray[np.int64]], given: Evaluation | None
) -> Judgement:
    right = seen.logits.argmax(1) == seen.truth
    chances = temperature_scaling.probabilities(seen.logits, model.card.temperature, model.card.offsets)
    answers = [
        replace(model.answer(name, row), label=model.classes[label], novelty=novelty)
        for name, row, label, novelty in zip(seen.names, chances, seen.truth.tolist(), seen.novelties, strict=True)
    ]
    wrong = sorted((a for a in answers if a.predicted != a.label), key=lambda a: -a.confidence)
    unsure = sorted((a for a in answers if a.predicted == a.label), key=lambda a: a.confidence)
    comparisons = tuple(compare(right, answer == seen.truth, name, seen.groups) for name, answer in rivals.items())
    groups = range(len(answers)) if seen.groups is None else seen.groups.tolist()
    images = tuple(
        JudgedImage(digest, answer.label or "", answer.predicted, answer.confidence, group)
        for digest, answer, group in zip(seen.digests, answers, groups, strict=True)
    )
    return Judgement(evaluation, comparisons, given, tuple(wrong[:SHOWN]), tuple(unsure[:SHOWN]), images)
